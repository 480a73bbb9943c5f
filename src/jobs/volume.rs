//! From a loaded cartridge to a volume that is known to be the right one.
//!
//! Every job that reads or writes a cartridge comes through here: the tape is looked at, what is found
//! is compared with what the catalog expects ([`super::identity`]), and the catalog learns what was
//! seen. Nothing here writes to a tape.

use std::sync::Arc;

use super::block_keys::DataKeys;
use super::context::{JobContext, Parts, make_folder};
use super::equipment::{EquipmentError, Loaded};
use super::error::JobError;
use super::identity::{self, Content, Expected, Found};
use crate::catalog::{
    CartridgeId, CartridgeKind, CartridgeRecord, CartridgeSighting, CatalogError, EventLevel,
    VolumeRecord, VolumeState,
};
use crate::domain::{Barcode, VolumeUuid};
use crate::drive::{DriveError, DriveErrorKind, Medium};
use crate::keys::sealed::KeySource;
use crate::ltfs::error::{LtfsError, LtfsErrorKind, NotLtfs};
use crate::ltfs::label::{PartitionMap, VolumeLabel};
use crate::ltfs::mount::{CheckEnds, KnownVolume, MountOptions, MountedVolume, identify, mount};

/// How often a cartridge is loaded again after failures of drive or robot before a job gives up or a
/// person is asked. Chosen, no data yet.
pub(crate) const TRIES_MAX: usize = 3;

/// What the catalog knows of a cartridge and the volume on it.
#[derive(Clone, Debug)]
pub struct KnownCartridge {
    /// The cartridge.
    pub cartridge: CartridgeRecord,
    /// What should be on it.
    pub volume: Option<VolumeRecord>,
}

/// Everything the catalog knows of the cartridge with that barcode that was seen last.
///
/// # Errors
/// If there is none, or the catalog fails.
pub fn known_cartridge(parts: &Parts, barcode: &Barcode) -> Result<KnownCartridge, JobError> {
    let mut cartridges: Vec<_> = parts
        .catalog
        .cartridges()?
        .into_iter()
        .filter(|c| c.barcode.as_ref().is_some_and(|found| found.is_same_label(barcode)))
        .collect();
    cartridges.sort_by_key(|cartridge| (cartridge.place.is_some(), cartridge.last_seen));
    let cartridge = cartridges
        .pop()
        .ok_or_else(|| JobError::Unknown { what: format!("cartridge {barcode}") })?;
    let volume = current_volume(parts, cartridge.id)?;
    Ok(KnownCartridge { cartridge, volume })
}

/// The volume that should be on a cartridge.
///
/// # Errors
/// If the catalog fails.
pub fn current_volume(
    parts: &Parts,
    id: CartridgeId,
) -> Result<Option<VolumeRecord>, CatalogError> {
    let volumes = parts.catalog.volumes_of_cartridge(id)?;
    Ok(volumes.into_iter().find(|record| record.volume.state != VolumeState::Erased))
}

/// What is on the loaded cartridge, and the mounted volume if it is one.
#[derive(Debug)]
pub struct Looked {
    /// What was found.
    pub found: Found,
    /// The volume.
    pub mounted: Option<MountedVolume>,
    /// The cartridge as the catalog knows it now.
    pub cartridge: CartridgeId,
}

/// Looks at what is on a loaded cartridge, and notes the sighting.
///
/// # Errors
/// If the drive or the catalog fails. A tape with something else on it is an answer.
pub fn look(
    context: &JobContext,
    loaded: &mut Loaded,
    known: Option<VolumeUuid>,
    ends: CheckEnds,
) -> Result<Looked, JobError> {
    let parts = &context.parts;
    let (medium, cartridge) = sight(context, loaded)?;
    let spool_dir = match known {
        Some(volume) => parts.folders.indexes(volume),
        None => parts.folders.job(context.id),
    };
    make_folder(&spool_dir)?;
    let options = MountOptions { spool_dir, known: None, ends };
    let (content, mounted) = if medium.is_cleaning {
        (cleaning(), None)
    } else {
        let mounted = mount(loaded.drive(), &options);
        match mounted {
            Ok(mounted) => (content_of_label(&mounted.label), Some(mounted)),
            Err(error) => (content_of_error(error)?, None),
        }
    };
    Ok(Looked { found: found(loaded, medium, content), mounted, cartridge })
}

