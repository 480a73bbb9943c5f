//! Everything that reads bytes we did not make, as functions that a fuzzer or a loop may feed.
//!
//! A target may refuse what it is given; it may not panic, hang, or take memory without bound, and
//! what it accepts must survive being written and read again. Seeds are made by our own encoders
//! and by the answers of the virtual library, so nothing binary lies in the repository. The same
//! table runs under libFuzzer (`scripts/fuzz`) and, on every truncation and on mutations of the
//! seeds, in the gate (`gate.rs`).

mod api;
mod devices;
mod papers;
mod remote;
mod scsi;
mod sealed;
mod stored;
mod volume;

use std::error::Error;
use std::path::Path;

/// Inputs to begin with.
pub type Seeds = Result<Vec<Vec<u8>>, Box<dyn Error>>;

/// One reader of foreign bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of the program in `Cargo.toml` that fuzzes it.
    pub name: &'static str,
    /// Feeds it. Panics if something does not hold.
    pub run: fn(&[u8]),
    /// Good inputs.
    pub seeds: fn() -> Seeds,
}

macro_rules! targets {
    ($($module:ident :: $name:ident),* $(,)?) => {
        /// Every target.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            run: $module::$name::run,
            seeds: $module::$name::seeds,
        }),*];
    };
}

targets! {
    volume::index, volume::label, volume::memory_attributes, volume::bulk_spool,
    scsi::element_status, scsi::mode_pages, scsi::log_pages, scsi::inquiry, scsi::sense,
    scsi::position, scsi::density, scsi::supported_commands, scsi::reservation,
    scsi::encryption_pages, scsi::access_order,
    papers::manifest, papers::volume_record, papers::signature,
    sealed::sealed_file, sealed::key_file,
    stored::dump, stored::record_spool, stored::settings,
    remote::sftp_answer,
    api::job_spec, api::api_request,
}

/// Feeds the target of that name.
///
/// # Panics
/// If there is none, or if something about it does not hold.
pub fn run(name: &str, bytes: &[u8]) {
    (find(name).run)(bytes);
}

/// Writes the seeds of the target of that name into a folder.
///
/// # Panics
/// If there is none, its seeds cannot be made, or the folder cannot be written.
pub fn write_seeds(name: &str, folder: &Path) {
    let seeds = (find(name).seeds)().unwrap_or_else(|error| panic!("{name}: {error}"));
    for (number, seed) in seeds.iter().enumerate() {
        let path = folder.join(format!("seed-{number}"));
        if let Err(error) = std::fs::write(&path, seed) {
            panic!("{}: {error}", path.display());
        }
    }
}

fn find(name: &str) -> &'static Target {
    let target = TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("no target is called {name}"))
}
