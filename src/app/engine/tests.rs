//! The whole appliance: the real engine on a practice library, asked over HTTP as a person would.
//!
//! Each test starts it in a folder of its own on a free port. What a job does to a tape is tested where
//! the job is; here it is whether the answers fit together, and what is refused before a job is made.

mod alerts;
mod cartridges;
mod drives;
mod schedules;
mod settings;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{
    CatalogStart, CertificateDoor, Doors, HoldJobs, NetworkDoor, SourcesDoor, StagingDoor,
    UpdatesDoor, start,
};
use crate::api::{Server, Serving};
use crate::app::client::{Client, Follow};
use crate::app::door::Door;
use crate::app::error::AppError;
use crate::app::settings::Settings;
use crate::catalog::{Catalog, OpenCheck};
use crate::domain::{ByteCount, Clock, MIB, SystemClock};
use crate::jobs::JobSpec;

/// Fits two dozen megabytes of files; formatting it takes no time.
const CAPACITY: ByteCount = ByteCount(96 * MIB);

/// A running appliance. Dropping it stops it as a signal would.
struct Appliance {
    client: Client,
    stop: Option<Stop>,
    runtime: Runtime,
}

/// What ends the server, what waits for it, and what ends the engine behind it.
type Stop = (oneshot::Sender<()>, JoinHandle<()>, Box<dyn FnOnce() + Send>);

/// No service: what it may not do itself is not done.
fn doors(data: &Path) -> Doors {
    let sources = SourcesDoor::Here(data.join("sources"));
    let (network, updates) = (NetworkDoor::Nowhere, UpdatesDoor::Nowhere);
    let (staging, certificate) = (StagingDoor::Nowhere, CertificateDoor::Nowhere);
    let (elsewhere, hold) = (Vec::new(), HoldJobs::No);
    Doors { sources, network, updates, elsewhere, staging, certificate, hold }
}

impl Appliance {
    fn start(data: &Path) -> Self {
        Self::start_with(data, Arc::new(SystemClock::new()))
    }

    fn start_with(data: &Path, clock: Arc<dyn Clock>) -> Self {
        Self::start_by(data, clock, &doors(data))
    }

    fn start_by(data: &Path, clock: Arc<dyn Clock>, doors: &Doors) -> Self {
        let mut settings = Settings::default();
        settings.practice.capacity_bytes = CAPACITY;
        settings.practice.cartridges = 3;
        settings.stream.memory_bytes = ByteCount(32 * MIB);
        let opened = start(data, &settings, CatalogStart::Open, doors, Arc::clone(&clock));
        let running = opened.unwrap();
        let runtime = Runtime::new().unwrap();
        let socket = data.join("engine.sock");
        let serving =
            Serving { engine: running.engine, people: running.people, audit: running.audit, clock };
        let server = runtime.block_on(Server::bind(&socket, serving)).unwrap();
        let client = Client::new(Door::Socket(socket)).unwrap();
        let (sender, stopping) = oneshot::channel();
        let task = runtime.spawn(server.serve(async {
            let _ = stopping.await;
        }));
        Self { client, stop: Some((sender, task, running.stop)), runtime }
    }

