//! Updates: to a new version and back from one that does not work, refused ones, and power that fails.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::machine::{Machine, run};
use crate::steps::{Failed, Steps, ensure};

/// Where the bundles are inside.
const BUNDLES: &str = "/run/bundles";
const STATUS: &str = "fossilsafe update status";
const ENGINE_UP: &str = "systemctl is-active fossilsafe-engine.service";
const CONFIRMED: &str = "systemctl is-active fossilsafe-boot-good.service";
/// Something on the data partition and something in the catalog, and whether both are there.
const MAKE_DATA: &str = "echo kept >/srv/kept && fossilsafe cartridge format FSP001L9";
const HAS_DATA: &str = "grep -qx kept /srv/kept && fossilsafe cartridge show FSP001L9";
/// What has been written to the slot that does not run, in sectors: kernel and root of B on the first disk.
const WRITTEN: &str = "awk '{ s += $7 } END { print s }' /sys/class/block/vda[56]/stat";
/// Less than this is no image.
const SECTORS_MIN: u64 = 100_000;
/// Moments at which power is cut while a slot is written, in ninths of what an installation writes.
const NINTHS: std::ops::RangeInclusive<u64> = 1..=8;
/// How often it is looked whether a moment has come, with a tenth of a second between.
const MOMENT_LOOKS: u32 = 2000;
/// An emulated machine writes a slot in a minute or five; it is not asked without a pause.
const INSTALL_LOOKS: u32 = 200;
const INSTALL_PAUSE: Duration = Duration::from_secs(5);
/// The history of updates is looked at once a minute.
const ALERT_SECONDS: u32 = 300;
/// A version that does not work is tried three times, then the one before comes up.
const BOOTS_MAX: usize = 4;

/// What the gate does: bundles that are refused, one that is taken.
pub(crate) fn taken(machine: &mut Machine, bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, updates");
    let bundles = good_and_refused(machine.folder(), bench).and_then(|bundles| {
        machine.attach_files(&bundles)?;
        machine.boot()
    });
    steps.step("a machine with bundles boots", bundles)?;
    is_ready(machine, &mut steps, "1.0.0", "A")?;
    steps.step("it has data", machine.inside(MAKE_DATA))?;
    for (name, file, why) in [
        ("a bundle that others have signed is refused", "foreign", "signature"),
        ("an older version is refused", "older", "brings 0.9.0, and 1.0.0 runs"),
        ("a truncated bundle is refused", "cut", "exceeds bundle size"),
    ] {
        let said = machine.inside(&install(file)).err().unwrap_or_else(|| "taken".to_owned());
        steps.step(name, ensure(said.contains(why) && said.contains("exit 1"), || said))?;
    }
    let unchanged = has_status(machine, &["1.0.0 runs from slot A", "No update"]);
    steps.step("nothing has changed by that", unchanged)?;
    let mut browser = Browser::of(machine);
    let code = steps.step("the first-run code", crate::services::first_run_code(machine))?;
    let jar = machine.folder().join("cookies");
    steps.step("an admin is made", browser.set_up(&code, &jar))?;
    let foreign = machine.folder().join("foreign.raucb");
    let refused = browser.upload("/api/updates/bundle", &foreign).err().unwrap_or_default();
    let is_refused = ensure(refused.contains("update_refused"), || refused);
    steps.step("nor does the API take a bundle of others", is_refused)?;
    let good = bench.join("1.1.0/fossilsafe.raucb");
    let state = steps.step("a bundle is uploaded", browser.upload("/api/updates/bundle", &good))?;
    let is_newer = state["bundle"]["version"] == "1.1.0" && state["bundle"]["is_newer"] == true;
    steps.step("it is newer than what runs", ensure(is_newer, || state.to_string()))?;
    steps.step("it is installed", installed_by(&browser))?;
    steps.step("the machine restarts", restarted_by(machine, &browser))?;
    is_ready(machine, &mut steps, "1.1.0", "B")?;
    let state = steps.step("the API answers again", browser.ask("/api/updates"))?;
    let is_known = state["slot"] == "B"
        && state["history"][0]["outcome"] == "good"
        && state["slots"][0]["version"] == "1.0.0";
    steps.step("the API knows slots and history", ensure(is_known, || state.to_string()))?;
    let good = has_status(machine, &["1.1.0", "1.0.0", "good"]);
    steps.step("the history says that it is good", good)?;
    steps.step("data and catalog are kept", machine.inside(HAS_DATA))?;
    steps.step("no unit has failed", crate::services::no_unit_has_failed(machine))
}

