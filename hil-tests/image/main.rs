//! The image as a machine: booted, used, disturbed, updated; looked at from outside and inside.
//!
//! ```text
//! scripts/image-test                    what the gate does: services, updates
//! scripts/image-test --long             also a data partition that fails, versions that do not work, power cuts,
//!                                       an installation from a stick, an encrypted data partition, and what is
//!                                       attached: a staging disk, sources of other machines, a receiver of notices
//! scripts/image-test --only services    one scenario
//! ```
//!
//! Needs the images that `scripts/bench-image` makes; `scripts/image-test` makes them.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says on its output what it found"
)]

mod attached;
mod browser;
mod data;
mod encryption;
mod install;
mod line;
mod machine;
mod neighbours;
mod services;
mod signature;
mod steps;
mod updates;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use machine::Machine;
use steps::Failed;

type Scenario = fn(&mut Machine, &Path) -> Result<(), Failed>;

/// By name, in the order in which they are run.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("services", services::run),
    ("updates", updates::taken),
    ("data", data::run),
    ("bad-updates", updates::left),
    ("power-cuts", updates::cut),
    ("install", install::run),
    ("encryption", encryption::run),
    ("attached", attached::run),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let bench =
        PathBuf::from(std::env::var_os("IMAGE_TEST_BENCH").unwrap_or("target/bench".into()));
    if let Some(unknown) = wanted.iter().find(|name| SCENARIOS.iter().all(|(it, _)| it != name)) {
        eprintln!("there is no scenario {unknown}");
        return ExitCode::from(2);
    }
    let mut code = ExitCode::SUCCESS;
    for (name, scenario) in SCENARIOS {
        if !wanted.iter().any(|it| it == name) {
            continue;
        }
        let ended = Machine::flash(&bench.join("1.0.0/fossilsafe.img"));
        let ended = ended.map_err(|error| {
            println!("not ok - image, {name}: a disk is flashed");
            eprintln!("{error}");
            Failed
        });
        if ended.and_then(|mut machine| scenario(&mut machine, &bench)).is_err() {
            code = ExitCode::FAILURE;
        }
    }
    code
}