    fn get(&self, path: &str) -> Value {
        self.client.get(path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Posts what starts a job, follows the job to its end, and returns how it stands then.
    fn run(&self, path: &str, body: &Value) -> Value {
        let job: Value = self.client.post(path, body).unwrap_or_else(|e| panic!("{path}: {e}"));
        self.follow(&job["id"])
    }

    fn follow(&self, id: &Value) -> Value {
        let mut newest = Value::Null;
        let path = format!("/api/jobs/{id}/events?after=0");
        let on_event = |event: &crate::app::client::LiveEvent| {
            if event.kind == "job" {
                newest = serde_json::from_str(&event.data).unwrap();
            }
            Ok(if newest["state"] == "waiting" { Follow::Enough } else { Follow::On })
        };
        self.client.follow(&path, on_event).unwrap();
        newest
    }

    /// The code and the whole text of a refusal.
    fn refused(&self, path: &str, body: &Value) -> (String, String) {
        match self.client.post::<Value, Value>(path, body) {
            Err(AppError::Refused(problem)) => {
                (problem.code, format!("{} {}", problem.message, problem.next_step))
            }
            other => panic!("{path} was not refused: {other:?}"),
        }
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if let Some((sender, task, stop)) = self.stop.take() {
            let _ = sender.send(());
            let _ = self.runtime.block_on(task);
            stop();
        }
    }
}

/// A data folder, and a source with two folders, three files and a link.
fn folders() -> (TempDir, TempDir) {
    let (data, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(source.path().join("photos")).unwrap();
    std::fs::write(source.path().join("photos/Sunset.jpg"), vec![7_u8; 3_000_000]).unwrap();
    std::fs::write(source.path().join("letter.txt"), "dear reader").unwrap();
    std::fs::write(source.path().join("empty"), "").unwrap();
    std::os::unix::fs::symlink("letter.txt", source.path().join("link")).unwrap();
    (data, source)
}

fn backup_of(source: &Path) -> Value {
    json!({ "set": "home", "paths": [source] })
}

/// Files by state of evidence, weakest first.
fn files_by_state(table: &Value) -> Vec<u64> {
    let rows = table["rows"].as_array().unwrap();
    rows.iter().map(|row| row["files"].as_u64().unwrap()).collect()
}

#[test]
fn a_folder_goes_to_tape_is_found_is_read_back_and_the_proof_outlives_a_restart() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    let job = appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    assert_eq!(job["state"], "completed", "{job:#}");
    let job = appliance.run("/api/backups", &backup_of(source.path()));
    assert_eq!(job["state"], "completed", "{job:#}");
    assert_eq!(job["outcome"]["files"], 3);
    let table = appliance.get("/api/evidence?set=home");
    assert_eq!(files_by_state(&table), [0, 0, 0, 3, 0, 0], "{table:#}");
    assert_eq!((&table["is_complete"], &table["files"]), (&json!(true), &json!(3)));
    assert_eq!(table["cartridges"][0]["barcode"], "FSP001L9");

    let job = appliance.run("/api/verify", &json!({ "scope": { "set": "home" } }));
    assert_eq!(job["state"], "completed", "{job:#}");
    drop(appliance);

    let appliance = Appliance::start(data.path());
    let table = appliance.get("/api/evidence");
    assert_eq!(files_by_state(&table), [0, 0, 0, 0, 3, 0], "{table:#}");
    assert!(appliance.get("/api/evidence?cartridge=FSP001L9")["is_complete"].as_bool().unwrap());
    // The index of searches is written behind the run; it goes on at the start.
    let found = std::iter::repeat_with(|| appliance.get("/api/files/search?q=sunset"))
        .take(100_000)
        .find(|page| !page["items"].as_array().unwrap().is_empty())
        .unwrap();
    let hit = &found["items"][0];
    assert_eq!((&hit["size_bytes"], &hit["evidence"]), (&json!(3_000_000), &json!("read_back")));
    assert_eq!(hit["path"], json!(source.path().join("photos/Sunset.jpg")));
    let set = &appliance.get("/api/sets")["items"][0];
    assert_eq!(set["newest_ended_run"], set["newest_complete_run"]);
    assert_eq!((&set["name"], &set["cartridges"]), (&json!("home"), &json!(["FSP001L9"])));
    let cartridge = appliance.get("/api/cartridges/FSP001L9");
    assert_eq!((&cartridge["state"], &cartridge["volume"]["files"]), (&json!("open"), &json!(3)));
    assert_eq!(cartridge["place"], json!({ "place": "slot", "number": 0 }));
    let history = appliance.get("/api/jobs/2/history");
    assert!(history["items"].as_array().unwrap().len() >= 4, "{history:#}");
}

#[test]
fn a_restore_is_planned_and_brings_the_folder_back() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    let job = appliance.run("/api/backups", &backup_of(source.path()));
    let target = tempfile::tempdir().unwrap();
    let to = target.path().join("back");
    let spec = json!({ "selection": { "run": job["outcome"]["run"] }, "destination": to });
    let plan: Value = appliance.client.post("/api/restore/plan", &spec).unwrap();
    assert_eq!((&plan["missing"], &plan["steps"][0]["barcode"]), (&json!([]), &json!("FSP001L9")));
    assert!(!to.exists());
    let job = appliance.run("/api/restore", &spec);
    assert_eq!(job["state"], "completed", "{job:#}");
    let letter = to.join(source.path().strip_prefix("/").unwrap()).join("letter.txt");
    assert_eq!(std::fs::read_to_string(letter).unwrap(), "dear reader");
    let spec = json!({ "selection": { "run": "r9" }, "destination": to });
    let (code, text) = appliance.refused("/api/restore/plan", &spec);
    assert!(text.contains("r9"), "{code} {text}");
}

#[test]
fn an_incremental_run_counts_what_it_refers_to_by_what_is_proven_of_it() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    appliance.run("/api/backups", &backup_of(source.path()));
    appliance.run("/api/verify", &json!({ "scope": { "set": "home" } }));
    std::fs::write(source.path().join("letter.txt"), "dear reader, once more").unwrap();
    std::fs::write(source.path().join("new.txt"), "new").unwrap();
    std::fs::remove_file(source.path().join("empty")).unwrap();
    let job = appliance.run("/api/backups", &backup_of(source.path()));
    assert_eq!((&job["state"], &job["outcome"]["files"]), (&json!("completed"), &json!(2)));
    let table = appliance.get("/api/evidence?set=home");
    assert_eq!(files_by_state(&table), [0, 0, 0, 2, 1, 0], "{table:#}");
    let versions = appliance
        .get(&format!("/api/files/versions?path={}", source.path().join("letter.txt").display()));
    let sizes: Vec<&Value> =
        versions["items"].as_array().unwrap().iter().map(|it| &it["size_bytes"]).collect();
    assert_eq!(sizes, [&json!(22), &json!(11)]);
}