/// Versions that do not work: the machine comes back by itself and says why.
pub(crate) fn left(machine: &mut Machine, bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, bad updates");
    let bundles = [("engine", "1.2.0"), ("panic", "1.3.0")];
    let bundles = bundles.map(|(name, version)| {
        (format!("{name}.raucb"), bench.join(version).join("fossilsafe.raucb"))
    });
    let booted = machine.attach_files(&bundles).and_then(|()| machine.boot());
    steps.step("a machine with bundles boots", booted)?;
    is_ready(machine, &mut steps, "1.0.0", "A")?;
    steps.step("it has data", machine.inside(MAKE_DATA))?;
    for (file, version, why) in [
        ("panic", "1.3.0", "it never came far enough to say why"),
        ("engine", "1.2.0", "the engine does not start"),
    ] {
        steps.step(&format!("{version} is installed"), machine.inside(&install(file)))?;
        steps.step("the machine restarts", restart_until(machine, "rauc.slot=A"))?;
        is_ready(machine, &mut steps, "1.0.0", "A")?;
        let said = has_status(machine, &[version, "went back", why]);
        steps.step(&format!("it says why {version} was left"), said)?;
        steps.step("data and catalog are kept", machine.inside(HAS_DATA).map(drop))?;
        let alert = format!("fossilsafe alert list | grep -qF '{version} did not'");
        steps.step("whoever is responsible is told", machine.until(ALERT_SECONDS, &alert))?;
    }
    Ok(())
}

/// Power that fails at ten moments of an installation: once it is begun, after each ninth of what it writes but the
/// last, and once the slot that it wrote is the next to start.
pub(crate) fn cut(machine: &mut Machine, bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, power cuts");
    let bundles = [("good.raucb".to_owned(), bench.join("1.1.0/fossilsafe.raucb"))];
    let booted = machine.attach_files(&bundles).and_then(|()| machine.boot());
    steps.step("a machine with bundles boots", booted)?;
    is_ready(machine, &mut steps, "1.0.0", "A")?;
    steps.step("it has data", machine.inside(MAKE_DATA))?;
    let whole = steps.step("what an installation writes is measured", measured(machine))?;
    let undone = "rauc status mark-active booted && rm /boot/update.json && sync";
    steps.step("it is given up again", machine.inside(undone))?;
    let begun = ("begun".to_owned(), "grep -qs installing /boot/update.json".to_owned());
    let written = NINTHS.map(|ninth| {
        let sectors = whole * ninth / 9;
        (format!("{ninth} ninths written"), format!("[ $(($({WRITTEN}) - a)) -ge {sectors} ]"))
    });
    for (count, (name, moment)) in std::iter::once(begun).chain(written).enumerate() {
        let cut = cut_at(machine, &moment);
        steps.step(&format!("power fails with an installation {name}"), cut)?;
        comes_back(machine, &mut steps)?;
        let told = interrupted(machine);
        let told = told.and_then(|told| ensure(told == count + 1, || format!("{told} times")));
        steps.step("1.0.0 runs, and it says that 1.1.0 was not installed", told)?;
        steps.step("bundles are there again", machine.inside(&mount()).map(drop))?;
    }
    let is_next = "grub-editenv /boot/grub/grubenv list | grep -q '^ORDER=B' && sync -f /boot";
    steps.step("power fails once it is the next to start", cut_at(machine, is_next))?;
    comes_back(machine, &mut steps)?;
    let said = has_status(machine, &["Version 1.1.0 runs from slot B.", "good"]);
    steps.step("what is whole is started, and found good", said)
}

/// What an installation writes to its slot, in sectors. It is done with that.
fn measured(machine: &mut Machine) -> Result<u64, String> {
    let install = install("good");
    let command = format!("a=$({WRITTEN}); {install} >&2 && sync && echo $(($({WRITTEN}) - a))");
    let said = machine.inside(&command)?;
    let sectors = said.lines().last().and_then(|line| line.trim().parse::<u64>().ok());
    sectors.filter(|sectors| *sectors > SECTORS_MIN).ok_or(said)
}

/// How many installations were interrupted, as the machine has it; it must run what it ran before.
fn interrupted(machine: &mut Machine) -> Result<usize, String> {
    let said = machine.inside(&format!("{STATUS} --json"))?;
    let state: Value = serde_json::from_str(&said).map_err(|error| format!("{error}: {said}"))?;
    ensure(state["version"] == "1.0.0" && state["slot"] == "A", || said.clone())?;
    let history = state["history"].as_array().ok_or(said)?;
    Ok(history.iter().filter(|past| past["outcome"] == "interrupted").count())
}

