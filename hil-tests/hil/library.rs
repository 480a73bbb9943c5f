//! A library with a changer: a set goes to tape and comes back, over a kill and by the tape alone.

use serde_json::Value;

use crate::devices::Device;
use crate::place::Place;
use crate::rig::{Erasable, Rig};
use crate::steps::{Failed, Steps, ensure};

/// What goes to tape: text and links in folders, and something that takes a drive a while.
const SMALL: &str = "/usr/lib/udev";
const WORK: &str = "/srv/hil";
const MAKE_LARGE: &str = "rm -rf /srv/hil; mkdir -p /srv/hil/large && \
    head -c 60M /dev/urandom >/srv/hil/large/noise";
const LAST_JOB_IS_COMPLETED: &str =
    "fossilsafe job list --json | grep -m 1 '\"state\"' | grep -q '\"completed\"'";
/// How often an end is waited for, a second each.
const LOOKS: u32 = 400;

pub(crate) fn run(
    steps: &mut Steps,
    place: &mut Place,
    rig: &Rig,
    devices: &[Device],
) -> Result<(), Failed> {
    steps.step("the engine takes them", place.start_engine())?;
    let all = steps.step("the cartridges are listed", cartridges(place))?;
    let other = all.iter().find(|barcode| !rig.erase.contains(barcode));
    if let Some(other) = other {
        let kept = is_not_erased(place, rig, other);
        steps.step("a cartridge that the rig does not name is refused, and as before", kept)?;
    }
    for barcode in &rig.erase {
        let formatted = rig.erasable(barcode).and_then(|it| format(place, &it));
        steps.step(&format!("{barcode} is formatted"), formatted)?;
    }
    goes_and_comes_back(steps, place)?;
    outlives_a_kill(steps, place)?;
    is_read_without_us(steps, place, rig, devices)
}

fn cartridges(place: &mut Place) -> Result<Vec<String>, String> {
    let printed = place.run("fossilsafe cartridge list --json")?;
    let list: Value =
        serde_json::from_str(&printed).map_err(|error| format!("{error}: {printed}"))?;
    let items = list.as_array().or_else(|| list["items"].as_array()).ok_or(printed)?;
    Ok(items.iter().filter_map(|it| it["barcode"].as_str().map(str::to_owned)).collect())
}

fn is_not_erased(place: &mut Place, rig: &Rig, barcode: &str) -> Result<(), String> {
    let show = format!("fossilsafe cartridge show {barcode} --json");
    let before = place.run(&show)?;
    let refused = rig.erasable(barcode).and_then(|it| format(place, &it));
    ensure(refused.is_err(), || format!("{barcode} was formatted"))?;
    let after = place.run(&show)?;
    ensure(before == after, || after)
}

/// Erases a cartridge; nothing else here does.
fn format(place: &mut Place, cartridge: &Erasable<'_>) -> Result<(), String> {
    let barcode = cartridge.barcode();
    let plain = place.run(&format!("fossilsafe cartridge format {barcode}"));
    // What is left of an earlier run; the rig has named it.
    let erased = plain.or_else(|_| {
        place.run(&format!("fossilsafe cartridge format {barcode} --yes-erase {barcode}"))
    });
    erased.map(drop)
}

fn goes_and_comes_back(steps: &mut Steps, place: &mut Place) -> Result<(), Failed> {
    for (name, command) in [
        ("there is something to keep", MAKE_LARGE.to_owned()),
        ("a folder goes to tape", format!("fossilsafe backup {SMALL} --set hil-small")),
        ("it is read back", "fossilsafe verify --set hil-small".to_owned()),
        ("it is restored", format!("fossilsafe restore --set hil-small --to {WORK}/back")),
        (
            "what is restored is the same",
            format!("diff -r --no-dereference {SMALL} {WORK}/back{SMALL}"),
        ),
        (
            "it is proven",
            "fossilsafe evidence --set hil-small --json | grep -q read_back".to_owned(),
        ),
        ("nothing new is written again", format!("fossilsafe backup {SMALL} --set hil-small")),
    ] {
        steps.step(name, place.run(&command))?;
    }
    Ok(())
}

fn outlives_a_kill(steps: &mut Steps, place: &mut Place) -> Result<(), Failed> {
    let begin = format!("fossilsafe backup {WORK}/large --set hil-large --detach; sleep 1");
    steps.step("a backup begins", place.run(&begin))?;
    steps.step("the engine is killed", place.kill_engine())?;
    steps.step("another takes its place", place.start_engine())?;
    let ends = format!(
        "n=0; until {LAST_JOB_IS_COMPLETED}; do n=$((n + 1)); [ $n -lt {LOOKS} ] || exit 1; sleep 1; done"
    );
    steps.step("the backup goes on to its end", place.run(&ends))?;
    steps.step("what it wrote is read back", place.run("fossilsafe verify --set hil-large"))?;
    Ok(())
}

/// The tape by itself: no engine, no catalog.
fn is_read_without_us(
    steps: &mut Steps,
    place: &mut Place,
    rig: &Rig,
    devices: &[Device],
) -> Result<(), Failed> {
    let first = rig.erase.first().cloned().unwrap_or_default();
    let moved = place.run(&format!("fossilsafe library move {first} drive:0"));
    steps.step("a cartridge is moved to a drive", moved)?;
    steps.step("the engine stops", place.stop_engine())?;
    // Which node is the changer's first drive is not known without it: the one with a volume.
    let nodes: Vec<_> = devices.iter().filter(|it| it.is_drive()).collect();
    let checked = nodes
        .iter()
        .find(|it| place.run(&format!("fossilsafe ltfs check --device {}", it.node)).is_ok());
    let node = checked.map(|it| it.node.clone()).ok_or("no drive has a volume".to_owned());
    let node = steps.step("its volume is checked without an engine", node)?;
    let extract = format!("fossilsafe ltfs extract --device {node} --to {WORK}/extracted");
    steps.step("its files are read without a catalog", place.run(&extract))?;
    let same = format!(
        "test $(cd {SMALL} && find . -type f | wc -l) -le $(find {WORK}/extracted -type f | wc -l)"
    );
    steps.step("all of them are there", place.run(&same))?;
    steps.step("an engine starts again", place.start_engine())
}