/// Says that the cartridge was met, and what the drive knows of it.
fn sight(context: &JobContext, loaded: &mut Loaded) -> Result<(Medium, CartridgeId), JobError> {
    let parts = &context.parts;
    let barcode = loaded.barcode().clone();
    context.stage("looking at the volume", Some(&barcode));
    let keys: Arc<dyn KeySource> = parts.keys.ring().clone();
    loaded.drive().find_keys_in(Arc::new(DataKeys(keys)));
    let medium = medium_in(loaded)?.ok_or_else(|| {
        JobError::from(EquipmentError::NothingLoaded {
            serial: loaded.drive_serial().clone(),
            barcode: barcode.clone(),
        })
    })?;
    let kind = match (medium.is_cleaning, medium.is_worm) {
        (true, _) => CartridgeKind::Cleaning,
        (false, true) => CartridgeKind::Worm,
        (false, false) => CartridgeKind::Data,
    };
    let sighting = CartridgeSighting {
        barcode: Some(barcode.clone()),
        medium_serial: medium.medium_serial.clone(),
        generation: medium.generation,
        kind: Some(kind),
        is_write_protected: Some(medium.is_write_protected),
        place: None,
    };
    let now = parts.clock.now();
    let sighted = parts.catalog.saw_cartridge(&sighting, now)?;
    parts.catalog.cartridge_loaded(sighted.id, loaded.drive_serial(), context.id, now)?;
    Ok((medium, sighted.id))
}

/// What is in the drive. It is not written yet: a deferred error is about what somebody wrote before, and
/// whether that is there will be seen on the tape.
fn medium_in(loaded: &mut Loaded) -> Result<Option<Medium>, DriveError> {
    match loaded.drive().medium() {
        Err(DriveError::Deferred { .. }) => loaded.drive().medium(),
        medium => medium,
    }
}

fn found(loaded: &Loaded, medium: Medium, content: Content) -> Found {
    Found {
        barcode: loaded.barcode().clone(),
        medium_serial: medium.medium_serial,
        is_write_protected: medium.is_write_protected,
        is_worm: medium.is_worm,
        is_cleaning: medium.is_cleaning,
        content,
    }
}

fn cleaning() -> Content {
    Content::Other { description: "a cleaning cartridge".to_owned() }
}

fn content_of_label(label: &VolumeLabel) -> Content {
    let serial = String::from_utf8_lossy(&label.serial);
    let serial = serial.trim();
    let label_barcode = (!serial.is_empty()).then(|| serial.to_owned());
    Content::Ltfs { volume: label.uuid, label_barcode }
}

/// What an error says of a tape; the drive's own are no answer.
fn content_of_error(error: LtfsError) -> Result<Content, JobError> {
    let other = |description: String| Ok(Content::Other { description });
    match error {
        LtfsError::NotLtfs(NotLtfs::Blank) => Ok(Content::Blank),
        LtfsError::NotLtfs(what) => other(what.to_string()),
        LtfsError::NoIndex { volume, .. } => Ok(Content::NoIndex { volume }),
        error @ LtfsError::Labels(_) => other(error.to_string()),
        error => Err(error.into()),
    }
}

/// Makes sure that a loaded cartridge holds the volume that the catalog expects, by its labels alone.
/// No index is read, so it takes no time and does not need one.
///
/// # Errors
/// If another volume is there, or the drive fails.
pub(crate) fn identify_expected(
    context: &JobContext,
    loaded: &mut Loaded,
    expected: &Expected,
) -> Result<(VolumeLabel, PartitionMap), JobError> {
    let (medium, _) = sight(context, loaded)?;
    let (content, identified) = if medium.is_cleaning {
        (cleaning(), None)
    } else {
        match identify(loaded.drive()) {
            Ok((label, map)) => (content_of_label(&label), Some((label, map))),
            Err(error) => (content_of_error(error)?, None),
        }
    };
    identity::ensure_readable(&found(loaded, medium, content), expected)?;
    identified.ok_or_else(|| JobError::Bug("an identified volume has no labels".to_owned()))
}

