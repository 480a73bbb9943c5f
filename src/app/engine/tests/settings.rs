//! What was set, taken to another appliance; and what a retention gives free, on a clock that the test moves.

use std::time::Duration;

use super::*;
use crate::domain::VirtualClock;

const DAY: Duration = Duration::from_secs(86_400);
const IMPORT: &str = "/api/settings/import";

fn put(appliance: &Appliance, path: &str, body: &Value) -> Value {
    appliance.client.put(path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn post(appliance: &Appliance, path: &str, body: &Value) -> Value {
    appliance.client.post(path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What becomes of a thing.
fn change<'a>(answer: &'a Value, subject: &str) -> &'a Value {
    let changes = answer["changes"].as_array().unwrap().iter();
    let mut of_it = changes.filter(|change| change["subject"] == subject);
    of_it.next().unwrap_or_else(|| panic!("no {subject} in {answer:#}"))
}

fn names(appliance: &Appliance, path: &str) -> Vec<String> {
    let answer = appliance.get(path);
    let items = answer.as_array().or(answer["items"].as_array()).unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// An appliance on which everything is set that can be.
fn furnished(data: &Path, source: &Path) -> Appliance {
    let file = r#"{"log":"warn","stream":{"engine":"plain"},"future":{"token":"secret-of-another-release"}}"#;
    std::fs::write(data.join("settings.json"), file).unwrap();
    let appliance = Appliance::start(data);
    post(&appliance, "/api/pools", &json!({ "name": "plain" }));
    let kept = json!({ "retention": { "days": 90, "runs_min": 3 } });
    assert_eq!(put(&appliance, "/api/pools/plain/retention", &kept)["retention"]["days"], 90);
    let window = json!({ "cron": "0 8 * * *", "minutes": 60 });
    put(&appliance, "/api/maintenance-windows/office", &window);
    let target = json!({ "kind": "webhook", "url": "http://127.0.0.1:9/notices" });
    let channel = json!({ "target": target, "secret": "sixteen letters, or more" });
    put(&appliance, "/api/notifications/channels/ops", &channel);
    let task = json!({ "kind": "backup", "set": "home", "paths": [source], "pool": "plain" });
    let schedule = json!({ "name": "nightly", "cron": "30 2 * * *", "task": task });
    post(&appliance, "/api/schedules", &schedule);
    appliance
}

#[test]
fn a_settings_document_adds_and_changes_and_takes_nothing_away() {
    let (data, source) = folders();
    let document = furnished(data.path(), source.path()).get("/api/settings");
    let text = document.to_string();
    for secret in ["secret-of-another-release", "sixteen letters"] {
        assert!(!text.contains(secret), "{text}");
    }

    let (other, _) = folders();
    std::fs::write(other.path().join("settings.json"), r#"{"log":"info","colour":"red"}"#).unwrap();
    let appliance = Appliance::start(other.path());
    let own = json!({ "name": "own", "cron": "0 1 * * *", "task": { "kind": "inventory" } });
    post(&appliance, "/api/schedules", &own);
    let looked = post(&appliance, &format!("{IMPORT}?dry_run=true"), &document);
    assert_eq!(looked["is_applied"], false);
    assert_eq!(change(&looked, "schedule nightly")["change"], "add");
    assert_eq!(change(&looked, "setting log")["change"], "change");
    assert_eq!(names(&appliance, "/api/schedules"), ["own"]);

    let done = post(&appliance, IMPORT, &document);
    let changes = done["changes"].as_array().unwrap().iter();
    let refused: Vec<&Value> = changes.filter(|change| change["change"] == "refused").collect();
    assert!(refused.len() == 1 && refused[0]["subject"] == "channel ops", "{done:#}");
    assert!(refused[0]["note"].as_str().unwrap().contains("secret"));
    assert_eq!(change(&done, "schedule own")["change"], "kept");
    assert_eq!(names(&appliance, "/api/schedules"), ["nightly", "own"]);
    assert_eq!(appliance.get("/api/pools")[0]["retention"]["runs_min"], 3);
    assert_eq!(names(&appliance, "/api/maintenance-windows"), ["office"]);
    let file = std::fs::read(other.path().join("settings.json")).unwrap();
    let file: Value = serde_json::from_slice(&file).unwrap();
    assert_eq!((&file["log"], &file["colour"]), (&json!("warn"), &json!("red")));
    assert_eq!(file["stream"]["engine"], "plain");

    let again = post(&appliance, IMPORT, &document);
    for subject in ["schedule nightly", "pool plain", "maintenance window office", "setting log"] {
        assert_eq!(change(&again, subject)["change"], "same", "{subject}");
    }
}

#[test]
fn a_document_that_cannot_be_is_refused_thing_by_thing_or_as_a_whole() {
    let (data, source) = folders();
    let appliance = furnished(data.path(), source.path());
    let document = appliance.get("/api/settings");
    let mut other = document.clone();
    other["version"] = json!(2);
    assert_eq!(appliance.refused(IMPORT, &other).0, "settings_document");
    other = document.clone();
    other["settings"]["stream"]["memory_bytes"] = json!(1);
    let (code, text) = appliance.refused(IMPORT, &other);
    assert!(code == "settings_unusable" && text.contains("stream.memory_bytes"), "{text}");

    other = document;
    other["pools"][0]["encryption"] = json!("sealed");
    other["schedules"][0]["plan"]["task"]["paths"] = json!(["/no/such/folder"]);
    other["maintenance_windows"][0]["window"]["minutes"] = json!(30);
    // Of an appliance, and this is a program that a person has started: its machine is not set here.
    assert!(other.get("host_name").is_none() && other["ports"] == json!([]));
    other["host_name"] = json!({ "host_name": "tape" });
    other["time"] = json!({ "time_zone": "Asia/Tokyo" });
    other["ports"] = json!([{ "name": "enp1s0", "setting": {} }]);
    let done = post(&appliance, IMPORT, &other);
    assert_eq!(change(&done, "pool plain")["change"], "refused");
    let refused = change(&done, "schedule nightly");
    assert!(refused["note"].as_str().unwrap().contains("/no/such/folder"), "{refused}");
    assert_eq!(change(&done, "maintenance window office")["change"], "change");
    for subject in ["name of the machine", "time zone and servers", "port enp1s0"] {
        let refused = change(&done, subject);
        assert_eq!(refused["change"], "refused", "{refused}");
        assert!(refused["note"].as_str().unwrap().contains("not started from an image"));
    }
    assert_eq!(appliance.get("/api/maintenance-windows")["items"][0]["minutes"], 30);
}

#[test]
fn a_cartridge_whose_runs_are_past_the_retention_is_listed_once_newer_ones_were_read_back() {
    let (data, source) = folders();
    let clock = Arc::new(VirtualClock::default());
    let appliance = Appliance::start_with(data.path(), clock.clone());
    post(&appliance, "/api/pools", &json!({ "name": "months" }));
    for barcode in ["FSP001L9", "FSP002L9"] {
        appliance.run(&format!("/api/cartridges/{barcode}/format"), &json!({}));
        let spec = json!({
            "set": "home", "paths": [source.path()], "pool": "months", "mode": "full",
            "cartridges": [barcode]
        });
        assert_eq!(appliance.run("/api/backups", &spec)["state"], "completed");
        clock.advance(40 * DAY);
    }
    let expired = || appliance.get("/api/pools/months/expired");
    let nothing = json!({ "runs": [], "cartridges": [] });
    assert_eq!(expired(), nothing, "without a retention everything is kept");
    let kept = json!({ "retention": { "days": 30, "runs_min": 1 } });
    put(&appliance, "/api/pools/months/retention", &kept);
    assert_eq!(expired(), nothing, "the newer run was not read back");
    let scope = json!({ "scope": { "set": "home" } });
    assert_eq!(appliance.run("/api/verify", &scope)["state"], "completed");
    let free = expired();
    assert_eq!(free["runs"].as_array().unwrap().len(), 1, "{free}");
    let wanted = json!([{ "barcode": "FSP001L9", "set": "home", "copy": "A" }]);
    assert_eq!(free["cartridges"], wanted);
    // Listed is all that it is: what is on it still comes back.
    let run = free["runs"][0]["run"].clone();
    let plan = post(
        &appliance,
        "/api/restore/plan",
        &json!({
            "selection": { "run": run }, "destination": "/tmp/nowhere"
        }),
    );
    assert_eq!(plan["steps"][0]["barcode"], "FSP001L9", "{plan}");

    let senseless = json!({ "retention": { "days": 0, "runs_min": 1 } });
    let refused = appliance.client.put::<Value, Value>("/api/pools/months/retention", &senseless);
    assert!(matches!(refused, Err(AppError::Refused(it)) if it.message.contains("0 days")));
    put(&appliance, "/api/pools/months/retention", &json!({}));
    assert_eq!(expired(), nothing);
}
