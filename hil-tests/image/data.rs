//! A data partition that is full, read-only after an error, missing: the machine boots, says so on its serial
//! line and over the network, and has lost nothing once it is put right. One of a newer version is answered in the
//! same way, and is tested where a catalog can be written so (`catalog`, `api::rescue`): here nothing can.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::browser::Browser;
use crate::machine::{Machine, run as run_here};
use crate::steps::{Failed, Steps, ensure};

const ENGINE: &str = "fossilsafe-engine.service";
/// What a person waits for at a serial console.
const CONSOLE_LIMIT: Duration = Duration::from_secs(120);
/// How long an engine takes to come up, or to find that what kept it is repaired.
const REPAIRED_SECONDS: u32 = 300;
/// The data partition's number on the disk.
const PARTITION: u8 = 7;

/// Numbers that nobody has, as those that an image gave out before users had their own.
const OLD_OWNERS: &str = "systemctl stop fossilsafe-gateway.service; \
    chown -R 999:999 /var/lib/fossilsafe/engine && chown -R 998:998 /var/lib/fossilsafe/gateway && sync";
const NO_OLD_OWNERS: &str = "test $(stat -c %U /var/lib/fossilsafe/engine/catalog.db) = fossilsafe-engine && \
    ! find /data/fossilsafe -nouser -o -nogroup | grep .";

/// One disk, three troubles, and after each everything is as it was.
pub(crate) fn run(machine: &mut Machine, _bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, data");
    steps.step("a flashed disk boots", machine.boot())?;
    let mut browser = Browser::of(machine);
    steps.step("the engine is up", works(machine))?;
    let code = steps.step("the first-run code", crate::services::first_run_code(machine))?;
    let jar = machine.folder().join("cookies");
    steps.step("an admin is made", browser.set_up(&code, &jar))?;
    let format = browser.job("/api/cartridges/FSP001L9/format", &json!({}));
    steps.step("there is something to lose", format)?;
    full(machine, &browser, &mut steps)?;
    read_only(machine, &browser, &mut steps)?;
    missing(machine, &browser, &mut steps)
}

fn full(machine: &mut Machine, browser: &Browser, steps: &mut Steps) -> Result<(), Failed> {
    let fill = "dd if=/dev/zero of=/srv/fill bs=1M 2>/dev/null; sync; \
        test $(df --output=avail -B1M /data | tail -n 1) -lt 2";
    steps.step("the data partition is full", machine.inside(fill))?;
    steps.step("it says so over the network", says(browser, "is full"))?;
    steps.step("and on the serial line", console_says(machine, "is full"))?;
    steps.step("the engine starts anew", machine.inside(&format!("systemctl restart {ENGINE}")))?;
    steps.step("it still says so", says(browser, "full"))?;
    steps.step("there is room again", machine.inside("rm /srv/fill; sync"))?;
    steps.step("nothing is lost", has_all(machine, browser))
}

fn read_only(machine: &mut Machine, browser: &Browser, steps: &mut Steps) -> Result<(), Failed> {
    // The kernel's own way to act as after an error of the disk.
    let fail = "d=$(findmnt -no SOURCE /data); \
        echo test >/sys/fs/ext4/$(basename $(readlink -f $d))/trigger_fs_error; \
        ! touch /data/x";
    steps.step("the disk fails and becomes read-only", machine.inside(fail))?;
    steps.step("it says so over the network", says(browser, "read-only"))?;
    steps.step("and on the serial line", console_says(machine, "read-only"))?;
    let mark = machine.shell_mark();
    let restarted = machine.inside("systemctl --no-block reboot").map(drop);
    steps.step("the machine restarts", restarted.and_then(|()| machine.wait_for_shell(mark)))?;
    steps.step("nothing is lost", has_all(machine, browser))
}

fn missing(machine: &mut Machine, browser: &Browser, steps: &mut Steps) -> Result<(), Failed> {
    let name = |machine: &Machine, name: &str| {
        let mut command = Command::new("sgdisk");
        command.arg(format!("--change-name={PARTITION}:{name}")).arg(machine.disk());
        run_here(&mut command).map(drop)
    };
    steps.step("the engine stops", machine.inside(&format!("systemctl stop {ENGINE}; sync")))?;
    steps.step("its files have the owners that an older image gave", machine.inside(OLD_OWNERS))?;
    machine.cut_power();
    steps.step("the data partition is missing", name(machine, "lost"))?;
    steps.step("the machine boots", machine.boot())?;
    steps.step("it says so over the network", says(browser, "is missing"))?;
    steps.step("and on the serial line", console_says(machine, "is missing"))?;
    let untouched = "test ! -e /var/lib/fossilsafe/engine/catalog.db";
    steps.step("nothing was begun anew", machine.inside(untouched))?;
    let clock = machine.inside("systemctl is-active systemd-timesyncd.service");
    steps.step("the clock is still set from the network", clock)?;
    let is_told = browser.ask_until_refused("/api/status", "engine_rescue");
    steps.step("every other question is refused with the reason", is_told)?;
    machine.cut_power();
    steps.step("the data partition is back", name(machine, "fossilsafe-data"))?;
    steps.step("the machine boots again", machine.boot())?;
    steps.step("nothing is lost", has_all(machine, browser))?;
    steps.step("its files have owners of today", machine.inside(NO_OLD_OWNERS).map(drop))
}

pub(crate) fn works(machine: &mut Machine) -> Result<(), String> {
    machine.until(REPAIRED_SECONDS, "fossilsafe status >/dev/null")
}

/// What was there before is there, and the engine works with it.
fn has_all(machine: &mut Machine, browser: &Browser) -> Result<(), String> {
    works(machine)?;
    let cartridge = browser.ask("/api/cartridges/FSP001L9")?;
    ensure(cartridge["volume"].is_object(), || cartridge.to_string())
}

/// Health, over the network, fails and names it.
pub(crate) fn says(browser: &Browser, wanted: &str) -> Result<(), String> {
    browser.ask_until_refused("/api/healthz", wanted)
}

/// The menu on the serial line has it above its points.
pub(crate) fn console_says(machine: &Machine, wanted: &str) -> Result<(), String> {
    let console = machine.console()?;
    crate::services::wait_for_menu(machine)?;
    let mark = console.mark();
    console.send("\n\n")?;
    // Lines are broken between words.
    let is_said = |said: &str| {
        let words: Vec<&str> = said.split_whitespace().collect();
        words.join(" ").contains(wanted).then_some(())
    };
    console.wait(mark, CONSOLE_LIMIT, is_said)
}
