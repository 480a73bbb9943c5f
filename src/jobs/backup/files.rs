//! The work files of one backup job, all in the job's own folder.

use std::path::{Path, PathBuf};

use crate::domain::CopyLetter;
use crate::jobs::error::JobError;
use crate::ltfs::spool::BulkSpool;

/// Where the work files are.
#[derive(Clone, Debug)]
pub(super) struct RunFiles {
    folder: PathBuf,
    plan: PathBuf,
}

impl RunFiles {
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        let plan = folder.join("plan.spool");
        Self { folder, plan }
    }

    /// What is to be stored, in walk order.
    pub(super) fn plan(&self) -> &Path {
        &self.plan
    }

    /// Those of one copy of the set.
    pub(super) fn of_copy(&self, copy: CopyLetter) -> CopyFiles {
        let outcomes = self.folder.join(format!("outcomes-{copy}.spool"));
        CopyFiles { folder: self.folder.clone(), plan: self.plan.clone(), copy, outcomes }
    }
}

/// The work files of one copy of the set.
#[derive(Clone, Debug)]
pub(super) struct CopyFiles {
    folder: PathBuf,
    plan: PathBuf,
    copy: CopyLetter,
    outcomes: PathBuf,
}

impl CopyFiles {
    /// What is to be stored, in walk order.
    pub(super) fn plan(&self) -> &Path {
        &self.plan
    }

    /// What became of it.
    pub(super) fn outcomes(&self) -> &Path {
        &self.outcomes
    }

    /// The index of the volume as it was when a segment began.
    pub(super) fn base_index(&self, segment: u32) -> PathBuf {
        self.folder.join(format!("segment-{}{segment}.base.xml", self.copy))
    }

    /// What a segment adds to its volume's tree, cut back to `bytes`; made anew for 0.
    ///
    /// # Errors
    /// If the file cannot be used or is shorter.
    pub(super) fn open_bulk(&self, segment: u32, bytes: u64) -> Result<BulkSpool, JobError> {
        let path = self.folder.join(format!("segment-{}{segment}.bulk", self.copy));
        if bytes > 0 {
            return Ok(BulkSpool::reopen_at(&path, bytes)?);
        }
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(JobError::io("replace", &path)(error));
            }
            _ => {}
        }
        Ok(BulkSpool::create(&path)?)
    }
}