#[test]
fn what_a_backup_would_do_is_said_without_doing_it() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    let estimate = |copies: u8| -> Value {
        let mut body = backup_of(source.path());
        body["copies"] = json!(copies);
        appliance.client.post("/api/backups/estimate", &body).unwrap()
    };
    let found = estimate(1);
    assert_eq!((&found["mode"], &found["files_to_store"]), (&json!("full"), &json!(3)));
    assert_eq!(found["copies"][0]["cartridges"], json!([]));
    assert!(found["copies"][0]["bytes_without_room"].as_u64().unwrap() > 3_000_000, "{found:#}");
    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    let found = estimate(2);
    assert_eq!(found["copies"][0]["cartridges"], json!(["FSP001L9"]));
    assert_eq!(found["copies"][1]["cartridges"], json!([]));
    assert_eq!(found["copies"][0]["bytes_without_room"], 0);
    assert_eq!(found["first_files"].as_array().unwrap().len(), 3);
    // The format is all that was done.
    assert_eq!(appliance.get("/api/jobs")["items"].as_array().unwrap().len(), 1);
    assert_eq!(appliance.get("/api/sets")["items"], json!([]));

    appliance.run("/api/backups", &backup_of(source.path()));
    std::fs::write(source.path().join("letter.txt"), "dear reader, once more").unwrap();
    let found = estimate(1);
    assert_eq!((&found["mode"], &found["files_to_store"]), (&json!("incremental"), &json!(1)));
    assert_eq!((&found["files_unchanged"], &found["bytes_to_store"]), (&json!(2), &json!(22)));
    assert_eq!(found["first_files"], json!([source.path().join("letter.txt")]));
}

#[test]
fn a_backup_without_a_cartridge_waits_says_so_and_goes_on() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    let job = appliance.run("/api/backups", &backup_of(source.path()));
    assert_eq!(job["state"], "waiting", "{job:#}");
    assert_eq!(job["need"]["need"], "formatted_cartridge");
    assert_eq!(job["allowed_actions"], json!(["resume", "cancel"]));
    let table = appliance.get("/api/evidence?set=home");
    assert_eq!(files_by_state(&table), [3, 0, 0, 0, 0, 0]);
    assert_eq!(table["is_complete"], false);
    let (code, text) = appliance.refused("/api/backups", &backup_of(source.path()));
    assert_eq!(code, "set_in_use");
    assert!(text.contains("Job 1 already backs up set home") && text.contains("waiting"), "{text}");
    let health: Value = appliance.client.get_any_status("/api/healthz").unwrap();
    assert_eq!((&health["status"], &health["jobs_waiting"]), (&json!("attention"), &json!(1)));
    appliance.run("/api/cartridges/FSP002L9/format", &json!({}));
    let resumed: Value = appliance.client.post_empty("/api/jobs/1/resume").unwrap();
    assert_eq!(resumed["state"], "running");
    assert_eq!(appliance.follow(&json!(1))["state"], "completed");
}

#[test]
fn what_cannot_be_done_is_refused_by_name_before_a_job_is_made() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    let with = |key: &str, value: Value| {
        let mut body = backup_of(source.path());
        body[key] = value;
        body
    };
    let restore = |run: &str| json!({ "selection": { "run": run }, "destination": "/tmp" });
    for (path, body, code, named) in [
        ("/api/backups", with("paths", json!(["/no/such"])), "path_missing", "/no/such"),
        ("/api/backups", with("paths", json!(["srv"])), "path_relative", "srv"),
        ("/api/backups", with("paths", json!([])), "no_path", "Name a path"),
        ("/api/backups", with("cartridges", json!(["ZZZ001L9"])), "cartridge_unknown", "inventory"),
        ("/api/backups", with("hooks", json!({ "before": "no.sh" })), "hook_unusable", "hooks"),
        ("/api/backups", with("hooks", json!({ "seconds_max": 0 })), "bad_hook_time", "86400"),
        ("/api/cartridges/ZZZ001L9/format", json!({}), "cartridge_unknown", "ZZZ001L9"),
        ("/api/cartridges/CLN001CU/format", json!({}), "cleaning_cartridge", "CLN001CU"),
        ("/api/library/moves", moved(("slot", 90), ("drive", 0)), "place_unknown", "slot 90"),
        ("/api/library/moves", moved(("slot", 20), ("drive", 0)), "place_empty", "slot 20"),
        ("/api/library/moves", moved(("slot", 0), ("slot", 1)), "place_full", "FSP002L9"),
        ("/api/verify", json!({ "scope": { "set": "nope" } }), "unknown", "nope"),
        ("/api/verify", json!({ "scope": { "run": "r9" } }), "unknown", "r9"),
        ("/api/restore", restore("r9"), "unknown", "r9"),
        ("/api/catalog/rebuild", json!({ "barcodes": ["ZZZ001L9"] }), "cartridge_unknown", "ZZZ"),
    ] {
        let (found, text) = appliance.refused(path, &body);
        assert_eq!(found, code, "{path} {body}: {text}");
        assert!(text.contains(named), "{path} {body}: {text}");
    }
    assert_eq!(appliance.get("/api/jobs")["items"], json!([]));
}

