//! Where the files are when a case begins: in memory, or on the disk alone.

use std::fs;

use serde::Serialize;

use crate::app::error::AppError;

/// Drops clean pages, folders and inodes of the whole machine; what other programs had is read again.
const DROP: &str = "/proc/sys/vm/drop_caches";
const EVERYTHING: &str = "3";

/// What is in memory before each case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::app) enum Caches {
    /// All files, if there is room for them.
    #[default]
    Warm,
    /// Nothing: the disk is measured with the rest.
    Cold,
}

/// Empties the caches of this machine.
pub(super) fn drop_all() -> Result<(), AppError> {
    // What is not on the disk yet stays in memory otherwise.
    nix::unistd::sync();
    fs::write(DROP, EVERYTHING).map_err(|error| AppError::Offline {
        message: format!("cannot empty the caches of this machine ({DROP}: {error})"),
        next_step: "Run it as root, or measure without --cold.".to_owned(),
    })
}
