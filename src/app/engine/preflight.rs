//! What can be seen to be impossible is refused before a job is made of it.
//!
//! Nothing here touches a device, and nothing here is a promise: the job looks again. What it saves is
//! a job that fails a minute later with the same sentence.

use std::io;
use std::path::Path;

use super::jobs::ACTIVE;
use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::catalog::CartridgeKind;
use crate::catalog_backup::CatalogBackupError;
use crate::domain::{Barcode, CopyLetter, DriveSerial, SetName};
use crate::jobs::cleaning::CleaningError;
use crate::jobs::equipment::element_at;
use crate::jobs::identity::{IdentityError, ensure_free};
use crate::jobs::runner::spec_of;
use crate::jobs::spec::{
    BackupSpec, Compression, Hooks, MoveSpec, Place, RestoreSpec, VerifyScope,
};
use crate::jobs::{JobError, JobSpec, hook, pool};
use crate::source::LocalSource;
use crate::source::local::LocalOptions;

/// Levels of zstd that are offered; those above 19 need more memory than they are worth.
const ZSTD_LEVELS: std::ops::RangeInclusive<i32> = 1..=19;

impl Service {
    /// Refuses a job that cannot be done as things stand.
    pub(super) fn ensure_possible(&self, spec: &JobSpec) -> Result<(), EngineError> {
        match spec {
            JobSpec::Format(spec) => self.can_write_anew(&spec.barcode),
            JobSpec::Inventory => self.has_changer(),
            JobSpec::Move(spec) => self.can_move(spec),
            JobSpec::Backup(spec) => self.can_back_up(spec),
            JobSpec::Verify(spec) => self.can_verify(&spec.scope),
            JobSpec::Restore(spec) => self.can_restore(spec),
            JobSpec::Rebuild(spec) => {
                spec.barcodes.iter().try_for_each(|barcode| self.is_in_library(barcode))
            }
            JobSpec::CatalogBackup(spec) => self.can_back_up_catalog(&spec.folder),
            JobSpec::Clean(spec) => self.can_clean(&spec.drive),
            JobSpec::KitDrill(spec) => self.can_drill(spec.kit),
            JobSpec::SelfTest(spec) => {
                spec.cartridge.iter().try_for_each(|barcode| self.can_write_anew(barcode))
            }
            JobSpec::Calibrate(spec) => {
                self.has_changer()?;
                self.is_in_library(&spec.cartridge)?;
                self.is_for_data(&spec.cartridge)
            }
        }
    }

    /// What is formatted, or written to and emptied again.
    fn can_write_anew(&self, barcode: &Barcode) -> Result<(), EngineError> {
        self.is_in_library(barcode)?;
        self.is_for_data(barcode)?;
        let found = self.parts.catalog.cartridges_by_barcode(barcode).map_err(answers::catalog)?;
        let note = found.first().map(|cartridge| cartridge.note.clone()).unwrap_or_default();
        let free = ensure_free(barcode, &note, self.present());
        free.map_err(|error| self.forbidden(barcode, &error))
    }

    fn is_for_data(&self, barcode: &Barcode) -> Result<(), EngineError> {
        let found = self.parts.catalog.cartridges_by_barcode(barcode).map_err(answers::catalog)?;
        let is_cleaning = found.first().is_some_and(|c| c.kind == CartridgeKind::Cleaning);
        if !is_cleaning && !barcode.is_cleaning() {
            return Ok(());
        }
        Err(conflict(
            "cleaning_cartridge",
            format!("{barcode} is a cleaning cartridge: there is no tape in it to write or read."),
            "Name a data cartridge; see `fossilsafe cartridge list`.",
        ))
    }

    /// A refusal to change what must not be changed: an attempt that somebody is told about.
    fn forbidden(&self, barcode: &Barcode, error: &IdentityError) -> EngineError {
        self.tell_of_forbidden(barcode, &error.to_string());
        let code = error.forbidden().unwrap_or("wrong_cartridge");
        conflict(
            code,
            format!("{error}."),
            "What was ordered of it, and by whom, is shown with the cartridge.",
        )
    }

    /// The cartridge is known, and it is where a robot can take it.
    fn is_in_library(&self, barcode: &Barcode) -> Result<(), EngineError> {
        if self.is_here(barcode) || self.parts.equipment.changer_identity().is_none() {
            return Ok(());
        }
        self.is_known(barcode)?;
        Err(EngineError::new(
            Kind::NeedsOperator,
            "cartridge_missing",
            format!("Cartridge {barcode} is not in the library."),
            "Put it into a mail slot, then run `fossilsafe library inventory`.",
        ))
    }

