//! A library with a changer: what every library and drive has to do, then sets that go to tape and come back: by
//! the tape alone, by a dump of it, over more than one cartridge, and over a power failure.

use serde_json::Value;

use crate::devices::Device;
use crate::on_devices;
use crate::place::Place;
use crate::rig::{Erasable, Rig};
use crate::steps::{Failed, Steps, ensure};

/// What goes to tape: text and links in folders, and something that takes a drive a while.
const SMALL: &str = "/usr/lib/udev";
const WORK: &str = "/srv/hil";
const MAKE_LARGE: &str = "rm -rf /srv/hil; mkdir -p /srv/hil/large && \
    head -c 40M /dev/urandom >/srv/hil/large/noise";
const LAST_JOB_IS_COMPLETED: &str =
    "fossilsafe job list --json | grep -m 1 '\"state\"' | grep -q '\"completed\"'";
/// How often an end is waited for, a second or two each.
const LOOKS: u32 = 150;

pub(crate) fn run(
    steps: &mut Steps,
    place: &mut Place,
    rig: &Rig,
    devices: &[Device],
) -> Result<(), Failed> {
    steps.step("no engine has them", place.stop_engine())?;
    on_devices::reported(steps, place)?;
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
    is_read_without_us(steps, place, rig, devices)?;
    if let Some(library) = &rig.library {
        is_read_from_a_dump(steps, place, rig, library)?;
    }
    steps.step("an engine starts again", place.start_engine())?;
    if rig.has_small_cartridges {
        spans(steps, place)?;
    }
    outlives_a_crash(steps, place)
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

fn outlives_a_crash(steps: &mut Steps, place: &mut Place) -> Result<(), Failed> {
    let begin = format!("fossilsafe backup {WORK}/large --set hil-large --detach; sleep 1");
    steps.step("a backup begins", place.run(&begin))?;
    steps.step(place.name_of_crash(), place.crash())?;
    let ends = format!(
        "n=0; until {LAST_JOB_IS_COMPLETED}; do n=$((n + 1)); [ $n -lt {LOOKS} ] || {{ fossilsafe job list; exit 1; }}; sleep 1; done"
    );
    steps.step("the backup goes on to its end", place.run(&ends))?;
    steps.step("what it wrote is read back", place.run("fossilsafe verify --set hil-large"))?;
    Ok(())
}

/// A set that no cartridge has room for.
fn spans(steps: &mut Steps, place: &mut Place) -> Result<(), Failed> {
    let make = format!("mkdir {WORK}/span && head -c 240M /dev/urandom >{WORK}/span/film");
    steps.step("there is a file that no cartridge has room for", place.run(&make))?;
    let backup = format!("fossilsafe backup {WORK}/span --set hil-span");
    steps.step("it goes to tape", place.run(&backup))?;
    let evidence = place.run("fossilsafe evidence --set hil-span --json").and_then(|printed| {
        let evidence: Value = serde_json::from_str(&printed).map_err(|error| error.to_string())?;
        let count = evidence["cartridges"].as_array().map_or(0, Vec::len);
        ensure(count == 2 && evidence["is_complete"] == true, || printed)
    });
    steps.step("it is on two cartridges, complete", evidence)?;
    let restore = format!("fossilsafe restore --set hil-span --to {WORK}/joined");
    steps.step("it is restored", place.run(&restore))?;
    let same = format!("cmp {WORK}/span/film {WORK}/joined{WORK}/span/film && rm -r {WORK}/joined");
    steps.step("what is restored is the same file", place.run(&same))?;
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
    Ok(())
}

/// What the kernel's drivers wrote is written down as a neutral dump, becomes a cartridge of another library, and is
/// read there without a kernel between.
fn is_read_from_a_dump(
    steps: &mut Steps,
    place: &mut Place,
    rig: &Rig,
    library: &str,
) -> Result<(), Failed> {
    let first = rig.erase.first().cloned().unwrap_or_default();
    let [copy, dump, other] = ["copy", "dump", "other"].map(|name| format!("{WORK}/{name}"));
    // The one that is served is in use.
    let copied = place.run(&format!("cp -r --sparse=always {library} {copy}"));
    steps.step("the library's folder is copied", copied)?;
    for (name, command) in [
        ("a dump is written", format!("--library {copy} export {first} {dump}")),
        ("another library is made", format!("--library {other} create --cartridges 0")),
        ("the dump becomes a cartridge there", format!("--library {other} import {dump}")),
        ("it is put in", format!("--library {other} insert {first} --door")),
    ] {
        steps.step(name, place.run(&format!("fossilsafe vtl {command}")))?;
    }
    let cartridge = format!("--cartridge {first} --library {other}");
    let check = place.run(&format!("fossilsafe ltfs check {cartridge}"));
    steps.step("the volume in it is consistent", check)?;
    let extract = format!("fossilsafe ltfs extract {cartridge} --to {WORK}/from-dump");
    steps.step("its files are read", place.run(&extract))?;
    let same = format!("diff -r --no-dereference {WORK}/extracted {WORK}/from-dump");
    steps.step("they are those that the drive has read", place.run(&same))?;
    Ok(())
}
