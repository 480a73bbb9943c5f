//! What a job is asked to do, as it stands in the catalog from the moment it is accepted.
//!
//! A specification is complete: a job taken up after a restart needs nothing but this, its checkpoint
//! and what the devices say. New fields get a default, so that jobs of an older release still parse.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::catalog::Priority;
use crate::domain::{
    Barcode, ByteCount, CopyLetter, DriveSerial, PoolName, RunId, SetName, VolumeUuid,
};
use crate::keys::KeyId;

/// The task of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    /// Make an empty LTFS volume on one cartridge.
    Format(FormatSpec),
    /// Look at every element of the library again.
    Inventory,
    /// Move one cartridge between two elements.
    Move(MoveSpec),
    /// Write a set's sources to tape.
    Backup(BackupSpec),
    /// Read copies again and compare their hashes.
    Verify(VerifySpec),
    /// Bring files back from tape.
    Restore(RestoreSpec),
    /// Read what cartridges say about themselves into the catalog.
    Rebuild(RebuildSpec),
    /// Write everything that no tape tells into a folder.
    CatalogBackup(CatalogBackupSpec),
    /// Clean a drive with a cleaning cartridge of the library.
    Clean(CleanSpec),
    /// Open a file of an encrypted set with a typed kit and the tape alone.
    KitDrill(KitDrillSpec),
    /// Ask every part of the appliance to prove itself.
    SelfTest(SelfTestSpec),
    /// Measure how long the library takes for what it does.
    Calibrate(CalibrateSpec),
}

impl JobSpec {
    /// The kind's name in the catalog and the API.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Format(_) => "format",
            Self::Inventory => "inventory",
            Self::Move(_) => "move",
            Self::Backup(_) => "backup",
            Self::Verify(_) => "verify",
            Self::Restore(_) => "restore",
            Self::Rebuild(_) => "rebuild",
            Self::CatalogBackup(_) => "catalog_backup",
            Self::Clean(_) => "clean",
            Self::KitDrill(_) => "kit_drill",
            Self::SelfTest(_) => "self_test",
            Self::Calibrate(_) => "calibrate",
        }
    }

    /// One line for lists: what this job does, to what.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Format(spec) => format!("Format cartridge {}", spec.barcode),
            Self::Inventory => "Take inventory of the library".to_owned(),
            Self::Move(spec) => format!("Move {} to {}", spec.from, spec.to),
            Self::Backup(spec) => format!("Back up set {}", spec.set),
            Self::Verify(spec) => format!("Verify {}", spec.scope),
            Self::Restore(spec) => format!("Restore {}", spec.selection),
            Self::Rebuild(spec) if spec.barcodes.is_empty() => {
                "Rebuild the catalog from every cartridge".to_owned()
            }
            Self::Rebuild(spec) => {
                let barcodes: Vec<_> = spec.barcodes.iter().map(Barcode::as_str).collect();
                format!("Rebuild the catalog from {}", barcodes.join(", "))
            }
            Self::CatalogBackup(spec) => {
                format!("Back up the catalog to {}", spec.folder.display())
            }
            Self::Clean(spec) => format!("Clean drive {}", spec.drive),
            Self::KitDrill(spec) => format!("Prove kit {} on a tape", spec.kit),
            Self::SelfTest(SelfTestSpec { cartridge: None }) => "Self-test".to_owned(),
            Self::SelfTest(SelfTestSpec { cartridge: Some(barcode) }) => {
                format!("Self-test, writing to {barcode}")
            }
            Self::Calibrate(spec) => format!("Measure the library with {}", spec.cartridge),
        }
    }

    /// Whose turn it is among those that wait for a drive, as it was asked for.
    #[must_use]
    pub fn priority(&self) -> Priority {
        match self {
            Self::Backup(spec) => spec.priority,
            Self::Verify(spec) => spec.priority,
            Self::Restore(spec) => spec.priority,
            // The drive is not to be used before.
            Self::Clean(_) => Priority::High,
            _ => Priority::default(),
        }
    }
}

/// Format one cartridge, and only that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FormatSpec {
    /// The cartridge.
    pub barcode: Barcode,
    /// Shown to people by every LTFS implementation. The barcode, if not given.
    #[serde(default)]
    pub volume_name: Option<String>,
    /// What may be destroyed. Decided by a person who has seen what is on the cartridge.
    #[serde(default)]
    pub erase: EraseConsent,
}

/// How much a person has agreed to lose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EraseConsent {
    /// Only a blank cartridge may be formatted.
    #[default]
    BlankOnly,
    /// Whatever is on the cartridge with this barcode, typed by a person.
    Everything {
        /// Must be the barcode of the job's cartridge.
        typed_barcode: Barcode,
    },
}

/// One end of a move, in a person's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "place", content = "number", rename_all = "snake_case")]
pub enum Place {
    /// A slot, counted from 0.
    Slot(u16),
    /// A mail slot, counted from 0.
    MailSlot(u16),
    /// A drive, counted from 0.
    Drive(u16),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Slot(number) => write!(f, "slot {number}"),
            Self::MailSlot(number) => write!(f, "mail slot {number}"),
            Self::Drive(number) => write!(f, "drive {number}"),
        }
    }
}

