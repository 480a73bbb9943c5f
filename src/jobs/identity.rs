//! Is the cartridge in the drive the one that was meant, and may it be written? Pure.
//!
//! A barcode is a sticker. Before the first write to a cartridge the volume on the tape, the memory in
//! the cartridge and the catalog's expectation are compared, and anything that differs stops the job
//! with a sentence that says what was found. Formatting looks too: it needs a typed barcode before it
//! destroys anything that could be somebody's data. What a person has ordered counts here too, and nowhere
//! else: a locked cartridge is not written, and one that is to be kept is not formatted.

use crate::catalog::{CartridgeLock, CartridgeNote};
use crate::domain::{Barcode, Timestamp, VolumeUuid};
use crate::jobs::spec::EraseConsent;

/// What is known of a loaded cartridge from looking at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The barcode by which it was asked for.
    pub barcode: Barcode,
    /// The serial number in the cartridge's memory.
    pub medium_serial: Option<String>,
    /// The write-protect switch is on, or the drive cannot write this generation.
    pub is_write_protected: bool,
    /// Write once, read many.
    pub is_worm: bool,
    /// For cleaning only.
    pub is_cleaning: bool,
    /// What is on the tape.
    pub content: Content,
}

/// What is on a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Never written.
    Blank,
    /// An LTFS volume.
    Ltfs {
        /// Its UUID.
        volume: VolumeUuid,
        /// The barcode in its label, if there is one.
        label_barcode: Option<String>,
    },
    /// An LTFS volume of which no index can be read.
    NoIndex {
        /// Its UUID, by its labels.
        volume: VolumeUuid,
    },
    /// Something that is not LTFS, or an LTFS volume whose labels are damaged.
    Other {
        /// What was found, in words.
        description: String,
    },
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Blank => f.write_str("is blank"),
            Self::Ltfs { volume, label_barcode: Some(barcode) } => {
                write!(f, "holds LTFS volume {volume} labelled {barcode}")
            }
            Self::Ltfs { volume, label_barcode: None } => write!(f, "holds LTFS volume {volume}"),
            Self::NoIndex { volume } => {
                write!(f, "holds LTFS volume {volume}, of which no index can be read")
            }
            Self::Other { description } => write!(f, "holds something else: {description}"),
        }
    }
}

/// What the catalog expects of a cartridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The volume that should be on it.
    pub volume: VolumeUuid,
    /// The cartridge's own serial number, where it was ever read.
    pub medium_serial: Option<String>,
    /// A person's order not to write to it.
    pub lock: Option<CartridgeLock>,
}

