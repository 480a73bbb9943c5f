//! The staging folder.

/// Where a block was saved.
#[derive(Debug)]
pub(super) struct Slot;