/// Mounts the volume that the catalog expects on a loaded cartridge, for reading.
///
/// # Errors
/// If another volume is there, or the drive fails.
pub fn mount_expected(
    context: &JobContext,
    loaded: &mut Loaded,
    expected: &Expected,
    ends: CheckEnds,
) -> Result<MountedVolume, JobError> {
    let looked = look(context, loaded, Some(expected.volume), ends)?;
    identity::ensure_readable(&looked.found, expected)?;
    mounted_of(looked)
}

/// The volume of a look that found the right one.
///
/// # Errors
/// Never, if the identity was checked.
pub(crate) fn mounted_of(looked: Looked) -> Result<MountedVolume, JobError> {
    looked.mounted.ok_or_else(|| JobError::Bug("an identified volume is not mounted".to_owned()))
}

/// What the catalog expects of the cartridge with a volume.
#[must_use]
pub fn expected_of(cartridge: &CartridgeRecord, volume: VolumeUuid) -> Expected {
    let CartridgeRecord { medium_serial, note, .. } = cartridge;
    Expected { volume, medium_serial: medium_serial.clone(), lock: note.lock.clone() }
}

/// The mount options under which a known volume is mounted again.
#[must_use]
pub(crate) fn options_for(parts: &Parts, volume: VolumeUuid, ends: CheckEnds) -> MountOptions {
    let known = Some(KnownVolume { uuid: volume, generation: None });
    MountOptions { spool_dir: parts.folders.indexes(volume), known, ends }
}

/// True for what is the matter with this cartridge, and says nothing of the next one.
pub(crate) fn is_the_cartridges(error: &JobError) -> bool {
    match error {
        JobError::Equipment(
            EquipmentError::NotInLibrary { .. }
            | EquipmentError::BarcodeTwice { .. }
            | EquipmentError::NoSuitableDrive,
        )
        | JobError::Identity(_)
        | JobError::Unknown { .. } => true,
        JobError::Ltfs(error) if error.kind() == LtfsErrorKind::Corrupt => true,
        other => other.drive().is_some_and(|drive| {
            matches!(drive.kind(), DriveErrorKind::CartridgeBad | DriveErrorKind::Corrupt)
        }),
    }
}

/// True if the same again, over a new way to the drive and from what is on tape by then, may succeed.
pub(crate) fn may_pass(error: &JobError) -> bool {
    use LtfsErrorKind as Kind;
    match error {
        JobError::Equipment(error) => matches!(
            error,
            EquipmentError::Drive(_)
                | EquipmentError::Changer(_)
                | EquipmentError::Transport(_)
                | EquipmentError::NothingLoaded { .. }
        ),
        JobError::Ltfs(error) => matches!(
            error.kind(),
            Kind::Retry | Kind::WaitReady | Kind::PositionLost | Kind::DriveBad
        ),
        other => other.drive().is_some_and(|drive| {
            matches!(
                LtfsErrorKind::from(drive.kind()),
                Kind::Retry | Kind::WaitReady | Kind::PositionLost | Kind::DriveBad
            )
        }),
    }
}

/// Does `work` with a cartridge, and again after a failure that may pass, [`TRIES_MAX`] times in all.
///
/// # Errors
/// The last one.
pub(crate) fn with_tries<T>(
    context: &JobContext,
    barcode: &Barcode,
    mut work: impl FnMut() -> Result<T, JobError>,
) -> Result<T, JobError> {
    for _ in 1..TRIES_MAX {
        match work() {
            Err(error) if may_pass(&error) && !context.is_stopped() => {
                let message = format!("trying {barcode} again after: {error}");
                context.tell(EventLevel::Warning, "cartridge_again", message);
            }
            other => return other,
        }
    }
    work()
}