fn moved(from: (&str, u16), to: (&str, u16)) -> Value {
    let place = |(kind, number): (&str, u16)| json!({ "place": kind, "number": number });
    json!({ "from": place(from), "to": place(to) })
}

#[test]
fn the_library_is_shown_as_the_last_move_left_it() {
    let (data, _) = folders();
    let appliance = Appliance::start(data.path());
    let job = appliance.run("/api/library/moves", &moved(("slot", 1), ("drive", 0)));
    assert_eq!(job["state"], "completed", "{job:#}");
    let drive = &appliance.get("/api/library")["drives"][0];
    assert_eq!((&drive["state"], &drive["barcode"]), (&json!("loaded"), &json!("FSP002L9")));
    let cartridge = appliance.get("/api/cartridges/FSP002L9");
    assert_eq!(cartridge["place"], json!({ "place": "drive", "number": 0 }));
}

#[test]
fn a_held_start_starts_nothing_until_a_person_lets_it_go_on() {
    let (data, _) = folders();
    drop(Appliance::start(data.path()));
    let catalog = Catalog::open(&data.path().join("catalog.db"), OpenCheck::WhenDue).unwrap();
    let spec = serde_json::to_value(JobSpec::Inventory).unwrap();
    let now = SystemClock::new().now();
    let id = catalog.create_job("inventory", &spec, now).unwrap();
    drop(catalog);
    let held = Doors { hold: HoldJobs::Yes, ..doors(data.path()) };
    let appliance = Appliance::start_by(data.path(), Arc::new(SystemClock::new()), &held);
    assert_eq!(appliance.get(&format!("/api/jobs/{id}"))["state"], "queued");
    let findings = appliance.get("/api/healthz")["findings"].to_string();
    assert!(findings.contains("jobs and schedules wait"), "{findings}");
    let job = appliance.run(&format!("/api/jobs/{id}/resume"), &json!({}));
    assert_eq!(job["state"], "completed", "{job:#}");
}

#[test]
fn a_program_without_slots_says_what_to_do_instead_of_an_update() {
    let (data, _) = folders();
    let appliance = Appliance::start(data.path());
    let state = appliance.get("/api/updates");
    assert_eq!((&state["has_slots"], &state["slots"]), (&json!(false), &json!([])));
    assert_eq!(state["version"], env!("CARGO_PKG_VERSION"));
    assert!(state["instead"].as_str().unwrap().contains("newer program"), "{state}");
    let (code, text) = appliance.refused("/api/updates/install", &json!({}));
    assert_eq!(code, "updates_no_slots");
    assert!(text.contains("newer program"), "{text}");
}

#[test]
fn a_second_engine_and_a_damaged_catalog_are_refused_with_the_next_step() {
    let (data, _) = folders();
    let appliance = Appliance::start(data.path());
    let refused = |catalog| {
        let clock = Arc::new(SystemClock::new());
        let doors = doors(data.path());
        match start(data.path(), &Settings::default(), catalog, &doors, clock) {
            Err(error) => format!("{} {}", AppError::chain_of(&error), error.next_step().unwrap()),
            Ok(running) => {
                (running.stop)();
                String::new()
            }
        }
    };
    let text = refused(CatalogStart::Open);
    assert!(text.contains("another engine") && text.contains("--data"), "{text}");
    drop(appliance);

    std::fs::write(data.path().join("catalog.db"), vec![b'x'; 8192]).unwrap();
    let text = refused(CatalogStart::Open);
    assert!(text.contains("catalog.db") && text.contains("--set-aside-catalog"), "{text}");
    assert_eq!(refused(CatalogStart::SetAsideIfDamaged), "");
    assert!(data.path().join("catalog.db").metadata().unwrap().len() > 8192);
}