/// Why a cartridge is not used. Nothing was written to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Another volume, or none, is on the tape.
    #[error(
        "cartridge {barcode} {found}, but volume {expected} was expected; nothing was written. \
         Look whether a cartridge was swapped or relabelled, then run `fossilsafe library inventory`"
    )]
    OtherContent {
        /// The barcode it was loaded by.
        barcode: Barcode,
        /// What is on it.
        found: Content,
        /// The volume that should be.
        expected: VolumeUuid,
    },
    /// The volume is right, and where its files lie is not to be learned from it.
    #[error(
        "cartridge {barcode} {found}; nothing was written. Its files are not lost: restore them as \
         always, or with `fossilsafe ltfs carve`; write to another cartridge"
    )]
    NoIndex {
        /// The barcode it was loaded by.
        barcode: Barcode,
        /// What is on it.
        found: Content,
    },
    /// The volume is right, the cartridge is another: a copy of the tape, or swapped memory.
    #[error(
        "cartridge {barcode} has serial number {found}, but volume {volume} was written to cartridge \
         {expected}; nothing was written. One of the two is a copy: read it, but write to another"
    )]
    OtherCartridge {
        /// The barcode it was loaded by.
        barcode: Barcode,
        /// The serial number in its memory.
        found: String,
        /// The volume on it.
        volume: VolumeUuid,
        /// The serial number that was known.
        expected: String,
    },
    /// The write-protect switch is on.
    #[error("cartridge {0} is write-protected; move its switch and load it again")]
    WriteProtected(Barcode),
    /// A person has ordered that it is not written.
    #[error(
        "cartridge {barcode} is locked by {}{}; nothing was written. \
         Unlock it, or write to another: `fossilsafe cartridge unlock {barcode}`",
        lock.by, because(lock)
    )]
    Locked {
        /// Its barcode.
        barcode: Barcode,
        /// The order.
        lock: CartridgeLock,
    },
    /// A person has ordered that what is on it is kept.
    #[error(
        "cartridge {barcode} is to be kept until {until}; nothing was erased. Use another cartridge"
    )]
    Retained {
        /// Its barcode.
        barcode: Barcode,
        /// Until then.
        until: Timestamp,
    },
    /// A WORM cartridge with something on it cannot be formatted.
    #[error("cartridge {barcode} is WORM and {found}; it can never be formatted again")]
    WormInUse {
        /// Its barcode.
        barcode: Barcode,
        /// What is on it.
        found: Content,
    },
    /// A cleaning cartridge.
    #[error("cartridge {0} is a cleaning cartridge")]
    Cleaning(Barcode),
    /// Something is on it and nobody has agreed to lose it.
    #[error(
        "cartridge {barcode} {found}; nothing was written. To erase it, repeat the command with \
         `--yes-erase {barcode}`"
    )]
    NeedsConsent {
        /// Its barcode.
        barcode: Barcode,
        /// What is on it.
        found: Content,
    },
    /// It is to be tried out, and has something on it.
    #[error(
        "cartridge {barcode} {found}; nothing was written. Only a cartridge is tried out that is blank, or was \
         formatted here and not used since: name another one, or erase it with `fossilsafe cartridge format`"
    )]
    NotScratch {
        /// Its barcode.
        barcode: Barcode,
        /// What is on it.
        found: Content,
    },
    /// It is to be tried out, and what is written on it stays for ever.
    #[error(
        "cartridge {0} is WORM: to try it out would use it up for good; nothing was written. Name one that can \
         be erased"
    )]
    WormScratch(Barcode),
    /// The typed barcode is another one.
    #[error("\"{typed}\" was typed, but the cartridge is {barcode}; nothing was written")]
    TypedOther {
        /// The cartridge.
        barcode: Barcode,
        /// What was typed.
        typed: Barcode,
    },
}

impl IdentityError {
    /// The words of [`forbidden`](Self::forbidden).
    pub const FORBIDDEN: [&str; 3] = ["cartridge_locked", "cartridge_retained", "cartridge_worm"];

    /// A stable word for what must not be changed and was to be; nothing for a mere mix-up.
    #[must_use]
    pub fn forbidden(&self) -> Option<&'static str> {
        match self {
            Self::Locked { .. } => Some("cartridge_locked"),
            Self::Retained { .. } => Some("cartridge_retained"),
            Self::WormInUse { .. } => Some("cartridge_worm"),
            _ => None,
        }
    }
}

fn because(lock: &CartridgeLock) -> String {
    lock.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
}

/// May the volume on this cartridge be appended to?
///
/// # Errors
/// What differs from the expectation.
pub fn ensure_writable(found: &Found, expected: &Expected) -> Result<(), IdentityError> {
    ensure_readable(found, expected)?;
    let barcode = || found.barcode.clone();
    if let Some(lock) = expected.lock.clone() {
        return Err(IdentityError::Locked { barcode: barcode(), lock });
    }
    if found.is_write_protected {
        return Err(IdentityError::WriteProtected(barcode()));
    }
    Ok(())
}

/// Has a person ordered that this cartridge is not formatted? Known before it is loaded.
///
/// # Errors
/// The order.
pub fn ensure_free(
    barcode: &Barcode,
    note: &CartridgeNote,
    now: Timestamp,
) -> Result<(), IdentityError> {
    let barcode = barcode.clone();
    match (note.retained_until, &note.lock) {
        (Some(until), _) if now < until => Err(IdentityError::Retained { barcode, until }),
        (_, Some(lock)) => Err(IdentityError::Locked { barcode, lock: lock.clone() }),
        _ => Ok(()),
    }
}

/// Is this the cartridge whose volume is to be read?
///
/// # Errors
/// What differs from the expectation.
pub fn ensure_readable(found: &Found, expected: &Expected) -> Result<(), IdentityError> {
    if found.is_cleaning {
        return Err(IdentityError::Cleaning(found.barcode.clone()));
    }
    match &found.content {
        Content::Ltfs { volume, .. } if *volume == expected.volume => {}
        Content::NoIndex { volume } if *volume == expected.volume => {
            let (barcode, found) = (found.barcode.clone(), found.content.clone());
            return Err(IdentityError::NoIndex { barcode, found });
        }
        other => {
            return Err(IdentityError::OtherContent {
                barcode: found.barcode.clone(),
                found: other.clone(),
                expected: expected.volume,
            });
        }
    }
    match (&found.medium_serial, &expected.medium_serial) {
        (Some(serial), Some(known)) if serial != known => Err(IdentityError::OtherCartridge {
            barcode: found.barcode.clone(),
            found: serial.clone(),
            volume: expected.volume,
            expected: known.clone(),
        }),
        _ => Ok(()),
    }
}