    fn can_clean(&self, drive: &DriveSerial) -> Result<(), EngineError> {
        self.has_changer()?;
        if !self.parts.equipment.bays().iter().any(|bay| bay.serial == *drive) {
            let message = format!("There is no drive {drive}.");
            let next_step = "Look the serial number up: `fossilsafe library show`.";
            return Err(EngineError::new(Kind::NotFound, "unknown", message, next_step));
        }
        if self.cleaning_cartridges().is_empty() {
            let error = CleaningError::NoCartridge { drive: drive.clone() };
            let failure = JobError::from(error).failure();
            return Err(conflict(
                "no_cleaning_cartridge",
                format!("{}.", sentence_of(&failure.message)),
                failure.next_step,
            ));
        }
        Ok(())
    }

    fn is_known(&self, barcode: &Barcode) -> Result<(), EngineError> {
        let found = self.parts.catalog.cartridges_by_barcode(barcode).map_err(answers::catalog)?;
        if found.is_empty() { Err(answers::unknown_cartridge(barcode)) } else { Ok(()) }
    }

    fn has_changer(&self) -> Result<(), EngineError> {
        if self.parts.equipment.changer_identity().is_some() {
            return Ok(());
        }
        Err(conflict(
            "no_changer",
            "There is no library: cartridges are loaded by hand.".to_owned(),
            "Load the cartridge into the drive yourself.",
        ))
    }

    fn can_move(&self, spec: &MoveSpec) -> Result<(), EngineError> {
        self.has_changer()?;
        let sight = self.parts.equipment.sight();
        // Without a look nothing can be seen to be impossible.
        let Some(inventory) = sight.inventory else { return Ok(()) };
        let element = |place: Place| {
            element_at(&inventory, place).ok_or_else(|| {
                EngineError::new(
                    Kind::NotFound,
                    "place_unknown",
                    format!("The library has no {place}."),
                    "See `fossilsafe library show --all`; places are counted from 0.",
                )
            })
        };
        let (from, to) = (element(spec.from)?, element(spec.to)?);
        let look = "See `fossilsafe library show`; `fossilsafe library inventory` looks again.";
        if !from.is_full {
            let message = format!("There is no cartridge in {}.", spec.from);
            return Err(conflict("place_empty", message, look));
        }
        if to.is_full {
            let name = to.barcode.as_ref().map_or("a cartridge", Barcode::as_str);
            let message = format!("There is no room in {}: it holds {name}.", spec.to);
            return Err(conflict("place_full", message, look));
        }
        for (place, element) in [(spec.from, from), (spec.to, to)] {
            let bays = self.parts.equipment.bays();
            let bay =
                bays.iter().position(|bay| Some(&bay.serial) == element.drive_serial.as_ref());
            if bay.is_some_and(|bay| self.parts.equipment.is_taken(bay)) {
                return Err(conflict(
                    "drive_in_use",
                    format!("A job uses {place}."),
                    "Wait for the job, or cancel it; see `fossilsafe job list --active`.",
                ));
            }
        }
        Ok(())
    }

    fn can_back_up(&self, spec: &BackupSpec) -> Result<(), EngineError> {
        self.can_be_backed_up(spec)?;
        self.is_set_free(&spec.set)
    }

    /// Everything but that no other job is at the set now.
    pub(super) fn can_be_backed_up(&self, spec: &BackupSpec) -> Result<(), EngineError> {
        if spec.paths.is_empty() {
            return Err(invalid("no_path", "Nothing is named to be backed up.", "Name a path."));
        }
        for path in &spec.paths {
            self.sources.ensure_mounted(path)?;
            can_be_read(path)?;
        }
        if let Compression::Zstd { level } = spec.compression
            && !ZSTD_LEVELS.contains(&level)
        {
            let message = format!("There is no compression level {level}.");
            return Err(invalid("bad_level", message, "Choose one from 1 to 19."));
        }
        if spec.copies.is_some_and(|copies| !(1..=CopyLetter::COPIES_MAX).contains(&copies)) {
            let message = "A set has 1 to 4 copies.";
            return Err(invalid("bad_copies", message, "Name a number from 1 to 4."));
        }
        if spec.index_interval.0 == 0 {
            let message = "An index cannot be written after every 0 bytes.";
            return Err(invalid("bad_interval", message, "Name an interval, for example 32GiB."));
        }
        if !(1..=Hooks::SECONDS_MAX).contains(&spec.hooks.seconds_max) {
            let message = format!("A hook cannot be given {} seconds.", spec.hooks.seconds_max);
            return Err(invalid("bad_hook_time", message, "Give it 1 second to a day: 86400."));
        }
        hook::ensure_usable(&self.parts.folders.hooks(), &spec.hooks).map_err(|error| {
            let failure = JobError::from(error).failure();
            conflict("hook_unusable", format!("{}.", failure.message), failure.next_step)
        })?;
        let options = LocalOptions {
            roots: spec.paths.clone(),
            excludes: spec.exclude.clone(),
            ..LocalOptions::default()
        };
        LocalSource::open(&options).map_err(|error| {
            let message = format!("The sources cannot be used: {error}.");
            invalid("source_unusable", message, "Correct the path or the pattern.")
        })?;
        spec.cartridges.iter().try_for_each(|barcode| self.is_known(barcode))?;
        // Refused here rather than in the job: nobody watches one that fails at once.
        pool::policy_of(&self.parts, spec).map_err(|error| match error {
            JobError::Pool(refusal) => {
                let failure = JobError::from(refusal).failure();
                conflict("pool_refused", format!("{}.", failure.message), failure.next_step)
            }
            other => answers::job(other),
        })?;
        Ok(())
    }

