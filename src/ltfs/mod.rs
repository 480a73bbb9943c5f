//! The LTFS format, native: labels, indexes, mounting, writing, recovery.
//!
//! Pure parts: [`names`], [`label`], [`extent`], [`index`] (streaming XML), [`spool`] (additions kept off
//! the tape), [`merge`] (the next index of a volume).

pub mod check;
mod coherency;
mod elements;
pub mod error;
pub mod extent;
pub mod extract;
pub mod format;
pub mod index;
pub mod label;
pub mod merge;
pub mod mount;
pub mod names;
pub mod reader;
pub mod repair;
pub mod rollback;
pub mod spool;
mod tape;
pub mod version;
pub mod writer;
mod xml;

#[cfg(test)]
mod tests;
