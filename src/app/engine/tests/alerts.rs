//! Alerts of the running appliance: raised by what is so and by what happened, told, taken note of, over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Appliance, backup_of, folders};
use crate::domain::VirtualClock;

const CHANNELS: &str = "/api/notifications/channels";
const SECRET: &str = "a secret of sixteen letters";

/// Kind, severity and whether it is over, of every alert.
fn alerts(appliance: &Appliance) -> Vec<(String, String, bool)> {
    let page = appliance.get("/api/alerts");
    let text = |alert: &Value, name: &str| alert[name].as_str().unwrap().to_owned();
    let of =
        |alert: &Value| (text(alert, "kind"), text(alert, "severity"), !alert["ended"].is_null());
    page["items"].as_array().unwrap().iter().map(of).collect()
}

fn look(appliance: &Appliance) -> Value {
    appliance.client.post_empty("/api/status/look").unwrap()
}

#[test]
fn the_status_says_whether_the_data_is_safe_and_what_it_needs() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    let status = look(&appliance);
    assert_eq!((&status["safety"], &status["sets"]["total"]), (&json!("empty"), &json!(0)));
    assert_eq!(status["library"]["is_practice"], true);
    appliance.run("/api/backups", &backup_of(source.path()));
    let status = look(&appliance);
    assert_eq!(status["safety"], "at_risk", "{status:#}");
    assert_eq!(status["jobs"]["waiting"], 1);
    assert_eq!(status["jobs"]["items"][0]["state"], "waiting");
    let waiting: Vec<String> = alerts(&appliance).into_iter().map(|(kind, ..)| kind).collect();
    assert!(waiting.contains(&"job_waiting".to_owned()), "{waiting:?}");

    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    let _: Value = appliance.client.post_empty("/api/jobs/1/resume").unwrap();
    appliance.follow(&json!(1));
    let status = look(&appliance);
    assert_eq!(status["safety"], "safe", "{status:#}");
    assert_eq!((&status["sets"]["files"], &status["sets"]["never_proven"]), (&json!(3), &json!(1)));
    // The job waits no more, and that the set has one copy is only good to know.
    let over: Vec<_> = alerts(&appliance).into_iter().filter(|(.., is_over)| !is_over).collect();
    assert_eq!(over, [("set_single_copy".to_owned(), "info".to_owned(), false)]);
    let (last, mut fresh) = (appliance.get("/api/status"), look(&appliance));
    let moment = |status: &Value| status["looked"].as_str().unwrap().to_owned();
    assert!(moment(&last) < moment(&fresh), "{last:#}");
    fresh["looked"] = last["looked"].clone();
    assert_eq!(last, fresh, "asked again, it is the same");
}

#[test]
fn a_set_that_was_never_read_back_is_told_after_a_week_and_one_that_was_after_half_a_year() {
    let (data, source) = folders();
    let clock = Arc::new(VirtualClock::default());
    let appliance = Appliance::start_with(data.path(), Arc::clone(&clock) as _);
    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    appliance.run("/api/backups", &backup_of(source.path()));
    let days = |days: u64| clock.advance(Duration::from_secs(days * 86_400));
    let kinds = || -> Vec<String> {
        look(&appliance);
        let page = appliance.get("/api/alerts?open=true");
        let items = page["items"].as_array().unwrap();
        items.iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
    };
    days(6);
    assert_eq!(kinds(), ["set_single_copy"]);
    days(2);
    assert_eq!(kinds(), ["set_never_proven", "set_single_copy"]);
    appliance.run("/api/verify", &json!({ "scope": { "set": "home" } }));
    assert_eq!(kinds(), ["set_single_copy"]);
    days(184);
    assert_eq!(kinds(), ["evidence_old", "set_single_copy"]);
    let status = appliance.get("/api/status");
    assert_eq!(status["safety"], "attention");
}

#[test]
fn a_failed_job_is_told_by_every_channel_that_wants_it_and_is_over_when_somebody_takes_note() {
    let (data, _) = folders();
    let appliance = Appliance::start(data.path());
    // Port 9 answers nobody: the notice waits.
    let channel = json!({
        "target": { "kind": "webhook", "url": "http://127.0.0.1:9/x" }, "secret": SECRET,
        "severity_min": "info", "events": ["job_completed"]
    });
    let put = |name: &str, body: &Value| -> Value {
        appliance.client.put(&format!("{CHANNELS}/{name}"), body).unwrap()
    };
    let shown = put("ops", &channel);
    assert_eq!((&shown["has_secret"], shown.get("secret")), (&json!(true), None));
    appliance.run("/api/library/inventory", &json!({}));
    look(&appliance);
    let deliveries = appliance.get("/api/notifications/deliveries?channel=ops");
    assert_eq!(deliveries["items"].as_array().unwrap().len(), 1, "{deliveries:#}");
    assert_eq!(deliveries["items"][0]["notice"]["event"], "job_completed");
    assert!(alerts(&appliance).is_empty(), "what is only good to know leaves no alert");
    let test: Value = appliance.client.post_empty(&format!("{CHANNELS}/ops/test")).unwrap();
    assert_eq!(test["is_taken"], false);
    assert!(test["sentence"].as_str().unwrap().contains("127.0.0.1:9"), "{test}");
    let listed = appliance.get(CHANNELS).to_string();
    assert!(!listed.contains(SECRET), "{listed}");
    let () = appliance.client.delete(&format!("{CHANNELS}/ops")).unwrap();
    assert_eq!(appliance.get("/api/notifications/deliveries")["items"], json!([]));
}

#[test]
fn a_drive_says_how_it_is_and_counts_what_was_written_to_it() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    appliance.run("/api/backups", &backup_of(source.path()));
    let library = appliance.get("/api/library");
    let serial = library["drives"][0]["serial"].as_str().unwrap();
    let health = appliance.get(&format!("/api/library/drives/{serial}/health"));
    assert_eq!(health["serial"], serial);
    assert_eq!((&health["is_cleaning_due"], &health["alerts"]), (&json!(false), &json!([])));
    assert_eq!(health["write"]["uncorrected"], 0, "{health:#}");
    // It was asked, and is nobody's afterwards.
    let holder = appliance.get(&format!("/api/library/drives/{serial}/reservation"));
    assert_eq!(holder["holder"], "nobody");
    let job = appliance.run("/api/verify", &json!({ "scope": { "set": "home" } }));
    assert_eq!(job["state"], "completed", "{job:#}");
}

/// Somebody with the right to write the file changes what an entry says.
#[test]
fn an_audit_log_that_was_changed_is_told_of() {
    let (data, _) = folders();
    let appliance = Appliance::start(data.path());
    let window = json!({ "cron": "0 0 1 1 *", "minutes": 1 });
    let _: Value = appliance.client.put("/api/maintenance-windows/night", &window).unwrap();
    look(&appliance);
    assert!(alerts(&appliance).is_empty(), "{:?}", alerts(&appliance));
    drop(appliance);
    let file = rusqlite::Connection::open(data.path().join("audit.db")).unwrap();
    let change = "DROP TRIGGER entries_stay; \
                  UPDATE entries SET content = replace(content, 'night', 'fight')";
    file.execute_batch(change).unwrap();
    drop(file);
    let appliance = Appliance::start(data.path());
    look(&appliance);
    let told = ("audit_broken".to_owned(), "critical".to_owned(), false);
    assert_eq!(alerts(&appliance), [told]);
}
