//! FossilSafe keeps files on LTO tape as standard LTFS and knows that they can be read back.
//!
//! The modules in layer order, lowest first; a module imports only from those above it in this list
//! and named for it in `tidy.rs`.

pub mod domain;
pub mod durable;
pub mod overlap;
pub mod spool;
pub mod scsi;
pub mod vtl;
pub mod drive;
pub mod changer;
pub mod ltfs;
pub mod outgoing;
pub mod source;
pub mod system;
pub mod stream;
pub mod schedules;
pub mod keys;
pub mod manifest;
pub mod catalog_backup;
pub mod catalog;
pub mod pools;
pub mod people;
pub mod audit;
pub mod health;
pub mod jobs;
pub mod api;
pub mod gateway;
pub mod app;

#[cfg(all(target_arch = "x86_64", any(target_env = "musl", test)))]
mod memmove;
#[cfg(test)]
mod tidy;
