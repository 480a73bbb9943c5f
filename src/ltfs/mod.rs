//! The LTFS format, native: labels, indexes, mounting, writing, recovery.
//!
//! | module | what |
//! |---|---|
//! | [`names`], [`extent`], [`label`], [`coherency`], [`version`] | the nouns of the format, pure |
//! | [`index`] | an index as a stream of events, read and written in the memory of one entry |
//! | [`spool`], [`merge`] | additions kept off the tape, and the next index made of them |
//! | [`format`], [`mount`], [`writer`], [`reader`] | a volume on a cartridge |
//! | [`check`], [`repair`], [`rollback`], [`extract`] | when something is wrong with it |
//!
//! Nothing here knows of sets, runs or catalogs, and nothing retries: an error says what to do by
//! its [`error::LtfsErrorKind`]. No threads but those of [`overlap`](crate::overlap), while an index is made and
//! written; a volume being written owns its drive.
#![doc = include_str!("FORMAT.md")]

pub mod check;
pub mod coherency;
mod elements;
pub mod error;
pub mod extent;
pub mod extract;
pub mod format;
pub mod index;
mod index_blocks;
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
