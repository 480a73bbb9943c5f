//! Which volume a set is written to next.
//!
//! A set's own open volume comes first, then an empty formatted one; the order is by barcode, so a
//! person can predict it. A cartridge that has not been formatted by us is never chosen, whatever is
//! on it: only the explicit format of that very cartridge makes it ours. Nor is a cartridge of one copy
//! of a set ever chosen for another: each copy must be whole without the others.

use std::fmt;

use crate::domain::{Barcode, ByteCount, CopyLetter, LtoGeneration, SetName, VolumeUuid};

/// What is known of a cartridge in the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its barcode.
    pub barcode: Barcode,
    /// Its generation, where known.
    pub generation: Option<LtoGeneration>,
    /// What the catalog says of the volume on it.
    pub volume: VolumeUse,
    /// Bytes of files that still fit, the reserve for indexes already taken off.
    pub room: ByteCount,
    /// A person has ordered that it is not written.
    pub is_locked: bool,
}

/// How a cartridge is used, as the catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeUse {
    /// Formatted by us, nothing on it.
    Empty(VolumeUuid),
    /// Holds runs of a copy of a set and takes more.
    Open(VolumeUuid, SetName, CopyLetter),
    /// Takes no more: full, or closed by a person or by an error.
    Closed,
    /// An LTFS volume that is not ours.
    Foreign,
    /// Set aside because something about it is wrong.
    Quarantined,
    /// Not known to the catalog: blank, or something else.
    Unknown,
    /// A cleaning cartridge.
    Cleaning,
}

/// Why a cartridge was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Other cartridges were named for this backup.
    NotNamed,
    /// Not formatted by this appliance.
    NotFormatted,
    /// Belongs to another set.
    OtherSet,
    /// Belongs to another copy of the set.
    OtherCopy,
    /// Takes no more.
    Closed,
    /// Less room than one file needs.
    TooLittleRoom,
    /// An LTFS volume of somebody else.
    Foreign,
    /// Set aside.
    Quarantined,
    /// For cleaning only.
    Cleaning,
    /// A person has ordered that it is not written.
    Locked,
    /// No drive here writes its generation.
    NoDrive,
    /// Already tried by this job.
    Tried,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotNamed => "not among the cartridges named for this backup",
            Self::NotFormatted => "not formatted by this appliance",
            Self::OtherSet => "belongs to another set",
            Self::OtherCopy => "belongs to another copy of the set",
            Self::Closed => "closed",
            Self::TooLittleRoom => "too little room left",
            Self::Foreign => "a volume of another appliance",
            Self::Quarantined => "set aside",
            Self::Cleaning => "a cleaning cartridge",
            Self::Locked => "locked by a person",
            Self::NoDrive => "no drive here writes its generation",
            Self::Tried => "already tried by this job",
        })
    }
}

/// No cartridge can be written; each with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoCandidate {
    /// Every cartridge that was looked at.
    pub refusals: Vec<(Barcode, Refusal)>,
}

/// What a backup needs of a volume.
#[derive(Clone, Debug)]
pub struct Demand<'a> {
    /// The set to be written.
    pub set: &'a SetName,
    /// The copy of it.
    pub copy: CopyLetter,
    /// If not empty, only these.
    pub named: &'a [Barcode],
    /// Not these: the job has already filled or failed on them.
    pub tried: &'a [Barcode],
    /// The generations that the drives here write best.
    pub drives: &'a [LtoGeneration],
    /// The least room that is worth loading a cartridge for.
    pub room_min: ByteCount,
}

/// Chooses the volume to be written next.
///
/// # Errors
/// [`NoCandidate`] with the reason for each cartridge, if none can be written.
pub fn choose_volume<'a>(
    candidates: &'a [Candidate],
    demand: &Demand<'_>,
) -> Result<&'a Candidate, NoCandidate> {
    let mut refusals = Vec::new();
    let mut best: Option<&Candidate> = None;
    for candidate in candidates {
        match refusal(candidate, demand) {
            Some(reason) => refusals.push((candidate.barcode.clone(), reason)),
            None if best.is_none_or(|b| rank(candidate) < rank(b)) => best = Some(candidate),
            None => {}
        }
    }
    best.ok_or(NoCandidate { refusals })
}

/// Smaller is better: the set's own volume, then an empty one; then by barcode.
fn rank(candidate: &Candidate) -> (bool, &Barcode) {
    (!matches!(candidate.volume, VolumeUse::Open(..)), &candidate.barcode)
}

