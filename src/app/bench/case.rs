//! One case: a task on a tree, in a folder where earlier cases have left what it needs.
//!
//! ```text
//! <work>/<tree>/source       the files
//! <work>/<tree>/appliance    library and data folder; stays from the backup to verify and restore
//! <work>/<tree>/discarding   the same with a drive that discards
//! <work>/<tree>/archive.tar  for the tool that unpacks
//! <work>/<tree>/out          what restore and tools make
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Launch;
use super::appliance::{Appliance, BackupPlan};
use super::caches::{Caches, drop_all};
use super::cost::{Cost, Worker, measure};
use super::ready_memory::ReadyMemory;
use super::tools;
use super::tree::{TreePlan, failed, read_through};
use super::work::WorkFolder;
use crate::app::error::AppError;
use crate::domain::KIB;
use crate::jobs::spec::Compression;
use crate::vtl::Storage;

/// What is done with the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::app) enum Task {
    /// A backup job whose virtual drive counts blocks and drops them.
    BackupDiscarded,
    /// The same with each file compressed by zstd at level 1.
    BackupZstd,
    /// As the first, into an encrypted pool.
    BackupSealed,
    /// As the first, in two copies to two such drives from one read.
    BackupTwoDrives,
    /// A backup job to a cartridge in the work folder.
    Backup,
    /// A verify job of that.
    Verify,
    /// A restore job of that.
    Restore,
    /// `tar | openssl dgst -sha256`.
    TarHash,
    /// `tar`, then `openssl dgst -sha256` of every file.
    TarThenHash,
    /// `openssl dgst -sha256` of every file, a process a core.
    Hash,
    /// `tar | zstd -1 -T0`.
    TarZstd,
    /// `tar -x` beside `openssl dgst -sha256`.
    UntarHash,
    /// `cp -a`.
    Copy,
    /// `dd` with O_DIRECT of every file.
    Direct,
}

impl Task {
    /// For a row of the table.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::BackupDiscarded => "backup, to a drive that discards",
            Self::BackupZstd => "backup with zstd, level 1",
            Self::BackupSealed => "backup, encrypted",
            Self::BackupTwoDrives => "backup in two copies, to two such drives",
            Self::Backup => "backup, cartridge in the work folder",
            Self::Verify => "verify",
            Self::Restore => "restore",
            Self::TarHash => "`tar \\| openssl dgst -sha256`",
            Self::TarThenHash => "`tar`, then `openssl dgst -sha256` of each file",
            Self::Hash => "`openssl dgst -sha256`, a process a core",
            Self::TarZstd => "`tar \\| zstd -1 -T0`",
            Self::UntarHash => "`tar -x` beside `openssl dgst -sha256`",
            Self::Copy => "`cp -a`",
            Self::Direct => "`dd` with O_DIRECT",
        }
    }

    /// True if it is one of our jobs.
    pub(super) fn is_ours(self) -> bool {
        matches!(
            self,
            Self::BackupDiscarded
                | Self::BackupZstd
                | Self::BackupSealed
                | Self::BackupTwoDrives
                | Self::Backup
                | Self::Verify
                | Self::Restore
        )
    }

    /// True if it writes as much as it reads, and not to a drive that discards.
    pub(super) fn makes_files(self) -> bool {
        matches!(
            self,
            Self::Backup | Self::Restore | Self::TarThenHash | Self::UntarHash | Self::Copy
        )
    }

    /// The use of tar that it is compared with: both hash (or compress) every byte, both read files or
    /// both make files. Verify makes none.
    pub(super) fn tar_reference(self) -> Self {
        match self {
            Self::Restore | Self::UntarHash => Self::UntarHash,
            Self::BackupZstd => Self::TarZstd,
            _ => Self::TarHash,
        }
    }
}

/// One case, as it is handed to its process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::app) struct Case {
    pub(super) task: Task,
    pub(super) tree: TreePlan,
    pub(super) folder: PathBuf,
}

