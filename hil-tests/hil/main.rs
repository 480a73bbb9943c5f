//! The program on device nodes of a kernel: on our virtual library through TCMU, on the kernel's own emulated
//! tape, on mhvtl, on iron. Which of them, and which cartridges may be erased, a rig file says (`hil-tests/rigs`).
//!
//! ```text
//! scripts/hil hil-tests/rigs/tcmu.toml
//! ```
//!
//! The program is used as people use it, by its commands: the same steps run inside of the bench image and on the
//! machine that has the drives. What every drive and library has to do is asked of the devices themselves, by the
//! scenarios that the gate runs on the virtual library (`hil-tests/conformance`).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says on its output what it found"
)]

#[path = "../conformance/mod.rs"]
mod conformance;
mod devices;
mod drive;
mod library;
#[path = "../image/line.rs"]
mod line;
#[path = "../image/machine.rs"]
#[expect(dead_code, reason = "the tests of the image use all of it")]
mod machine;
mod on_devices;
mod place;
mod rig;
#[path = "../image/steps.rs"]
mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use place::Place;
use rig::Rig;
use steps::{Failed, Steps};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let path = match words.as_slice() {
        [option, path] if option.as_os_str() == on_devices::OPTION => {
            return on_devices::here(path);
        }
        [path] => path,
        _ => {
            eprintln!("Name a rig file, as hil-tests/rigs/tcmu.toml.");
            return ExitCode::from(2);
        }
    };
    match run(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed) => ExitCode::FAILURE,
    }
}

fn run(path: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("hil");
    let rig = steps.step("the rig file is understood", Rig::read(path))?;
    println!("{}", rig.name);
    steps.step("it lets nothing be erased that it does not name", refuses_others(&rig))?;
    let mut place = steps.step("its machine is there", Place::open(&rig, path))?;
    let devices = steps.step("its devices are there", devices::find(&mut place, &rig))?;
    for device in &devices {
        println!("{device}");
    }
    if rig.changer.is_some() {
        library::run(&mut steps, &mut place, &rig, &devices)
    } else {
        drive::run(&mut steps, &mut place, &rig, &devices)
    }
}

/// The one door to erasing is closed for a cartridge without a name in the rig, and for none at all.
fn refuses_others(rig: &Rig) -> Result<(), String> {
    for other in ["", "NOT001L9", "*"] {
        steps::ensure(rig.erasable(other).is_err(), || format!("\"{other}\" may be erased"))?;
    }
    rig.erase.iter().try_for_each(|barcode| rig.erasable(barcode).map(drop))
}