fn refusal(candidate: &Candidate, demand: &Demand<'_>) -> Option<Refusal> {
    match &candidate.volume {
        VolumeUse::Cleaning => return Some(Refusal::Cleaning),
        VolumeUse::Unknown => return Some(Refusal::NotFormatted),
        VolumeUse::Foreign => return Some(Refusal::Foreign),
        VolumeUse::Quarantined => return Some(Refusal::Quarantined),
        VolumeUse::Closed => return Some(Refusal::Closed),
        VolumeUse::Open(_, set, _) if set != demand.set => return Some(Refusal::OtherSet),
        VolumeUse::Open(_, _, copy) if *copy != demand.copy => return Some(Refusal::OtherCopy),
        VolumeUse::Open(..) | VolumeUse::Empty(_) => {}
    }
    let is_named = |list: &[Barcode]| list.iter().any(|b| b.is_same_label(&candidate.barcode));
    if !demand.named.is_empty() && !is_named(demand.named) {
        return Some(Refusal::NotNamed);
    }
    if candidate.is_locked {
        return Some(Refusal::Locked);
    }
    if is_named(demand.tried) {
        return Some(Refusal::Tried);
    }
    let fits = |medium| demand.drives.iter().any(|drive| drive.can_write(medium));
    if candidate.generation.is_some_and(|medium| !fits(medium)) {
        return Some(Refusal::NoDrive);
    }
    (candidate.room < demand.room_min).then_some(Refusal::TooLittleRoom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(barcode: &str, volume: VolumeUse) -> Candidate {
        Candidate {
            barcode: barcode.parse().unwrap(),
            generation: Some(LtoGeneration::Lto9),
            volume,
            room: ByteCount(1000),
            is_locked: false,
        }
    }

    fn demand(set: &SetName) -> Demand<'_> {
        Demand {
            set,
            copy: CopyLetter::A,
            named: &[],
            tried: &[],
            drives: &[LtoGeneration::Lto9],
            room_min: ByteCount(100),
        }
    }

    fn uuid() -> VolumeUuid {
        VolumeUuid::random()
    }

    #[test]
    fn the_sets_own_volume_comes_before_an_empty_one_and_then_the_barcode_decides() {
        let set: SetName = "photos".parse().unwrap();
        let own = VolumeUse::Open(uuid(), set.clone(), CopyLetter::A);
        let mut all = vec![
            candidate("FSP003L9", VolumeUse::Empty(uuid())),
            candidate("FSP002L9", VolumeUse::Empty(uuid())),
            candidate("FSP009L9", own),
        ];
        assert_eq!(choose_volume(&all, &demand(&set)).unwrap().barcode.as_str(), "FSP009L9");
        all.pop();
        assert_eq!(choose_volume(&all, &demand(&set)).unwrap().barcode.as_str(), "FSP002L9");
    }

    #[test]
    fn a_cartridge_of_one_copy_is_never_chosen_for_another() {
        let set: SetName = "photos".parse().unwrap();
        let own = |copy| VolumeUse::Open(uuid(), set.clone(), copy);
        let all = vec![
            candidate("FSP001L9", own(CopyLetter::A)),
            candidate("FSP002L9", own(CopyLetter::B)),
            candidate("FSP003L9", VolumeUse::Empty(uuid())),
        ];
        let of_b = Demand { copy: CopyLetter::B, ..demand(&set) };
        assert_eq!(choose_volume(&all, &of_b).unwrap().barcode.as_str(), "FSP002L9");
        let tried = ["FSP002L9".parse().unwrap()];
        let again = Demand { tried: &tried, ..of_b.clone() };
        assert_eq!(choose_volume(&all, &again).unwrap().barcode.as_str(), "FSP003L9");
        let none = choose_volume(&all[..2], &again).unwrap_err();
        let reasons: Vec<_> = none.refusals.into_iter().map(|(_, reason)| reason).collect();
        assert_eq!(reasons, [Refusal::OtherCopy, Refusal::Tried]);
    }

    #[test]
    fn each_cartridge_that_cannot_be_written_is_named_with_its_reason() {
        let set: SetName = "photos".parse().unwrap();
        let other: SetName = "films".parse().unwrap();
        let mut small = candidate("FSP006L9", VolumeUse::Empty(uuid()));
        small.room = ByteCount(99);
        let mut new = candidate("FSP007LA", VolumeUse::Empty(uuid()));
        new.generation = Some(LtoGeneration::Lto10);
        let mut locked = candidate("FSP010L9", VolumeUse::Empty(uuid()));
        locked.is_locked = true;
        let all = vec![
            candidate("FSP001L9", VolumeUse::Unknown),
            candidate("FSP002L9", VolumeUse::Foreign),
            candidate("FSP003L9", VolumeUse::Closed),
            candidate("FSP004L9", VolumeUse::Open(uuid(), other, CopyLetter::A)),
            candidate("FSP005L9", VolumeUse::Quarantined),
            small,
            new,
            candidate("FSP008L9", VolumeUse::Empty(uuid())),
            candidate("CLN001L9", VolumeUse::Cleaning),
            locked,
        ];
        let tried = ["FSP008L9".parse().unwrap()];
        let asked = Demand { tried: &tried, ..demand(&set) };
        let none = choose_volume(&all, &asked).unwrap_err();
        let reasons: Vec<_> = none.refusals.into_iter().map(|(_, reason)| reason).collect();
        assert_eq!(
            reasons,
            [
                Refusal::NotFormatted,
                Refusal::Foreign,
                Refusal::Closed,
                Refusal::OtherSet,
                Refusal::Quarantined,
                Refusal::TooLittleRoom,
                Refusal::NoDrive,
                Refusal::Tried,
                Refusal::Cleaning,
                Refusal::Locked
            ]
        );
    }
}