impl Case {
    /// Does it, and says what it cost. What it needs beforehand is not counted.
    pub(in crate::app) fn run(&self) -> Result<Cost, AppError> {
        let source = self.folder.join(SOURCE);
        let out = self.folder.join(OUT);
        match self.task {
            Task::BackupDiscarded => self.discard(&source, &BackupPlan::default()),
            Task::BackupZstd => {
                let compression = Compression::Zstd { level: 1 };
                self.discard(&source, &BackupPlan { compression, ..BackupPlan::default() })
            }
            Task::BackupSealed => {
                let is_sealed = true;
                self.discard(&source, &BackupPlan { is_sealed, ..BackupPlan::default() })
            }
            Task::BackupTwoDrives => {
                self.discard(&source, &BackupPlan { copies: 2, ..BackupPlan::default() })
            }
            Task::Backup => {
                let folder = self.folder.join(APPLIANCE);
                let appliance = Appliance::make(&folder, self.tree, Storage::Files, 1)?;
                let plan = BackupPlan::default();
                measure(Worker::Own, || appliance.backup(self.tree, &source, &plan))
            }
            Task::Verify => self.with_appliance(|appliance| appliance.verify(self.tree)),
            Task::Restore => self.with_appliance(|appliance| appliance.restore(self.tree, &out)),
            Task::TarHash => measure(Worker::Children, || tools::tar_hash(&source)),
            Task::TarThenHash => {
                let archive = self.folder.join(ARCHIVE);
                measure(Worker::Children, || tools::tar_then_hash(&source, &archive))
            }
            Task::Hash => measure(Worker::Children, || tools::hash(&source)),
            Task::TarZstd => measure(Worker::Children, || tools::tar_zstd(&source)),
            Task::UntarHash => {
                fs::create_dir(&out).map_err(failed("make", &out))?;
                measure(Worker::Children, || tools::untar_hash(&self.folder.join(ARCHIVE), &out))
            }
            Task::Copy => measure(Worker::Children, || tools::copy(&source, &out)),
            Task::Direct => measure(Worker::Children, || tools::direct(&source)),
        }
    }

    /// A backup job to drives that count blocks and drop them.
    fn discard(&self, source: &Path, plan: &BackupPlan) -> Result<Cost, AppError> {
        let folder = self.folder.join(DISCARDING);
        let appliance = Appliance::make(&folder, self.tree, Storage::Discard, plan.copies)?;
        if plan.is_sealed {
            appliance.make_pool()?;
        }
        measure(Worker::Own, || appliance.backup(self.tree, source, plan))
    }

    fn with_appliance(
        &self,
        work: impl FnOnce(&Appliance) -> Result<(), AppError>,
    ) -> Result<Cost, AppError> {
        let appliance = Appliance::open(&self.folder.join(APPLIANCE), Storage::Files)?;
        measure(Worker::Own, || work(&appliance))
    }
}

/// Plan, notes, index, manifest and catalog of two copies, in memory like the files.
const NOTES_BYTES_PER_FILE: u64 = 8 * KIB;
const SOURCE: &str = "source";
const APPLIANCE: &str = "appliance";
const DISCARDING: &str = "discarding";
const ARCHIVE: &str = "archive.tar";
const OUT: &str = "out";

/// The folder of a tree.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    tree: TreePlan,
    caches: Caches,
}

impl Place {
    /// Makes the folder with the files.
    pub(super) fn make(folder: PathBuf, tree: TreePlan, caches: Caches) -> Result<Self, AppError> {
        fs::create_dir(&folder).map_err(failed("make", &folder))?;
        tree.make(&folder.join(SOURCE))?;
        Ok(Self { folder, tree, caches })
    }

    /// Runs a case, and removes what no later one needs.
    pub(super) fn run(
        &self,
        task: Task,
        work: &WorkFolder,
        launch: Launch<'_>,
    ) -> Result<Cost, AppError> {
        let at = |name: &str| self.folder.join(name);
        match self.caches {
            Caches::Warm => read_through(&at(SOURCE))?,
            Caches::Cold => drop_all()?,
        }
        if task == Task::UntarHash {
            tools::make_archive(&at(SOURCE), &at(ARCHIVE))?;
        }
        let memory = match self.caches {
            Caches::Warm => ReadyMemory::of(work, self.bytes_made(task))?,
            Caches::Cold => None,
        };
        let case = Case { task, tree: self.tree, folder: self.folder.clone() };
        let cost = launch(&case)?;
        drop(memory);
        match task {
            Task::BackupDiscarded
            | Task::BackupZstd
            | Task::BackupSealed
            | Task::BackupTwoDrives => clear(&at(DISCARDING))?,
            Task::Backup
            | Task::Verify
            | Task::TarHash
            | Task::Hash
            | Task::TarZstd
            | Task::Direct => {}
            Task::TarThenHash => clear(&at(ARCHIVE))?,
            Task::Restore => [OUT, APPLIANCE].iter().try_for_each(|name| clear(&at(name)))?,
            Task::UntarHash => [OUT, ARCHIVE].iter().try_for_each(|name| clear(&at(name)))?,
            Task::Copy => clear(&at(OUT))?,
        }
        Ok(cost)
    }

    /// What a case makes in memory: of the files, and beside them.
    fn bytes_made(&self, task: Task) -> u64 {
        let files = if task.makes_files() { self.tree.bytes_on_disk() } else { 0 };
        files + self.tree.files * NOTES_BYTES_PER_FILE
    }

    /// Makes room for the next tree.
    pub(super) fn remove(self) -> Result<(), AppError> {
        clear(&self.folder)
    }
}

fn clear(path: &Path) -> Result<(), AppError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(failed("remove", path))
}
