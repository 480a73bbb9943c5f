//! Schedules in the running engine, on a clock that the test moves: what is due begins, what was missed
//! is told, and a restart neither repeats nor forgets a moment.

use std::time::Duration;

use super::*;
use crate::domain::VirtualClock;

const HOUR: Duration = Duration::from_secs(3600);

struct Night {
    data: TempDir,
    source: TempDir,
    clock: Arc<VirtualClock>,
    appliance: Option<Appliance>,
}

impl Night {
    fn begin() -> Self {
        let (data, source) = folders();
        let clock = Arc::new(VirtualClock::default());
        let appliance = Appliance::start_with(data.path(), clock.clone());
        appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
        Self { data, source, clock, appliance: Some(appliance) }
    }

    fn appliance(&self) -> &Appliance {
        self.appliance.as_ref().unwrap()
    }

    /// Every hour on the hour: a backup of the source.
    fn schedule(&self, more: &Value) -> Value {
        let task = json!({ "kind": "backup", "set": "home", "paths": [self.source.path()] });
        let mut request = json!({ "name": "hourly", "cron": "0 * * * *", "task": task });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.appliance().client.post("/api/schedules", &request).unwrap()
    }

    /// Has the engine look at its schedules, without changing one.
    fn look(&self) {
        let window = json!({ "cron": "0 0 1 1 *", "minutes": 1 });
        let _: Value =
            self.appliance().client.put("/api/maintenance-windows/never", &window).unwrap();
    }

    /// The newest events, as soon as there are `count`.
    fn events(&self, count: usize) -> Vec<Value> {
        let mut seen = Vec::new();
        // Each look is dealt with by another thread; what bounds this is the answers it asks for.
        for _ in 0..20_000 {
            let page = self.appliance().get("/api/schedules/hourly/events");
            seen = page["items"].as_array().unwrap().clone();
            if seen.len() >= count {
                break;
            }
        }
        assert_eq!(seen.len(), count, "{seen:#?}");
        seen
    }

    fn restart(&mut self, after: Duration) {
        self.appliance = None;
        self.clock.advance(after);
        self.appliance = Some(Appliance::start_with(self.data.path(), self.clock.clone()));
    }
}

#[test]
fn a_schedule_starts_its_job_at_its_moment_and_says_what_became_of_it() {
    let night = Night::begin();
    let made = night.schedule(&json!({}));
    assert_eq!(made["title"], "Back up set home");
    assert_eq!(made["next"].as_array().unwrap().len(), 5);
    night.look();
    assert_eq!(night.appliance().get("/api/schedules/hourly/events")["items"], json!([]));
    night.clock.advance(HOUR);
    night.look();
    let event = night.events(1).remove(0);
    assert_eq!((&event["what"], &event["attempt"]), (&json!("started"), &json!(1)), "{event:#}");
    assert_eq!(event["due"], made["next"][0]);
    let job = night.appliance().follow(&event["job"]);
    assert_eq!(job["state"], "completed", "{job:#}");
    assert_eq!(night.appliance().get("/api/schedules")["items"][0]["last"], event);
}

#[test]
fn moments_missed_while_the_appliance_was_off_are_made_up_for_once_or_told() {
    let mut night = Night::begin();
    night.schedule(&json!({}));
    night.restart(HOUR * 5 + HOUR / 2);
    let event = night.events(1).remove(0);
    assert_eq!(event["what"], "started", "{event:#}");
    assert!(event["reason"].as_str().unwrap().contains("5 moments"), "{event:#}");
    assert_eq!(night.appliance().follow(&event["job"])["state"], "completed");
    // The same moments are not dealt with again.
    night.restart(Duration::ZERO);
    night.look();
    assert_eq!(night.events(1)[0], event);

    let plan = night.appliance().get("/api/schedules/hourly");
    let change = json!({ "cron": plan["cron"], "missed": "skip", "task": plan["task"] });
    let _: Value = night.appliance().client.put("/api/schedules/hourly", &change).unwrap();
    night.restart(HOUR * 3);
    let event = night.events(2).remove(0);
    assert_eq!((&event["what"], &event["job"]), (&json!("missed"), &Value::Null), "{event:#}");
}

