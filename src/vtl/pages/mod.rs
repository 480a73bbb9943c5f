//! Answers of the virtual devices as bytes: values in, layouts of SPC, SSC and SMC out.
//!
//! Written from the standards on its own, without the parsers of `scsi`: an error in one of the two
//! shows as a disagreement. Nothing here knows a device's state.

pub(super) mod density;
pub(super) mod element;
pub(super) mod inquiry;
pub(super) mod log;
pub(super) mod mam;
pub(super) mod mode;
pub(super) mod opcodes;
pub(super) mod position;
pub(super) mod rao;
pub(super) mod security;