/// Begins an installation and takes the power away as soon as `moment` has come; `$a` is what was written before.
fn cut_at(machine: &mut Machine, moment: &str) -> Result<(), String> {
    let install = install("good");
    machine.inside(&format!(
        "a=$({WRITTEN}); n=0; ({install} >/run/install.log 2>&1 &); until {moment}; do \
         n=$((n + 1)); [ $n -lt {MOMENT_LOOKS} ] || {{ cat /run/install.log; exit 1; }}; \
         sleep 0.1; done"
    ))?;
    machine.cut_power();
    Ok(())
}

/// It starts with a version that works, and has all that it had.
fn comes_back(machine: &mut Machine, steps: &mut Steps) -> Result<(), Failed> {
    steps.step("power is back", machine.boot())?;
    steps.step("the engine is up", machine.until(300, ENGINE_UP))?;
    steps.step("the boot is confirmed", machine.until(300, CONFIRMED))?;
    steps.step("data and catalog are kept", machine.inside(HAS_DATA).map(drop))
}

/// The bundles of [`taken`], by name: those that are refused are made here.
fn good_and_refused(
    folder: &Path,
    bench: &Path,
) -> Result<Vec<(String, std::path::PathBuf)>, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("buildroot/image");
    let file = |name: &str| folder.join(name).with_extension("raucb");
    let make = |slot: &str, version: &str, ca: &Path, out: &Path| {
        let mut command = Command::new(here.join("make-bundle"));
        command.arg(bench.join(slot)).arg(version);
        run(command.arg(ca.join("signing.pem")).arg(ca.join("signing.key")).arg(out))
    };
    let others = folder.join("others");
    run(Command::new(here.join("make-development-ca")).arg(&others))?;
    make("1.1.0", "1.1.0", &others, &file("foreign"))?;
    make("1.0.0", "0.9.0", &bench.join("ca"), &file("older"))?;
    let good = bench.join("1.1.0/fossilsafe.raucb");
    run(Command::new("cp").arg(&good).arg(file("cut")))?;
    run(Command::new("truncate").args(["--size", "-1000"]).arg(file("cut")))?;
    let mut bundles = vec![("good.raucb".to_owned(), good)];
    bundles.extend(["foreign", "older", "cut"].map(|name| (format!("{name}.raucb"), file(name))));
    Ok(bundles)
}

fn mount() -> String {
    format!("mkdir -p {BUNDLES} && mount -o ro /dev/vdb {BUNDLES}")
}

fn install(name: &str) -> String {
    format!("fossilsafe update install {BUNDLES}/{name}.raucb")
}

/// The engine answers, the boot is confirmed, and it is that version from that slot.
fn is_ready(
    machine: &mut Machine,
    steps: &mut Steps,
    version: &str,
    slot: &str,
) -> Result<(), Failed> {
    steps.step("the engine is up", machine.until(300, ENGINE_UP))?;
    steps.step("the boot is confirmed", machine.until(300, CONFIRMED))?;
    let said = has_status(machine, &[&format!("Version {version} runs from slot {slot}.")]);
    steps.step(&format!("{version} runs from slot {slot}"), said)?;
    steps.step("bundles are at hand", machine.inside(&mount()).map(drop))
}

fn has_status(machine: &mut Machine, wanted: &[&str]) -> Result<(), String> {
    let said = machine.inside(STATUS)?;
    // Lines are broken between words.
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure(wanted.iter().all(|text| words.contains(text)), || said)
}

/// Lets the API install what is at hand, and waits for it.
fn installed_by(browser: &Browser) -> Result<(), String> {
    browser.post("/api/updates/install", &json!({}))?;
    for _ in 0..INSTALL_LOOKS {
        let state = browser.ask("/api/updates")?;
        match state["installation"]["step"].as_str() {
            Some("done") => return Ok(()),
            Some("failed") | None => return Err(state.to_string()),
            Some(_) => std::thread::sleep(INSTALL_PAUSE),
        }
    }
    Err("it does not end".to_owned())
}

fn restarted_by(machine: &mut Machine, browser: &Browser) -> Result<(), String> {
    let mark = machine.shell_mark();
    browser.post("/api/updates/restart", &json!({}))?;
    machine.wait_for_shell(mark)
}

/// Restarts until the kernel was started with that word; a version that does not work restarts itself.
fn restart_until(machine: &mut Machine, word: &str) -> Result<(), String> {
    let mut mark = machine.shell_mark();
    machine.inside("systemctl --no-block reboot")?;
    for _ in 0..BOOTS_MAX {
        machine.wait_for_shell(mark)?;
        mark = machine.shell_mark();
        if machine.inside(&format!("grep -q {word} /proc/cmdline")).is_ok() {
            return Ok(());
        }
    }
    Err(format!("no {word} in {BOOTS_MAX} boots"))
}