#[test]
fn what_cannot_be_done_is_told_and_tried_again_as_the_rule_says() {
    let night = Night::begin();
    night.schedule(&json!({ "retries": { "attempts": 1, "after_minutes": 10 } }));
    let away = night.source.path().with_extension("away");
    std::fs::rename(night.source.path(), &away).unwrap();
    night.clock.advance(HOUR);
    night.look();
    let event = night.events(1).remove(0);
    assert_eq!(event["what"], "refused", "{event:#}");
    assert!(event["reason"].as_str().unwrap().contains("There is no"), "{event:#}");
    let alerts = night.appliance().get("/api/alerts?open=true");
    let told =
        alerts["items"].as_array().unwrap().iter().find(|it| it["kind"] == "schedule_missed");
    let told = told.unwrap_or_else(|| panic!("{alerts:#}"));
    assert_eq!((&told["subject"], &told["times"]), (&json!("hourly"), &json!(1)), "{told:#}");
    let waiting = night.appliance().get("/api/schedules/hourly");
    assert!(waiting["retry_at"].is_string(), "{waiting:#}");
    std::fs::rename(&away, night.source.path()).unwrap();
    night.clock.advance(Duration::from_secs(601));
    night.look();
    let again = night.events(2).remove(0);
    assert_eq!((&again["what"], &again["attempt"]), (&json!("started"), &json!(2)), "{again:#}");
    assert_eq!(again["due"], event["due"]);
    assert_eq!(night.appliance().follow(&again["job"])["state"], "completed");
}

#[test]
fn in_a_maintenance_window_nothing_begins_before_its_end() {
    let night = Night::begin();
    night.schedule(&json!({}));
    // The clock of the tests begins at midnight, UTC.
    let window = json!({ "cron": "30 0 * * *", "time_zone": "UTC", "minutes": 60 });
    let _: Value = night.appliance().client.put("/api/maintenance-windows/night", &window).unwrap();
    night.clock.advance(HOUR);
    let open: Value = night.appliance().get("/api/maintenance-windows");
    assert!(open["items"][0]["open_until"].is_string(), "{open:#}");
    night.look();
    assert_eq!(night.appliance().get("/api/schedules/hourly/events")["items"], json!([]));
    night.clock.advance(HOUR / 2);
    night.look();
    assert_eq!(night.events(1)[0]["what"], "started");
}

#[test]
fn what_names_no_zone_keeps_the_one_that_the_machine_has_then() {
    let night = Night::begin();
    let zone = crate::system::network::machine_zone();
    assert_eq!(night.schedule(&json!({}))["time_zone"], zone.as_str());
    night.look();
    let windows: Value = night.appliance().get("/api/maintenance-windows");
    assert_eq!(windows["items"][0]["time_zone"], zone.as_str());
    let kept = night.appliance().get("/api/system/time");
    assert_eq!(
        (&kept["setting"]["time_zone"], &kept["is_managed_here"]),
        (&json!(zone), &json!(false))
    );
}

#[test]
fn a_scheduled_backup_runs_its_hooks() {
    let night = Night::begin();
    let hooks = night.data.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    std::fs::write(hooks.join("dump.sh"), "echo no database here; exit 1").unwrap();
    let names = json!({ "before": "dump.sh" });
    let task = json!({
        "kind": "backup", "set": "home", "paths": [night.source.path()], "hooks": names
    });
    let made = night.schedule(&json!({ "task": task }));
    assert_eq!(made["task"]["hooks"]["before"], "dump.sh", "{made:#}");
    let job: Value =
        night.appliance().client.post("/api/schedules/hourly/run", &json!({})).unwrap();
    let job = night.appliance().follow(&job["id"]);
    assert_eq!(job["state"], "failed", "{job:#}");
    let message = job["error"]["message"].as_str().unwrap();
    assert!(message.contains("no database here"), "{message}");
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused_by_name() {
    let night = Night::begin();
    let task = json!({ "kind": "backup", "set": "home", "paths": [night.source.path()] });
    let asked = |change: Value| {
        let mut request = json!({ "name": "n", "cron": "0 * * * *", "task": task });
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        night.appliance().refused("/api/schedules", &request)
    };
    for (change, part) in [
        (json!({ "cron": "0 * * *" }), "0 * * *"),
        (json!({ "time_zone": "Mars" }), "Mars"),
        (json!({ "name": "../x" }), "../x"),
        (
            json!({ "task": { "kind": "restore", "selection": { "run": "r" }, "destination": "/" } }),
            "restore",
        ),
        (json!({ "retries": { "attempts": 99, "after_minutes": 1 } }), "99 attempts"),
    ] {
        let (code, text) = asked(change);
        assert!(text.contains(part), "{code}: {text}");
    }
    night.schedule(&json!({}));
    let (code, text) = asked(json!({ "name": "hourly" }));
    assert_eq!(code, "exists", "{text}");
    let gone: Value = night.appliance().client.delete("/api/schedules/hourly").unwrap();
    assert_eq!(gone, json!({}));
    assert!(night.appliance().client.get::<Value>("/api/schedules/hourly").is_err());
}
