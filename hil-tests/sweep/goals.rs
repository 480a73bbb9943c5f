//! Was what was asked for achieved, once the task says so?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fossilsafe::catalog::{Catalog, EvidenceState, VolumeState};
use fossilsafe::domain::{SetName, Sha256Digest, VolumeUuid};
use fossilsafe::jobs::spec::{MoveSpec, Place};
use fossilsafe::vtl;
use sha2::{Digest as _, Sha256};

use crate::claims::{Claim, Claims, forgotten};
use crate::host::Failed;
use crate::point::Stage;
use crate::rig::Rig;
use crate::scenarios::Goal;
use crate::tape::Tapes;
use crate::tree::look;

/// What catalog, library and disk show of the goal.
#[derive(Default)]
pub(crate) struct Reached {
    /// What is missing.
    pub(crate) findings: Vec<String>,
    /// The volume that the catalog says was made.
    pub(crate) volume: Option<VolumeUuid>,
}

/// Looks at catalog, library and disk.
pub(crate) fn reached(rig: &Rig, stage: &Stage, claims: &Claims) -> Result<Reached, Failed> {
    let mut reached = Reached::default();
    let catalog = rig.host()?.catalog();
    match &stage.prepared.goal {
        Goal::Formatted(barcode) => {
            let blank = catalog.volumes()?.into_iter().find(|record| {
                record.volume.state == VolumeState::Blank
                    && record.volume.barcode.as_ref() == Some(barcode)
            });
            reached.volume = blank.map(|record| record.volume.uuid);
        }
        Goal::Kept(folder, copies) => {
            reached.findings = not_at_least(catalog, folder, EvidenceState::Indexed)?;
            reached.findings.extend(held_by_fewer(claims, folder, *copies)?);
        }
        Goal::ReadBack(folder) => {
            reached.findings = not_at_least(catalog, folder, EvidenceState::ReadBack)?;
        }
        Goal::Restored(from, to) => reached.findings = differences(from, to),
        Goal::Rebuilt => {
            let gone = forgotten(&stage.floor, claims);
            reached.findings =
                gone.into_iter().map(|what| format!("not rebuilt: {what}")).collect();
        }
        Goal::Moved(barcode, place) => {
            let cartridges = rig.library()?.cartridges()?;
            let found = cartridges.into_iter().find(|c| c.barcode == *barcode).map(|c| c.place);
            if found != Some(*place) {
                reached.findings.push(format!("{barcode} is in {found:?} and not in {place}"));
            }
        }
        Goal::Repaired(_) => {}
    }
    Ok(reached)
}

/// Looks at the tapes.
pub(crate) fn missed_on_tape(stage: &Stage, reached: &Reached, tapes: &Tapes) -> Vec<String> {
    let mut findings = Vec::new();
    match &stage.prepared.goal {
        Goal::Formatted(barcode) => {
            let found = tapes.get(barcode).and_then(|tape| tape.volume);
            if found.is_none() || found != reached.volume {
                let known = reached.volume;
                findings.push(format!("{barcode} holds {found:?}, the catalog says {known:?}"));
            }
        }
        Goal::Repaired(barcode) if tapes.get(barcode).is_none_or(|tape| !tape.is_clean) => {
            findings.push(format!("{barcode} does not end as after a clean close"));
        }
        _ => {}
    }
    findings
}

/// The move that is still to be made, from wherever the cartridge is.
pub(crate) fn move_left(
    rig: &Rig,
    stage: &Stage,
    spec: MoveSpec,
) -> Result<Option<MoveSpec>, Failed> {
    let Goal::Moved(barcode, place) = &stage.prepared.goal else { return Ok(Some(spec)) };
    let cartridges = rig.library()?.cartridges()?;
    let found = cartridges.into_iter().find(|c| c.barcode == *barcode).ok_or("it is gone")?;
    let from = match found.place {
        found if found == *place => return Ok(None),
        vtl::Place::Drive(number) => Place::Drive(number),
        vtl::Place::Slot(number) => Place::Slot(number),
        vtl::Place::MailSlot(number) => Place::MailSlot(number),
        // The next start puts it into a slot.
        vtl::Place::Robot | vtl::Place::Shelf => return Ok(Some(spec)),
    };
    Ok(Some(MoveSpec { from, to: spec.to }))
}

/// Files of a folder of which less is proven.
fn not_at_least(
    catalog: &Catalog,
    folder: &Path,
    wanted: EvidenceState,
) -> Result<Vec<String>, Failed> {
    let set: SetName = "set".parse()?;
    let mut findings = Vec::new();
    for (path, sha256) in contents(folder)? {
        let versions = catalog.versions(&set, path.as_os_str().as_bytes())?;
        let newest = versions.first().map(|version| &version.version);
        // A further name of a file refers to the first one and has no hash of its own.
        let is_linked = path.metadata()?.nlink() > 1;
        let is_kept = newest.is_some_and(|version| {
            let is_same = match version.sha256 {
                Some(known) => known == sha256,
                None => is_linked,
            };
            is_same && version.evidence.is_at_least(wanted)
        });
        if !is_kept {
            let word = wanted.as_str();
            let evidence = newest.map(|version| (&version.evidence, version.sha256));
            findings.push(format!("{} is not {word}: {evidence:?}", path.display()));
        }
    }
    Ok(findings)
}

/// Files of a folder that fewer volumes hold, by what is called indexed.
fn held_by_fewer(claims: &Claims, folder: &Path, copies: usize) -> Result<Vec<String>, Failed> {
    let mut findings = Vec::new();
    for path in contents(folder)?.into_keys() {
        // A further name of a file has no copy of its own.
        if path.metadata()?.nlink() > 1 {
            continue;
        }
        let name = path.strip_prefix("/")?.as_os_str().as_bytes();
        let is_held = |claim: &Claim| claim.source == name && claim.state >= EvidenceState::Indexed;
        let holders = claims.iter().filter(|(_, claim)| is_held(claim));
        let volumes: BTreeSet<_> = holders.map(|((volume, _), _)| volume).collect();
        if volumes.len() < copies {
            findings.push(format!("{} is on {} of {copies}", path.display(), volumes.len()));
        }
    }
    Ok(findings)
}

/// Files with bytes in them, and their hashes.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Sha256Digest>, Failed> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let metadata = path.symlink_metadata()?;
            if metadata.is_dir() {
                waiting.push(path);
            } else if metadata.is_file() && metadata.len() > 0 {
                let digest = Sha256Digest(Sha256::digest(fs::read(&path)?).into());
                found.insert(path, digest);
            }
        }
    }
    Ok(found)
}

/// In what one folder is not like another.
fn differences(from: &Path, to: &Path) -> Vec<String> {
    if !to.is_dir() {
        return vec![format!("{} was not made", to.display())];
    }
    let (before, after) = (look(from), look(to));
    let mut found = Vec::new();
    for (path, was) in &before {
        match after.get(path) {
            Some(is) if is == was => {}
            other => found.push(format!("{}: was {was:?}, is {other:?}", path.display())),
        }
    }
    let added = after.keys().filter(|path| !before.contains_key(*path));
    found.extend(added.map(|path| format!("{} was not there", path.display())));
    found
}
