//! The LTFS format, native: labels, indexes, mounting, writing, recovery.
//!
//! Pure parts: [`names`], [`label`], [`extent`], [`index`] (streaming XML), [`spool`] (additions kept off
//! the tape), [`merge`] (the next index of a volume).

mod elements;
pub mod extent;
pub mod index;
pub mod label;
pub mod merge;
pub mod names;
pub mod spool;
pub mod version;
mod xml;
