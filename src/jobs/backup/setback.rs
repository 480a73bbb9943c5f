//! A cartridge or drive that fails costs its own copy of the set, and no other.
//!
//! A cartridge that has failed is set aside, and its copy begins again where that cartridge began: what
//! was on it cannot be relied on. A drive that has failed leaves its copy behind until a person has
//! looked. Everything else is the job's: catalog, disk, source.

use super::Backup;
use super::copy_state::{CopyState, Reached};
use crate::catalog::{Effective, EventLevel, EvidenceState, VolumeState};
use crate::domain::{Barcode, ByteCount, SourcePath};
use crate::drive::DriveErrorKind;
use crate::jobs::equipment::EquipmentError;
use crate::jobs::error::JobError;
use crate::jobs::identity::IdentityError;
use crate::jobs::outcome::{Outcome, grouped};
use crate::jobs::spec::Need;
use crate::jobs::volume::{TRIES_MAX, may_pass};
use crate::ltfs::error::LtfsErrorKind;
use crate::pools::NoCandidate;

/// Cartridges that may fail one after the other before the job asks a person.
const FAILED_CARTRIDGES_MAX: usize = 3;

impl Backup<'_> {
    /// Takes note of what went wrong with a copy. The run goes on with the others.
    ///
    /// # Errors
    /// The error itself, if it is not this copy's alone, or there is no other copy.
    pub(super) fn set_back(&mut self, at: usize, error: JobError) -> Result<(), JobError> {
        if is_cartridges(&error) && self.state.copies[at].given_up.len() < FAILED_CARTRIDGES_MAX {
            return self.give_up_cartridge(at, &error);
        }
        let may_pass = may_pass(&error);
        if may_pass && self.is_tried_again(at, &error) {
            return Ok(());
        }
        // What may have passed by then is waited for; anything else ends a run of one copy.
        let is_alone = self.state.copies.len() == 1;
        if (is_alone && !may_pass) || !is_copys(&error) {
            return Err(error);
        }
        let copy = self.state.copies[at].copy;
        let message = format!("copy {copy} is left behind: {error}");
        self.context.tell(EventLevel::Error, "copy_left_behind", message);
        let need = self.need_after(at, &error);
        self.held.insert(at, need);
        Ok(())
    }

    /// A failure of drive, robot or the way to them says nothing of the cartridge: it is loaded, looked at and
    /// repaired again, and the segment goes on behind what is on tape, a few times.
    fn is_tried_again(&mut self, at: usize, error: &JobError) -> bool {
        let tries = self.tries.entry(at).or_insert(0);
        *tries += 1;
        if *tries >= TRIES_MAX {
            return false;
        }
        let segment = self.state.copies[at].segments.last();
        let barcode = segment.map_or_else(String::new, |segment| segment.barcode.to_string());
        let message = format!("trying {barcode} again after: {}", error.chain());
        self.context.tell(EventLevel::Warning, "cartridge_again", message);
        true
    }

    /// Adds files that the run left to earlier ones, on a cartridge that was set aside meanwhile. Looked for
    /// only if one was: it takes a look at every unchanged file.
    pub(super) fn add_lost_unchanged(&self, outcome: &mut Outcome) -> Result<(), JobError> {
        if self.state.copies.iter().all(|copy| copy.given_up.is_empty()) {
            return Ok(());
        }
        let referred = self.context.parts.catalog.referred_evidence(&self.state.run)?;
        let is_lost = |effective: &Effective| !effective.is_at_least(EvidenceState::Indexed);
        let lost = referred.files.iter().filter(|(effective, _)| is_lost(effective));
        let files: u64 = lost.map(|(_, totals)| totals.files).sum();
        if files > 0 {
            let reason = format!(
                "{} unchanged files are on a cartridge that was set aside: the next run stores them again",
                grouped(files)
            );
            outcome.add_problem(&SourcePath::top(), "set_aside", reason);
            outcome.problems_total += files - 1;
        }
        Ok(())
    }

    /// The cartridge is set aside, and the copy goes on with another from where this one began.
    fn give_up_cartridge(&mut self, at: usize, error: &JobError) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let is_alone = self.state.copies.len() == 1;
        let copy = &mut self.state.copies[at];
        let Some(segment) = copy.segments.last_mut() else {
            return Err(JobError::Bug("a cartridge failed that nothing was to go to".to_owned()));
        };
        let (barcode, volume) = (segment.barcode.clone(), segment.volume);
        let reason = error.chain();
        let message = match is_alone {
            true => format!("going on without cartridge {barcode}: {reason}"),
            false => format!("copy {} goes on without cartridge {barcode}: {reason}", copy.copy),
        };
        self.context.tell(EventLevel::Error, "cartridge_given_up", message);
        if !matches!(error, JobError::Identity(IdentityError::WriteProtected(_))) {
            let now = self.context.parts.clock.now();
            catalog.set_volume_state(volume, VolumeState::Quarantined, Some(&reason), now)?;
        }
        catalog.abandon_segment(segment.id)?;
        segment.is_abandoned = true;
        copy.given_up.push((barcode.clone(), reason));
        copy.tried.push(barcode);
        self.context.checkpoint(&self.state)
    }

    /// What a person has to do before a copy can go on that was left behind.
    fn need_after(&self, at: usize, error: &JobError) -> Need {
        let copy = &self.state.copies[at];
        if let (JobError::Equipment(EquipmentError::NotInLibrary { barcode }), Some(segment)) =
            (error, copy.segments.last())
        {
            return Need::Cartridge { barcode: Some(barcode.clone()), volume: segment.volume };
        }
        let failure = error.failure();
        let message = format!("copy {}: {}. {}", copy.copy, failure.message, failure.next_step);
        Need::Attention { message }
    }

    /// A copy for which no cartridge can be written.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub(super) fn hold_for_cartridge(
        &mut self,
        at: usize,
        none: &NoCandidate,
    ) -> Result<(), JobError> {
        let copy = &self.state.copies[at];
        let Reached { bytes, .. } = copy.reached(&self.context.parts.catalog)?;
        let need = Need::FormattedCartridge {
            set: self.spec.set.clone(),
            copy: (self.state.copies.len() > 1).then_some(copy.copy),
            remaining: ByteCount(self.state.totals.bytes_to_store.saturating_sub(bytes)),
            passed_over: self.passed_over(copy, none)?,
        };
        self.held.insert(at, need);
        Ok(())
    }

    /// Cartridges that failed, those that were named, and the copy's own that cannot be written; not
    /// every other one.
    fn passed_over(
        &self,
        state: &CopyState,
        none: &NoCandidate,
    ) -> Result<Vec<(Barcode, String)>, JobError> {
        let mut passed_over = state.given_up.clone();
        for named in &self.spec.cartridges {
            let refusal = none.refusals.iter().find(|(barcode, _)| barcode == named);
            let reason = refusal.map(|(_, refusal)| refusal.to_string());
            if !passed_over.iter().any(|(told, _)| told == named) {
                let reason = reason.unwrap_or_else(|| "not in the library".to_owned());
                passed_over.push((named.clone(), reason));
            }
        }
        let volumes = self.context.parts.catalog.volumes_of_set(&self.spec.set)?;
        for record in volumes {
            let is_of_copy = record.set.as_ref().is_some_and(|place| place.copy == state.copy);
            let Some(barcode) = record.volume.barcode.filter(|_| is_of_copy) else { continue };
            let is_told = passed_over.iter().any(|(told, _)| *told == barcode);
            if record.volume.state == VolumeState::Quarantined && !is_told {
                passed_over.push((barcode, record.state_reason.unwrap_or_default()));
            }
        }
        Ok(passed_over)
    }
}

/// True for what is the matter with the cartridge: another one will do.
fn is_cartridges(error: &JobError) -> bool {
    match error {
        JobError::Identity(_) | JobError::VolumeChanged { .. } => true,
        JobError::Ltfs(error) => {
            matches!(error.kind(), LtfsErrorKind::CartridgeBad | LtfsErrorKind::Corrupt)
        }
        other => other.drive().is_some_and(|drive| drive.kind() == DriveErrorKind::CartridgeBad),
    }
}

/// True for what keeps one copy from going on, and no other.
fn is_copys(error: &JobError) -> bool {
    matches!(
        error,
        JobError::Equipment(_)
            | JobError::Drive(_)
            | JobError::Ltfs(_)
            | JobError::Identity(_)
            | JobError::VolumeChanged { .. }
            | JobError::VolumeFull { .. }
    )
}
