//! Wiring: arguments and settings become parts, parts become a running appliance, signals stop it.
//!
//! Also the command line, which is a client of the API like any other, except for the commands that
//! work without an engine (`ltfs`, `vtl`, `bench`). Nothing here knows how a tape is written.

mod address;
mod bench;
mod catalog_restore;
mod cli;
mod client;
mod door;
mod engine;
mod error;
mod logging;
mod offline;
mod kept_log;
mod serve;
pub mod settings;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command that the arguments name and returns its exit code; see `fossilsafe --help`.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    cli::run(arguments)
}
