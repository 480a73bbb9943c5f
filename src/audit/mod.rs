//! The audit log: who asked for what, from where, and what came of it; and the proof that it is whole.
//!
//! ```text
//! entry n        one line of JSON: number, time, actor, address, request id, action, object, outcome
//! hash n         SHA-256(hash n-1 ‖ entry n); hash 0 is 32 zero bytes
//! seal n         Ed25519 signature of the purpose "audit-log" over hash n: at every 256th entry, and
//!                always at the newest
//! ```
//!
//! Changing, taking out, adding or exchanging entries breaks the chain; taking entries off the end leaves
//! the newest one without its seal; and nobody seals again without the appliance's key. What a whole older
//! copy of the file would hide is found by an export: a later one must begin with the same lines.
//!
//! Bodies and queries of requests are never in it: they may hold passwords.

mod entry;
mod export;
mod log;
#[cfg(test)]
mod tests;
mod verify;

pub use crate::catalog::audit_log::EntryFilter;
pub use entry::{Entry, Event};
pub use log::{AuditError, AuditLog};
pub use verify::{Fault, Finding, Report, verify_export};