    fn can_back_up_catalog(&self, folder: &Path) -> Result<(), EngineError> {
        self.sources.ensure_mounted(folder)?;
        can_be_read(folder)?;
        if !folder.is_dir() {
            let message = format!("{} is not a folder.", folder.display());
            return Err(invalid("not_a_folder", message, "Name a folder that is there."));
        }
        if self.parts.keys.ring().kits().confirmed().is_empty() {
            let error = CatalogBackupError::NoKit;
            let message = "No recovery kit is confirmed, and only a kit opens a catalog backup.";
            return Err(conflict("kit_not_confirmed", message, error.next_step()));
        }
        Ok(())
    }

    /// No other job backs up that set: two would write one run's files over the other's plan.
    fn is_set_free(&self, set: &SetName) -> Result<(), EngineError> {
        for state in ACTIVE {
            for job in self.parts.catalog.jobs_in_state(state).map_err(answers::catalog)? {
                let is_same = matches!(
                    spec_of(&job), Ok(JobSpec::Backup(other)) if other.set == *set
                );
                if is_same {
                    let id = job.id;
                    return Err(conflict(
                        "set_in_use",
                        format!("Job {id} already backs up set {set}; it is {state}."),
                        format!(
                            "Follow it with `fossilsafe job follow {id}`, or end it with \
                             `fossilsafe job cancel {id}`."
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    fn can_verify(&self, scope: &VerifyScope) -> Result<(), EngineError> {
        match scope {
            VerifyScope::Cartridge(barcode) => self.is_in_library(barcode),
            VerifyScope::Run(run) => {
                self.parts.catalog.run(run).map(|_| ()).map_err(answers::catalog)
            }
            VerifyScope::Set(set) => {
                self.parts.catalog.set(set).map_err(answers::catalog)?;
                match self.parts.catalog.last_ended_run(set).map_err(answers::catalog)? {
                    Some(_) => Ok(()),
                    None => Err(conflict(
                        "no_run",
                        format!("Set {set} has no run that has ended."),
                        "Wait for its backup; see `fossilsafe job list --active`.",
                    )),
                }
            }
        }
    }

    fn can_restore(&self, spec: &RestoreSpec) -> Result<(), EngineError> {
        self.parts.catalog.run(&spec.selection.run).map_err(answers::catalog)?;
        let to = &spec.destination;
        if !to.is_absolute() {
            let message = format!("\"{}\" is not an absolute path.", to.display());
            return Err(invalid("path_relative", message, "Name the folder from the top."));
        }
        if let Some(relative) = spec.selection.paths.iter().find(|path| path.is_relative()) {
            let message = format!("\"{}\" is not an absolute path.", relative.display());
            return Err(invalid("path_relative", message, "Name the path as it was backed up."));
        }
        self.sources.ensure_mounted(to)?;
        if to.exists() && !to.is_dir() {
            let message = format!("{} is not a folder.", to.display());
            return Err(invalid("not_a_folder", message, "Name another folder with --to."));
        }
        Ok(())
    }
}

/// The path is absolute, exists, and this process may read it.
fn can_be_read(path: &Path) -> Result<(), EngineError> {
    let shown = path.display();
    if !path.is_absolute() {
        let message = format!("\"{shown}\" is not an absolute path.");
        return Err(invalid("path_relative", message, "Name it from the top: /srv/photos."));
    }
    probe(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("There is no {shown} on the machine of the engine.");
            invalid("path_missing", message, "Check the path, and that its disk is mounted.")
        }
        io::ErrorKind::PermissionDenied => {
            let message = format!("The engine may not read {shown}: {error}.");
            invalid("path_forbidden", message, "Give the user that runs the engine access to it.")
        }
        _ => {
            let message = format!("The engine cannot read {shown}: {error}.");
            invalid("path_unreadable", message, "Check the disk or share that it is on.")
        }
    })
}

fn sentence_of(clause: &str) -> String {
    let mut characters = clause.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

fn probe(path: &Path) -> io::Result<()> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_dir() {
        path.read_dir().map(|_| ())
    } else if metadata.is_file() {
        std::fs::File::open(path).map(|_| ())
    } else {
        Ok(())
    }
}

fn invalid(
    code: &'static str,
    message: impl Into<String>,
    next_step: impl Into<String>,
) -> EngineError {
    EngineError::new(Kind::Invalid, code, message, next_step)
}

fn conflict(
    code: &'static str,
    message: impl Into<String>,
    next_step: impl Into<String>,
) -> EngineError {
    EngineError::new(Kind::Conflict, code, message, next_step)
}
