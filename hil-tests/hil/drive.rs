//! A drive that stands alone and may lack what LTFS needs, as the kernel's emulated tape: it is told so, nothing
//! hangs, and nothing else is disturbed.

use crate::devices::Device;
use crate::place::Place;
use crate::rig::Rig;
use crate::steps::{Failed, Steps, ensure};

/// None of these commands takes as long; one that hangs is ended, and that is found.
const SECONDS_MAX: u32 = 120;

pub(crate) fn run(
    steps: &mut Steps,
    place: &mut Place,
    rig: &Rig,
    devices: &[Device],
) -> Result<(), Failed> {
    let format = rig.is_unnamed_erasable.then_some("format");
    for device in devices {
        let node = &device.node;
        for command in ["check", "ls"].into_iter().chain(format) {
            let said = place.run(&format!(
                "timeout {SECONDS_MAX} fossilsafe ltfs {command} --device {node} 2>&1; echo code $?"
            ));
            let ended = said.and_then(|said| is_refusal(&said));
            let why = steps.step(&format!("{node}: ltfs {command} says why it cannot"), ended)?;
            println!("{why}");
        }
    }
    steps.step("the engine starts beside it", place.start_engine())?;
    steps.step("and says what it has", place.run("fossilsafe library show"))?;
    Ok(())
}

/// The words of a refusal; not a panic, a signal, or the end of patience.
fn is_refusal(said: &str) -> Result<String, String> {
    let (words, code) = said.trim_end().rsplit_once("code ").ok_or(said.to_owned())?;
    let is_said = ["1", "4"].contains(&code) && words.contains("fossilsafe:");
    ensure(is_said, || said.to_owned())?;
    Ok(words.trim_end().to_owned())
}