/// Move a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MoveSpec {
    /// Where it is.
    pub from: Place,
    /// Where it goes.
    pub to: Place,
}

/// Which files a backup writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackupMode {
    /// Every file.
    Full,
    /// Every file that has no copy with evidence. A set's first run is always full.
    #[default]
    Incremental,
}

/// How file content is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// As it is: any LTFS software gives the file back.
    #[default]
    None,
    /// As zstd frames, stored as `NAME.zst`; files that would not become smaller are stored as they are.
    Zstd {
        /// 1 to 19.
        level: i32,
    },
}

/// Back up folders and files as one set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackupSpec {
    /// The set.
    pub set: SetName,
    /// Absolute paths.
    pub paths: Vec<PathBuf>,
    /// Full or incremental.
    #[serde(default)]
    pub mode: BackupMode,
    /// Patterns of names left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// How content is stored.
    #[serde(default)]
    pub compression: Compression,
    /// Only these cartridges may be written, if any are named.
    #[serde(default)]
    pub cartridges: Vec<Barcode>,
    /// How many copies, each on cartridges of its own; as many as the set has, if not given. One read
    /// feeds as many as there are drives for.
    #[serde(default)]
    pub copies: Option<u8>,
    /// The pool of the set; the one that it has, if not given. A set with runs never changes it.
    #[serde(default)]
    pub pool: Option<PoolName>,
    /// An index goes to the data partition after this many bytes: what a power failure can cost.
    #[serde(default = "BackupSpec::default_index_interval")]
    pub index_interval: ByteCount,
    /// Scripts of this machine that run before and after.
    #[serde(default, skip_serializing_if = "Hooks::is_default")]
    pub hooks: Hooks,
    /// Whose turn it is among jobs that wait for a drive.
    #[serde(default, skip_serializing_if = "Priority::is_usual")]
    pub priority: Priority,
}

/// Scripts that run before and after a backup: see `jobs::hook`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// The name of a script in the folder `hooks` of the data folder, which runs before anything is read. If it
    /// fails, the backup does not begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The same, after the backup has ended, however that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// How long each of them may take: 1 second to a day.
    #[schemars(range(min = 1, max = 86_400))]
    pub seconds_max: u32,
}

impl Default for Hooks {
    fn default() -> Self {
        // Ten minutes: a dump of a small database.
        Self { before: None, after: None, seconds_max: 600 }
    }
}

impl Hooks {
    /// The longest time that a hook may be given: a day, well above the dump of a large database.
    pub const SECONDS_MAX: u32 = 24 * 3600;

    /// True if nothing was said of them.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl BackupSpec {
    /// 32 GiB: about 90 s of LTO-9 writing at risk, and an index costs the drive one stop.
    #[must_use]
    pub fn default_index_interval() -> ByteCount {
        ByteCount(32 * crate::domain::GIB)
    }
}

/// What a verification reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyScope {
    /// Every copy of one run.
    Run(RunId),
    /// The newest run of a set, with every copy that it refers to.
    Set(SetName),
    /// Every copy on one cartridge.
    Cartridge(Barcode),
}

impl std::fmt::Display for VerifyScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(run) => write!(f, "run {run}"),
            Self::Set(set) => write!(f, "the newest run of set {set}"),
            Self::Cartridge(barcode) => write!(f, "cartridge {barcode}"),
        }
    }
}

/// Read copies again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerifySpec {
    /// Which copies.
    pub scope: VerifyScope,
    /// Whose turn it is among jobs that wait for a drive.
    #[serde(default, skip_serializing_if = "Priority::is_usual")]
    pub priority: Priority,
}

impl From<VerifyScope> for VerifySpec {
    fn from(scope: VerifyScope) -> Self {
        Self { scope, priority: Priority::default() }
    }
}

/// Which files a restore brings back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreSelection {
    /// The run whose state of the files is wanted.
    pub run: RunId,
    /// Paths as they were backed up; a folder stands for all in it. Empty: the whole run.
    #[serde(default)]
    pub paths: Vec<PathBuf>,
}

impl std::fmt::Display for RestoreSelection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.paths.as_slice() {
            [] => write!(f, "run {}", self.run),
            [one] => write!(f, "{} from run {}", one.display(), self.run),
            many => write!(f, "{} paths from run {}", many.len(), self.run),
        }
    }
}

/// What happens to a file that is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// The restored file is refused and listed.
    #[default]
    Keep,
    /// The restored file replaces it.
    Replace,
}

/// What a restore does about a cartridge that is not in the library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingCartridge {
    /// Restores what it can from the others, then waits for this one.
    #[default]
    Wait,
    /// Restores what it can and lists the rest.
    Skip,
}

/// Bring files back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestoreSpec {
    /// Which files.
    pub selection: RestoreSelection,
    /// The folder they go to, under their paths.
    pub destination: PathBuf,
    /// What happens to files that are already there.
    #[serde(default)]
    pub existing: Existing,
    /// What happens to files whose cartridge is not there.
    #[serde(default)]
    pub missing: MissingCartridge,
    /// Whose turn it is among jobs that wait for a drive.
    #[serde(default, skip_serializing_if = "Priority::is_usual")]
    pub priority: Priority,
}

