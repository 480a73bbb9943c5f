//! What a machine has beyond its own disk: a disk for staging, sources of other machines that it reads itself, and a
//! receiver of its notices; each from within the sandbox of the service that does it, and again after a power failure.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::data::works;
use crate::machine::{Access, Machine, run as run_here};
use crate::neighbours::{self, Neighbours};
use crate::services::{first_run_code, no_unit_has_failed, wait_for_menu};
use crate::steps::{Failed, Steps, ensure};

/// What a person waits for at a serial console.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// A little more than the least that is taken for staging.
const STAGING_DISK_SIZE: &str = "9G";
const TAKE_DISK: &str = "18";
const STAGING_IS_THERE: &str = "test $(findmnt -no SOURCE /srv/staging) = /dev/vdb && \
    test $(blkid -o value -s LABEL /dev/vdb) = fossil-staging";
/// A folder as a list of sums, the same wherever it is.
const SUMS: &str = "find . -type f | LC_ALL=C sort | xargs sha256sum";
const FILL: &str = "mkdir -p a/b && \
    for n in 1 2 3 4 5 6 7 8; do head -c $((n * 70001)) /dev/urandom >a/b/$n; done && \
    head -c 9000001 /dev/urandom >film && : >empty";

pub(crate) fn run(machine: &mut Machine, _bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, attached");
    let folder = machine.folder().join("neighbours");
    let made = std::fs::create_dir_all(&folder).map_err(|error| error.to_string());
    let begun = made.and_then(|()| Neighbours::start(&folder));
    let others = steps.step("there are other machines", begun)?;
    machine.reach(neighbours::ADDRESS, &others.ports());
    let disk = machine.folder().join("staging.img");
    let mut make = std::process::Command::new("truncate");
    let made = run_here(make.arg("--size").arg(STAGING_DISK_SIZE).arg(&disk));
    machine.attach(disk, Access::Write);
    steps.step("it boots beside an empty disk", made.and_then(|_| machine.boot()))?;
    let mut browser = Browser::of(machine);
    steps.step("the engine is up", works(machine))?;
    let code = steps.step("the first-run code", first_run_code(machine))?;
    let jar = machine.folder().join("cookies");
    steps.step("an admin is made", browser.set_up(&code, &jar))?;
    tells(&browser, &others, &mut steps)?;
    let files = folder.join("files");
    for kept in [&files, &others.objects()] {
        steps.step("another machine has files", filled(kept))?;
    }
    let sftp = sftp(&browser, &others, &files);
    steps.step("a folder over SFTP is mounted, by the appliance's own key", sftp)?;
    steps.step("a bucket over S3 is mounted", s3(&browser))?;
    for (name, barcode, kept) in
        [("photos", "FSP001L9", &files), ("films", "FSP002L9", &others.objects())]
    {
        let same = is_the_same(machine, &format!("/srv/sources/{name}"), kept);
        steps.step(&format!("{name} has what is there"), same)?;
        let path = format!("/api/cartridges/{barcode}/format");
        steps.step(&format!("{barcode} is formatted"), browser.job(&path, &json!({})))?;
        let there_and_back = to_tape_and_back(machine, &browser, name, kept);
        steps.step(&format!("{name} goes to tape and comes back"), there_and_back)?;
    }
    takes_a_disk(machine, &browser, &mut steps)?;
    steps.step("no unit has failed", no_unit_has_failed(machine))?;
    machine.cut_power();
    steps.step("it starts again after a power failure", machine.boot())?;
    steps.step("the engine is up", works(machine))?;
    steps.step("the staging disk is there", machine.until(120, STAGING_IS_THERE))?;
    steps.step("it is staged on", is_staged_on(&browser))?;
    for (name, kept) in [("photos", &files), ("films", &others.objects())] {
        let path = format!("/srv/sources/{name}");
        let again = machine.until(120, &format!("mountpoint -q {path}"));
        let again = again.and_then(|()| is_the_same(machine, &path, kept));
        steps.step(&format!("{name} is there again"), again)?;
    }
    steps.step("no unit has failed", no_unit_has_failed(machine))
}

/// Refused on the serial line without its phrase, and taken over the API.
fn takes_a_disk(machine: &mut Machine, browser: &Browser, steps: &mut Steps) -> Result<(), Failed> {
    let refused = asked_to_take(machine, "vdb", "yes");
    steps.step("no disk is erased without its phrase", refused)?;
    let untouched = "test $(head -c 1M /dev/vdb | tr -d '\\0' | wc -c) = 0";
    steps.step("the disk is untouched by that", machine.inside(untouched))?;
    let why = browser.ask("/api/streaming/disks").and_then(|disks| {
        let mut all = disks["disks"].as_array().into_iter().flatten();
        let own = all.find(|disk| disk["name"] == "vda").unwrap_or(&Value::Null);
        ensure(own["why_not"] == "it has a FossilSafe system on it", || disks.to_string())
    });
    steps.step("its own disk cannot be taken", why)?;
    let typed = json!({ "typed": "erase vdb" });
    let taken = browser.post("/api/streaming/disks/vdb/format", &typed);
    let taken = taken.and_then(|disks| {
        ensure(disks["folder"] == "/srv/staging", || disks.to_string())?;
        machine.inside(STAGING_IS_THERE).map(drop)
    });
    steps.step("the disk is taken for staging", taken)?;
    steps.step("it is staged on", is_staged_on(browser))
}

