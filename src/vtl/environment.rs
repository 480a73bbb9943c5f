//! What all devices of a library share: the clock, the faults, how the library is opened and ruled.

use std::sync::Arc;

use super::faults::Faults;
use super::plan::{LibraryRules, Storage, Timing};
use crate::domain::{ByteCount, Clock};

/// Shared by the devices of one library.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timing: Timing,
    pub(super) storage: Storage,
    /// Size of a drive's buffer.
    pub(super) buffer: ByteCount,
    pub(super) rules: LibraryRules,
    pub(super) faults: Faults,
}