/// Fill the catalog from cartridges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RebuildSpec {
    /// These cartridges; all of the library if none is named.
    #[serde(default)]
    pub barcodes: Vec<Barcode>,
}

/// Back up the catalog, users, settings and keys into a folder, sealed for the recovery kits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogBackupSpec {
    /// The folder, on a disk or a share that is not the appliance's own. It must be there.
    pub folder: PathBuf,
    /// How many backups of this appliance are kept in it; older ones are removed. At least 1.
    #[serde(default = "CatalogBackupSpec::default_keep")]
    pub keep: u32,
}

impl CatalogBackupSpec {
    /// Two weeks of nights.
    #[must_use]
    pub fn default_keep() -> u32 {
        14
    }
}

/// Clean one drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CleanSpec {
    /// The drive.
    pub drive: DriveSerial,
}

/// Prove a kit. Its secret is in memory only: a job that is taken up after a restart asks for it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KitDrillSpec {
    /// The kit.
    pub kit: KeyId,
    /// The cartridge; the one that was written last, if not given.
    #[serde(default)]
    pub cartridge: Option<Barcode>,
}

/// Ask every part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelfTestSpec {
    /// A cartridge with nothing on it, which is written to and read back; no tape is touched without it.
    #[serde(default)]
    pub cartridge: Option<Barcode>,
}

/// Measure the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrateSpec {
    /// The cartridge that is moved about. Nothing is written to it.
    pub cartridge: Barcode,
}

/// What a waiting job needs a person to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "need", rename_all = "snake_case")]
pub enum Need {
    /// Put this cartridge into the library.
    Cartridge {
        /// Its barcode, where one is known.
        barcode: Option<Barcode>,
        /// The volume on it.
        volume: VolumeUuid,
    },
    /// Give the set a formatted cartridge with room.
    FormattedCartridge {
        /// The set that has none.
        set: SetName,
        /// The copy of it that has none, if it has several.
        #[serde(default)]
        copy: Option<CopyLetter>,
        /// At least this much is still to be written.
        remaining: ByteCount,
        /// Cartridges that were passed over, each with the reason.
        #[serde(default)]
        passed_over: Vec<(Barcode, String)>,
    },
    /// Look at a device: what it reported is in the job's error.
    Attention {
        /// What happened and what to do, as sentences.
        message: String,
    },
    /// Have the key server answer: the job then goes on by itself.
    KeyServer {
        /// The data key that it does not give.
        key: KeyId,
        /// What it says and what to do, as sentences.
        message: String,
    },
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cartridge { barcode: Some(barcode), volume } => {
                write!(f, "put cartridge {barcode} (volume {volume}) into the library")
            }
            Self::Cartridge { barcode: None, volume } => {
                write!(f, "put the cartridge with volume {volume} into the library")
            }
            Self::FormattedCartridge { set, copy, remaining, passed_over } => {
                let of = copy.map_or_else(String::new, |copy| format!("copy {copy} of "));
                write!(
                    f,
                    "{of}set {set} needs another formatted cartridge for {remaining}: \
                     run `fossilsafe cartridge format BARCODE`, then `fossilsafe job resume`"
                )?;
                for (barcode, reason) in passed_over {
                    write!(f, "; {barcode} was passed over: {reason}")?;
                }
                Ok(())
            }
            Self::Attention { message } | Self::KeyServer { message, .. } => f.write_str(message),
        }
    }
}

/// What is shown of a job's progress; replaced as a whole, so any of them can be lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobProgress {
    /// What the job is doing, as a few words.
    pub stage: String,
    /// Files done, of those that are known.
    pub files_done: u64,
    /// Files known.
    pub files_total: u64,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes known.
    pub bytes_total: u64,
    /// The cartridge being worked on.
    pub cartridge: Option<Barcode>,
    /// Live figures of the data path while it runs.
    pub stream: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_survives_the_catalog_and_old_ones_get_defaults() {
        let old = r#"{"kind":"backup","set":"photos","paths":["/srv/photos"]}"#;
        let spec: JobSpec = serde_json::from_str(old).unwrap();
        let JobSpec::Backup(backup) = &spec else { panic!("{spec:?}") };
        assert_eq!((backup.mode, backup.copies), (BackupMode::Incremental, None));
        assert!(backup.hooks.is_default() && spec.priority() == Priority::Normal);
        assert_eq!(backup.index_interval, BackupSpec::default_index_interval());
        let without_scripts = r#"{"kind":"backup","set":"photos","paths":["/srv/photos"],
            "hooks":{"seconds_max":300}}"#;
        for spec in [spec, serde_json::from_str(without_scripts).unwrap()] {
            let text = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<JobSpec>(&text).unwrap(), spec);
        }
    }

    #[test]
    fn only_a_typed_barcode_allows_more_than_a_blank_cartridge() {
        let spec: FormatSpec = serde_json::from_str(r#"{"barcode":"FSP001L9"}"#).unwrap();
        assert_eq!(spec.erase, EraseConsent::BlankOnly);
    }
}
