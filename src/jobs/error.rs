//! What ends a job early, with what to do about it.
//!
//! The one place where kinds of failure become advice: a job that fails keeps a [`Failure`] with a
//! stable code, a sentence, the next step and the whole chain of causes, sense included.

use std::error::Error;

use super::backup::PlanError;
use super::cleaning::CleaningError;
use super::description::DescriptionError;
use super::equipment::EquipmentError;
use super::hook::HookError;
use super::identity::IdentityError;
use super::outcome::Failure;
use crate::catalog::CatalogError;
use crate::catalog_backup::CatalogBackupError;
use crate::changer::ChangerError;
use crate::drive::{DriveError, DriveErrorKind};
use crate::keys::{KeyId, KeysError};
use crate::ltfs::error::LtfsError;
use crate::ltfs::merge::TreeError;
use crate::ltfs::names::NameError;
use crate::ltfs::spool::SpoolError as BulkError;
use crate::manifest::ManifestError;
use crate::pools::PoolRefusal;
use crate::source::SourceError;
use crate::source::destination::DestinationError;
use crate::spool::SpoolError;
use crate::stream::StreamError;

/// A failure of a job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A cartridge could not be loaded, moved or put away.
    #[error(transparent)]
    Equipment(#[from] EquipmentError),
    /// The drive failed.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The volume failed.
    #[error(transparent)]
    Ltfs(#[from] LtfsError),
    /// An index kept off the tape cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The cartridge is not the one that was meant, or must not be written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The sources cannot be walked.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The data path failed.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The plan of the job is damaged.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A work file of the job failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A work file of the index failed.
    #[error(transparent)]
    Bulk(#[from] BulkError),
    /// A manifest cannot be read or written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The appliance's keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The policy of the set's pool forbids it.
    #[error(transparent)]
    Pool(#[from] PoolRefusal),
    /// The catalog's description of a file is damaged.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// A name that LTFS cannot hold reached the index: it should have been replaced.
    #[error("\"{name}\" cannot stand in an index")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        #[source]
        source: NameError,
    },
    /// A file or folder of the job's own cannot be used.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A job's own JSON cannot be written or understood.
    #[error("the job's {what} cannot be understood")]
    Json {
        /// Which.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// Something that was asked for does not exist.
    #[error("there is no {what}")]
    Unknown {
        /// What was asked for.
        what: String,
    },
    /// A volume is not as this job left it.
    #[error("volume {volume} on cartridge {barcode} is not as this job left it: {detail}")]
    VolumeChanged {
        /// The volume.
        volume: crate::domain::VolumeUuid,
        /// The cartridge.
        barcode: crate::domain::Barcode,
        /// What is different.
        detail: String,
    },
    /// The room kept for our own files was not enough.
    #[error("volume {volume} has no room left for the manifest and the index")]
    VolumeFull {
        /// The volume.
        volume: crate::domain::VolumeUuid,
    },
    /// Files cannot be put where they should go.
    #[error("cannot restore to {}: {reason}", path.display())]
    Destination {
        /// The folder.
        path: std::path::PathBuf,
        /// Why not.
        reason: String,
    },
    /// The folder that files go to cannot be used.
    #[error(transparent)]
    Restore(#[from] DestinationError),
    /// A backup of the catalog cannot be made.
    #[error(transparent)]
    CatalogBackup(#[from] CatalogBackupError),
    /// A hook of a backup has failed.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// A drive cannot be cleaned.
    #[error(transparent)]
    Cleaning(#[from] CleaningError),
    /// Our mistake.
    #[error("a defect in this program: {0}")]
    Bug(String),
}

impl JobError {
    pub(crate) fn out_of_step(ordinal: u64) -> Self {
        Self::Bug(format!("the records of the stream and the plan disagree at file {ordinal}"))
    }

    pub(crate) fn name(name: &str, source: NameError) -> Self {
        Self::Name { name: name.to_owned(), source }
    }

    pub(crate) fn checkpoint(source: serde_json::Error) -> Self {
        Self::Json { what: "checkpoint", source }
    }

    pub(crate) fn io(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// The drive's part in this, however deep it lies.
    #[must_use]
    pub fn drive(&self) -> Option<&DriveError> {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if let Some(drive) = error.downcast_ref::<DriveError>() {
                return Some(drive);
            }
            // A boxed cause is an error of its own type: the box.
            if let Some(drive) = error.downcast_ref::<Box<DriveError>>() {
                return Some(drive);
            }
            // A transparent variant hides its inner error from `source`.
            if let Some(Self::Drive(drive) | Self::Equipment(EquipmentError::Drive(drive))) =
                error.downcast_ref::<Self>()
            {
                return Some(drive);
            }
            cause = error.source();
        }
        None
    }

    /// The key that a key server does not give, and what to do.
    #[must_use]
    pub fn key_server(&self) -> Option<(KeyId, &'static str)> {
        let Self::Keys(KeysError::KeyServer { key, refusal }) = self else { return None };
        Some((*key, refusal.next_step()))
    }

    /// It and all its causes in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let Failure { message, causes, .. } = self.failure();
        std::iter::once(message).chain(causes).collect::<Vec<_>>().join(": ")
    }

    /// What is kept with the job and shown to people.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let (code, next_step) = self.advice();
        let mut causes = Vec::new();
        let mut cause = self.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        Failure { code: code.to_owned(), message: self.to_string(), next_step, causes }
    }

    fn advice(&self) -> (&'static str, String) {
        if let Some(drive) = self.drive() {
            return drive_advice(drive);
        }
        let (code, next_step) = match self {
            Self::Equipment(error) => return equipment_advice(error),
            Self::Identity(error) if error.forbidden().is_some() => (
                error.forbidden().unwrap_or_default(),
                "Use another cartridge. What was ordered of this one, and by whom, is shown with it.",
            ),
            Self::Identity(_) => {
                ("wrong_cartridge", "Put the right cartridge in, or follow what the message says.")
            }
            Self::Catalog(CatalogError::NotFound(_)) | Self::Unknown { .. } => (
                "unknown",
                "Look the name up: `fossilsafe cartridge list`, `fossilsafe search`, `fossilsafe job list`.",
            ),
            Self::Catalog(_) | Self::Description(_) => (
                "catalog",
                "Run `fossilsafe catalog check`; if it is damaged, `fossilsafe catalog rebuild`.",
            ),
            Self::Source(SourceError::NotMounted { .. }) => (
                "source",
                "See why with `fossilsafe source list`, mount it with `fossilsafe source mount`, and start the \
                 job again.",
            ),
            Self::Source(_) => {
                ("source", "Check that the path exists and can be read, then start the job again.")
            }
            Self::Stream(_) => {
                ("data_path", "Check memory and the staging folder, then resume the job.")
            }
            Self::Ltfs(_) | Self::Tree(_) => {
                ("volume", "Run `fossilsafe ltfs check` on the cartridge.")
            }
            Self::Destination { .. } | Self::Restore(_) => (
                "destination",
                "Choose a folder that can be written and has room, or restore fewer files.",
            ),
            Self::VolumeFull { .. } => ("volume_full", "Use another cartridge for this set."),
            Self::Plan(_) | Self::Spool(_) | Self::Bulk(_) | Self::Io { .. } => {
                ("work_files", "Check the disk of the data folder; start the job again.")
            }
            Self::Manifest(_) => ("manifest", "Run `fossilsafe ltfs check` on the cartridge."),
            Self::Pool(refusal) => pool_advice(refusal),
            Self::Hook(error) => error.advice(),
            Self::Cleaning(error) => error.advice(),
            Self::CatalogBackup(error @ CatalogBackupError::NoKit) => {
                ("kit_not_confirmed", error.next_step())
            }
            Self::CatalogBackup(error) => ("catalog_backup", error.next_step()),
            Self::Keys(error) => keys_advice(error),
            Self::VolumeChanged { .. } => (
                "volume_changed",
                "Something else has written to this cartridge: run `fossilsafe ltfs check` on it; use another for now.",
            ),
            Self::Drive(_) | Self::Name { .. } | Self::Json { .. } | Self::Bug(_) => {
                ("bug", "Please report this with the support log; nothing was lost.")
            }
        };
        (code, next_step.to_owned())
    }
}

fn keys_advice(error: &KeysError) -> (&'static str, &'static str) {
    if let Some(vault) = error.vault() {
        return (vault.code(), vault.next_step());
    }
    match error {
        KeysError::NoDataKey(_) => (
            "key_missing",
            "Run `fossilsafe catalog rebuild` with a cartridge of that pool, then `fossilsafe kit open` with the recovery kit.",
        ),
        KeysError::KitForgotten(_) => {
            ("kit_forgotten", "Type it again: `fossilsafe kit drill --tape`.")
        }
        KeysError::NotOpened { .. } | KeysError::SampleNotOpened { .. } => (
            "kit_opens_nothing",
            "Try the other kit and another cartridge. If none opens, this appliance's keys are all there is: run \
             `fossilsafe kit print`, confirm it, and back up once more, which wraps the keys for it.",
        ),
        _ => ("keys", "Restore the `keys` folder from a copy; never delete it."),
    }
}

fn pool_advice(refusal: &PoolRefusal) -> (&'static str, &'static str) {
    match refusal {
        PoolRefusal::Unknown(_) => (
            "pool_unknown",
            "Make it: `fossilsafe pool create NAME`, with --encrypt (or --encrypt=drive) if it was encrypted.",
        ),
        PoolRefusal::OtherPool { .. } => {
            ("other_pool", "Leave --pool out, or give the files another set name.")
        }
        PoolRefusal::Retention(_) => {
            ("bad_retention", "Name at least one day and one run, and at most a hundred years.")
        }
        PoolRefusal::Exists(_) => ("pool_exists", "Choose another name."),
        PoolRefusal::NotEncrypted(_) => {
            ("not_encrypted", "Make an encrypted pool: `fossilsafe pool create NAME --encrypt`.")
        }
        PoolRefusal::NoKit(_) | PoolRefusal::NoKitFor(_) => (
            "kit_not_confirmed",
            "Run `fossilsafe kit print`, print what it writes, and `fossilsafe kit confirm`.",
        ),
        PoolRefusal::NoKey(_) => (
            "key_missing",
            "Open it with the recovery kit (`fossilsafe kit open`), or go on with a new key: `fossilsafe pool rotate NAME`.",
        ),
    }
}

fn drive_advice(drive: &DriveError) -> (&'static str, String) {
    use DriveErrorKind as Kind;
    if let Some(next_step) = reserved_advice(drive) {
        return ("drive_reserved", next_step);
    }
    if let Some((code, next_step)) = encryption_advice(drive) {
        return (code, next_step.to_owned());
    }
    let (code, next_step) = match drive.kind() {
        Kind::Retry | Kind::WaitReady => {
            ("drive_busy", "Wait until the drive is ready, then resume the job.")
        }
        Kind::Clean => (
            "drive_needs_cleaning",
            "Clean the drive with `fossilsafe library clean SERIAL`, then start the job again.",
        ),
        Kind::CartridgeBad => {
            ("cartridge_bad", "Use another cartridge; verify what this one holds.")
        }
        Kind::DriveBad => ("drive_bad", "Check power and cables of the drive; try another drive."),
        Kind::Full => (
            "volume_full",
            "Resume a backup: it goes on to the next cartridge. For anything else use one with more room.",
        ),
        Kind::OperatorNeeded => {
            ("operator_needed", "Look at the drive and the cartridge, then resume the job.")
        }
        Kind::Corrupt => ("volume_corrupt", "Run `fossilsafe ltfs check` on the cartridge."),
        Kind::PositionLost => {
            ("position_lost", "The drive was reset: resume the job, it checks the volume first.")
        }
        Kind::Unsupported => {
            ("drive_unsupported", "This drive cannot do what is needed; use another.")
        }
        Kind::Bug => ("bug", "Please report this with the support log; nothing was lost."),
    };
    (code, next_step.to_owned())
}

/// What to do about encryption by the drive; nothing for any other failure.
fn encryption_advice(drive: &DriveError) -> Option<(&'static str, &'static str)> {
    match drive {
        DriveError::NotEncrypting { .. } => Some((
            "drive_not_encrypting",
            "No file was written without encryption. Look whether the library is set to manage encryption itself and \
             switch that off, or use another drive; then start the job again.",
        )),
        DriveError::KeyMissing { .. } => Some((
            "key_missing",
            "Run `fossilsafe catalog rebuild` with this cartridge, then `fossilsafe kit open` with the recovery kit. \
             A key with another name is another program's.",
        )),
        _ if drive.is_locked_content() => Some((
            "wrong_key",
            "The cartridge is not damaged: the key that was given is not the one it was written with. If another \
             program wrote it, give the drive that program's key.",
        )),
        _ => None,
    }
}

/// What to do about a drive that another host has reserved; nothing for any other failure.
pub(super) fn reserved_advice(drive: &DriveError) -> Option<String> {
    let (DriveError::Reserved { drive: serial, .. }
    | DriveError::ReservationConflict { drive: serial, .. }) = drive
    else {
        return None;
    };
    Some(format!(
        "End its use on that host, or see `fossilsafe library reservation {serial}` to take the drive \
         from it; then resume the job."
    ))
}

fn equipment_advice(error: &EquipmentError) -> (&'static str, String) {
    let (code, next_step) = match error {
        EquipmentError::NotInLibrary { .. } => (
            "cartridge_missing",
            "Put it into a mail slot and run `fossilsafe library inventory`, then resume the job.",
        ),
        EquipmentError::BarcodeTwice { .. } => {
            ("barcode_twice", "Take one of the two out, or give it another label.")
        }
        EquipmentError::NotThere => (
            "no_drive",
            "Switch the library on and check its cables; it is used as soon as it answers.",
        ),
        EquipmentError::NoChanger => ("no_library", "Load the cartridge by hand."),
        EquipmentError::UnknownDrive { .. } => {
            ("unknown", "Look the serial number up: `fossilsafe library show`.")
        }
        EquipmentError::NoSuitableDrive => {
            ("no_drive", "Use a drive of the cartridge's generation.")
        }
        EquipmentError::DriveInUse { .. } | EquipmentError::Stopped => {
            ("drive_in_use", "Wait for the job that uses it, then start again.")
        }
        EquipmentError::NoEmptySlot => ("no_empty_slot", "Take a cartridge out by a mail slot."),
        EquipmentError::NothingLoaded { .. } | EquipmentError::OtherDrive { .. } => {
            ("drive_changed", "Run `fossilsafe library inventory`, then resume the job.")
        }
        EquipmentError::Changer(ChangerError::MoveFailed { .. }) => (
            "move_failed",
            "Look into the library; put the cartridge where the message says, then run `fossilsafe library inventory`.",
        ),
        EquipmentError::Changer(_) => {
            ("changer", "Look at the library's own panel, then try again.")
        }
        EquipmentError::Drive(_) | EquipmentError::Transport(_) => {
            ("device", "Check power and cables, then try again.")
        }
    };
    (code, next_step.to_owned())
}
