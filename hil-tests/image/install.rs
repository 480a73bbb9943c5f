//! A stick with the image installs it on a disk of the machine, asked for on the serial line; the disk then starts
//! by itself, with an identity and data of its own, also beside the stick that it came from.

use std::path::Path;
use std::time::Duration;

use crate::machine::Machine;
use crate::services::{no_unit_has_failed, wait_for_menu};
use crate::steps::{Failed, Steps, ensure};

/// What a person waits for at a serial console.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// A gigabyte is written by an emulated machine.
const WRITE_LIMIT: Duration = Duration::from_secs(900);
const ENGINE_UP: &str = "systemctl is-active fossilsafe-engine.service";
const IDENTITY: &str = "cat /etc/machine-id";
const INSTALL: &str = "16";
/// The disk that `/data` is on; the first disk is vda.
const DATA_IS_OWN: &str = "test $(readlink -f $(findmnt -no SOURCE /data)) = /dev/vda7";

pub(crate) fn run(machine: &mut Machine, _bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, install");
    let booted = machine.attach_empty().and_then(|()| machine.boot());
    steps.step("a stick boots beside an empty disk", booted)?;
    steps.step("the engine is up", machine.until(300, ENGINE_UP))?;
    let kept = "echo kept >/srv/kept && sync";
    steps.step("the stick has data of its own", machine.inside(kept))?;
    let stick = steps.step("and an identity", machine.inside(IDENTITY))?;
    let refused = asked(machine, &[], "vda", "vda is none of them. Nothing was done.");
    steps.step("it is not installed on the stick itself", refused)?;
    let said = [("vdb", "Type \"erase vdb\" to do it: ")];
    let refused = asked(machine, &said, "yes", "That was not typed. Nothing was done.");
    steps.step("nor on a disk whose name was not typed", refused)?;
    let untouched = "test $(head -c 1M /dev/vdb | tr -d '\\0' | wc -c) = 0";
    steps.step("the disk is untouched by that", machine.inside(untouched))?;
    let written = asked(machine, &said, "erase vdb", "The machine switches off now");
    steps.step("it is installed on the disk", written)?;
    steps.step("the machine switches off", machine.wait_for_off())?;

    machine.exchange_disks();
    let taken_out = machine.detach();
    steps.step("the disk boots alone", machine.boot())?;
    is_new(machine, &mut steps, &stick)?;
    machine.cut_power();

    if let Some((disk, access)) = taken_out {
        machine.attach(disk, access);
    }
    steps.step("it boots beside the stick", machine.boot())?;
    steps.step("the engine is up", machine.until(300, ENGINE_UP))?;
    steps.step("its data is its own", machine.inside(DATA_IS_OWN).map(drop))?;
    let said = [("vdb", "Type \"lose its data\" to go on: ")];
    let refused = asked(machine, &said, "erase vdb", "That was not typed. Nothing was done.");
    steps.step("a disk with data of an appliance needs a further word", refused)
}

/// What was started from the disk is a machine of its own.
fn is_new(machine: &mut Machine, steps: &mut Steps, stick: &str) -> Result<(), Failed> {
    steps.step("the engine is up", machine.until(300, ENGINE_UP))?;
    let confirmed = "systemctl is-active fossilsafe-boot-good.service";
    steps.step("the boot is confirmed", machine.until(300, confirmed))?;
    let identity = machine.inside(IDENTITY);
    let is_other = identity.and_then(|it| ensure(it != stick, || it));
    steps.step("it has an identity of its own", is_other)?;
    let empty = format!("{DATA_IS_OWN} && test ! -e /srv/kept");
    steps.step("its data partition was empty", machine.inside(&empty))?;
    let grown = "test $(df --output=size -B1M /data | tail -n 1) -gt 1200";
    steps.step("it has grown", machine.inside(grown))?;
    let slots = "for n in 3:5 4:6; do cmp /dev/vda${n%:*} /dev/vda${n#*:}; done";
    steps.step("both slots are the same", machine.inside(slots))?;
    steps.step("no unit has failed", no_unit_has_failed(machine))?;
    steps.step("where no disk fits it says why, of each", no_disk_fits(machine))
}

/// The menu's point with the disk alone that was started from.
fn no_disk_fits(machine: &Machine) -> Result<(), String> {
    let console = machine.console()?;
    wait_for_menu(machine)?;
    let mark = console.mark();
    console.send(&format!("\n{INSTALL}\n"))?;
    console.wait(mark, ANSWER_LIMIT, |said| {
        let own = said.find("Not vda, 3.2 GB: the system was started from it.")?;
        said[own..].contains("No disk fits.").then_some(())
    })
}

/// Chooses the menu's point, answers its questions, and waits for what is said after the last answer. The menu
/// is there again at the end.
fn asked(
    machine: &Machine,
    answers: &[(&str, &str)],
    last: &str,
    wanted: &str,
) -> Result<(), String> {
    let console = machine.console()?;
    wait_for_menu(machine)?;
    let says = |mark: usize, text: &str, limit| {
        console.wait(mark, limit, |said| said.contains(text).then_some(()))
    };
    let mark = console.mark();
    console.send(&format!("\n{INSTALL}\n"))?;
    says(mark, "Disk (empty: do nothing): ", ANSWER_LIMIT)?;
    for (answer, question) in answers {
        let mark = console.mark();
        console.send(&format!("{answer}\n"))?;
        says(mark, question, ANSWER_LIMIT)?;
    }
    let mark = console.mark();
    console.send(&format!("{last}\n"))?;
    says(mark, wanted, WRITE_LIMIT)
}