fn is_staged_on(browser: &Browser) -> Result<(), String> {
    let state = browser.ask("/api/streaming")?;
    let staging = &state["staging"];
    let is_right = staging["folder"].as_str().is_some_and(|it| it.starts_with("/srv/staging"))
        && staging["needs_mount"] == true
        && staging.get("trouble").is_none()
        && staging["disk_bytes"].as_u64().is_some_and(|bytes| bytes > 8_000_000_000);
    ensure(is_right, || state.to_string())
}

fn asked_to_take(machine: &Machine, disk: &str, phrase: &str) -> Result<(), String> {
    let console = machine.console()?;
    wait_for_menu(machine)?;
    let said = |words: &str, wanted: &str| {
        let mark = console.mark();
        console.send(&format!("{words}\n"))?;
        console.wait(mark, ANSWER_LIMIT, |said| said.contains(wanted).then_some(()))
    };
    said(&format!("\n{TAKE_DISK}"), "Disk (empty: do nothing): ")?;
    said(disk, &format!("Type \"erase {disk}\" to do it: "))?;
    said(phrase, "Type it to the letter: everything on it goes.")
}

/// A notice from the engine's own sandbox.
fn tells(browser: &Browser, others: &Neighbours, steps: &mut Steps) -> Result<(), Failed> {
    let url = format!("http://{}:{}/notices", neighbours::ADDRESS, neighbours::RECEIVER_PORT);
    let channel = json!({
        "target": { "kind": "webhook", "url": url }, "secret": neighbours::SIGNING_SECRET,
    });
    let sent = browser.put("/api/notifications/channels/ops", &channel);
    let sent = sent.and_then(|_| browser.post("/api/notifications/channels/ops/test", &json!({})));
    let sent = sent.and_then(|said| ensure(said["is_taken"] == true, || said.to_string()));
    steps.step("a notice is delivered to another machine", sent)?;
    steps.step("signed", others.has_signed_notice())
}

fn filled(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let mut fill = std::process::Command::new("sh");
    run_here(fill.args(["-c", FILL]).current_dir(folder)).map(drop)
}

fn is_the_same(machine: &mut Machine, inside: &str, here: &Path) -> Result<(), String> {
    let mut sums = std::process::Command::new("sh");
    let wanted = run_here(sums.args(["-c", SUMS]).current_dir(here))?;
    let found = machine.inside(&format!("cd {inside} && {SUMS}"))?;
    ensure(found.trim() == wanted.trim(), || format!("{found}\nand here:\n{wanted}"))
}

fn to_tape_and_back(
    machine: &mut Machine,
    browser: &Browser,
    name: &str,
    kept: &Path,
) -> Result<(), String> {
    let path = format!("/srv/sources/{name}");
    browser.job("/api/backups", &json!({ "set": name, "paths": [path] }))?;
    let runs = browser.ask(&format!("/api/runs?set={name}&limit=1"))?;
    let selection = json!({ "run": runs["items"][0]["run"] });
    let back = format!("/srv/back-{name}");
    browser.job("/api/restore", &json!({ "selection": selection, "destination": back }))?;
    is_the_same(machine, &format!("{back}{path}"), kept)
}

/// The server's key is shown first, and compared; the appliance's is given to the server.
fn sftp(browser: &Browser, others: &Neighbours, folder: &Path) -> Result<(), String> {
    let mut place = json!({
        "kind": "sftp", "host": neighbours::ADDRESS, "user": "root", "folder": folder,
    });
    let state = browser.put("/api/sources/photos", &json!({ "place": place }))?;
    let fingerprint = others.fingerprint()?;
    let is_shown = state["condition"] == "away"
        && state["shown_host_keys"].as_array().is_some_and(|all| all.contains(&json!(fingerprint)));
    ensure(is_shown, || format!("{state}: not {fingerprint}"))?;
    others.let_in(state["public_key"].as_str().ok_or("no key of its own")?)?;
    place["host_key"] = json!(fingerprint);
    let state = browser.put("/api/sources/photos", &json!({ "place": place }))?;
    ensure(state["condition"] == "mounted", || state.to_string())
}

fn s3(browser: &Browser) -> Result<(), String> {
    let endpoint = format!("http://{}:{}", neighbours::ADDRESS, neighbours::STORE_PORT);
    let place = json!({
        "kind": "s3", "endpoint": endpoint, "bucket": neighbours::BUCKET,
        "access_key": neighbours::ACCESS_KEY,
    });
    let request = json!({ "place": place, "password": neighbours::ACCESS_SECRET });
    let state = browser.put("/api/sources/films", &request)?;
    ensure(state["condition"] == "mounted", || state.to_string())
}