/// May this cartridge be formatted now?
///
/// # Errors
/// What stands against it.
pub fn ensure_formattable(
    found: &Found,
    consent: &EraseConsent,
    note: &CartridgeNote,
    now: Timestamp,
) -> Result<(), IdentityError> {
    let barcode = found.barcode.clone();
    ensure_free(&barcode, note, now)?;
    if found.is_cleaning {
        return Err(IdentityError::Cleaning(barcode));
    }
    if found.is_write_protected {
        return Err(IdentityError::WriteProtected(barcode));
    }
    if found.content == Content::Blank {
        return Ok(());
    }
    let content = found.content.clone();
    if found.is_worm {
        return Err(IdentityError::WormInUse { barcode, found: content });
    }
    match consent {
        EraseConsent::BlankOnly => Err(IdentityError::NeedsConsent { barcode, found: content }),
        EraseConsent::Everything { typed_barcode } if *typed_barcode != barcode => {
            Err(IdentityError::TypedOther { barcode, typed: typed_barcode.clone() })
        }
        EraseConsent::Everything { .. } => Ok(()),
    }
}

/// May this cartridge be written on and made anew, with nothing lost and nothing typed? `is_unused` says that its
/// volume is as it was formatted.
///
/// # Errors
/// What speaks against it.
pub fn ensure_scratch(
    found: &Found,
    is_unused: bool,
    note: &CartridgeNote,
    now: Timestamp,
) -> Result<(), IdentityError> {
    let barcode = found.barcode.clone();
    ensure_formattable(
        found,
        &EraseConsent::Everything { typed_barcode: barcode.clone() },
        note,
        now,
    )?;
    if found.is_worm {
        return Err(IdentityError::WormScratch(barcode));
    }
    if found.content != Content::Blank && !is_unused {
        return Err(IdentityError::NotScratch { barcode, found: found.content.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(content: Content) -> Found {
        Found {
            barcode: "FSP001L9".parse().unwrap(),
            medium_serial: Some("M1".to_owned()),
            is_write_protected: false,
            is_worm: false,
            is_cleaning: false,
            content,
        }
    }

    fn volume() -> (VolumeUuid, Content) {
        let volume = VolumeUuid::random();
        (volume, Content::Ltfs { volume, label_barcode: Some("FSP001".to_owned()) })
    }

    fn expected(volume: VolumeUuid) -> Expected {
        Expected { volume, medium_serial: Some("M1".to_owned()), lock: None }
    }

    fn formattable(found: &Found, consent: &EraseConsent) -> Result<(), IdentityError> {
        ensure_formattable(found, consent, &CartridgeNote::default(), Timestamp::default())
    }

    fn typed(barcode: &str) -> EraseConsent {
        EraseConsent::Everything { typed_barcode: barcode.parse().unwrap() }
    }

    #[test]
    fn only_the_expected_volume_on_the_expected_cartridge_is_written() {
        let (ours, content) = volume();
        assert_eq!(ensure_writable(&found(content.clone()), &expected(ours)), Ok(()));

        let (_, foreign) = volume();
        for other in [Content::Blank, foreign, Content::Other { description: "tar".to_owned() }] {
            let error = ensure_writable(&found(other.clone()), &expected(ours)).unwrap_err();
            assert!(matches!(&error, IdentityError::OtherContent { found, .. } if *found == other));
        }

        let mut swapped = found(content.clone());
        swapped.medium_serial = Some("M2".to_owned());
        let error = ensure_writable(&swapped, &expected(ours)).unwrap_err();
        assert!(matches!(error, IdentityError::OtherCartridge { .. }));

        let mut protected = found(content);
        protected.is_write_protected = true;
        let error = ensure_writable(&protected, &expected(ours)).unwrap_err();
        assert!(matches!(error, IdentityError::WriteProtected(_)));
        assert_eq!(ensure_readable(&protected, &expected(ours)), Ok(()));
    }

    #[test]
    fn whatever_could_be_data_is_formatted_only_with_its_barcode_typed() {
        let (_, content) = volume();
        let ltfs = found(content);
        assert_eq!(formattable(&found(Content::Blank), &EraseConsent::BlankOnly), Ok(()));
        let error = formattable(&ltfs, &EraseConsent::BlankOnly).unwrap_err();
        assert!(error.to_string().contains("--yes-erase FSP001L9"));
        let error = formattable(&ltfs, &typed("FSP002L9")).unwrap_err();
        assert!(matches!(error, IdentityError::TypedOther { .. }));
        assert_eq!(formattable(&ltfs, &typed("FSP001L9")), Ok(()));
    }

    #[test]
    fn our_volume_without_an_index_is_told_apart_from_another_volume() {
        let (ours, other) = (VolumeUuid::random(), VolumeUuid::random());
        let expected = Expected { volume: ours, medium_serial: None, lock: None };
        let refused =
            |volume| ensure_readable(&found(Content::NoIndex { volume }), &expected).unwrap_err();
        assert!(matches!(refused(ours), IdentityError::NoIndex { .. }));
        assert!(refused(ours).to_string().contains("Its files are not lost"));
        assert!(matches!(refused(other), IdentityError::OtherContent { .. }));
    }

    #[test]
    fn only_what_is_blank_or_unused_and_can_be_erased_is_tried_out() {
        let scratch = |found: &Found, is_unused| {
            ensure_scratch(found, is_unused, &CartridgeNote::default(), Timestamp::default())
        };
        let (blank, used) = (found(Content::Blank), found(volume().1));
        assert_eq!(scratch(&blank, false), Ok(()));
        assert_eq!(scratch(&used, true), Ok(()));
        let error = scratch(&used, false).unwrap_err();
        assert!(matches!(error, IdentityError::NotScratch { .. }));
        let worm = Found { is_worm: true, ..blank };
        assert!(matches!(scratch(&worm, true), Err(IdentityError::WormScratch(_))));
        let protected = Found { is_write_protected: true, ..used };
        assert!(matches!(scratch(&protected, true), Err(IdentityError::WriteProtected(_))));
    }

    #[test]
    fn worm_with_content_protected_and_cleaning_cartridges_are_never_formatted() {
        let (_, content) = volume();
        let consent = typed("FSP001L9");
        let mut worm = found(content);
        worm.is_worm = true;
        let error = formattable(&worm, &consent).unwrap_err();
        assert!(matches!(error, IdentityError::WormInUse { .. }));
        worm.content = Content::Blank;
        assert_eq!(formattable(&worm, &consent), Ok(()));

        let mut protected = found(Content::Blank);
        protected.is_write_protected = true;
        let error = formattable(&protected, &consent).unwrap_err();
        assert!(matches!(error, IdentityError::WriteProtected(_)));

        let mut cleaning = found(Content::Blank);
        cleaning.is_cleaning = true;
        let error = formattable(&cleaning, &consent).unwrap_err();
        assert!(matches!(error, IdentityError::Cleaning(_)));
    }

    #[test]
    fn a_locked_cartridge_is_not_written_and_a_kept_one_not_formatted_before_its_time() {
        let (ours, content) = volume();
        let at = |seconds| Timestamp { seconds, nanoseconds: 0 };
        let lock = CartridgeLock { at: at(1), by: "ada".to_owned(), reason: None };
        let locked = Expected { lock: Some(lock.clone()), ..expected(ours) };
        let error = ensure_writable(&found(content.clone()), &locked).unwrap_err();
        assert!(error.to_string().contains("locked by ada;"), "{error}");
        assert_eq!(ensure_readable(&found(content.clone()), &locked), Ok(()));

        let consent = typed("FSP001L9");
        let noted = |lock, retained_until| CartridgeNote {
            lock,
            retained_until,
            ..CartridgeNote::default()
        };
        let format = |content: &Content, note: &CartridgeNote, now| {
            let refused = ensure_formattable(&found(content.clone()), &consent, note, at(now));
            refused.err().and_then(|error| error.forbidden())
        };
        let kept = noted(None, Some(at(100)));
        assert_eq!(format(&content, &kept, 99), Some("cartridge_retained"));
        assert_eq!(format(&content, &kept, 100), None);
        // A blank one too: the order is about the cartridge, and a look can be wrong.
        let both = noted(Some(lock), Some(at(100)));
        assert_eq!(format(&Content::Blank, &both, 99), Some("cartridge_retained"));
        assert_eq!(format(&Content::Blank, &both, 100), Some("cartridge_locked"));
    }
}
