//! Drives: who has them, whose turn it is, and having them cleaned.

use super::*;

fn drives(appliance: &Appliance) -> Vec<Value> {
    appliance.get("/api/library")["drives"].as_array().unwrap().clone()
}

#[test]
fn a_drive_is_cleaned_and_its_cartridge_says_how_often_it_still_can() {
    let (data, _) = folders();
    let appliance = Appliance::start(data.path());
    let serial = drives(&appliance)[0]["serial"].as_str().unwrap().to_owned();
    let cleaner = |appliance: &Appliance| appliance.get("/api/cartridges/CLN001CU");
    assert_eq!(cleaner(&appliance)["cleanings_left"], 50);
    let home = cleaner(&appliance)["place"].clone();
    let path = format!("/api/library/drives/{serial}/clean");
    let job = appliance.run(&path, &Value::Null);
    assert_eq!((job["state"].as_str(), job["kind"].as_str()), (Some("completed"), Some("clean")));
    assert_eq!(job["priority"], "high");
    let after = cleaner(&appliance);
    assert_eq!((&after["cleanings_left"], &after["place"]), (&json!(49), &home), "{after:#}");
    assert_eq!(appliance.get("/api/cartridges/FSP001L9").get("cleanings_left"), None);
    let history = appliance.get("/api/cartridges/CLN001CU/history");
    assert!(history.to_string().contains("cleaned drive"), "{history:#}");
    let (code, text) = appliance.refused("/api/library/drives/NOPE/clean", &Value::Null);
    assert_eq!(code, "unknown", "{text}");
}

#[test]
fn a_job_can_be_told_when_it_has_its_turn_until_it_has_ended() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    let hooks = data.path().join("hooks");
    std::fs::create_dir(&hooks).unwrap();
    for drive in drives(&appliance) {
        assert_eq!((&drive["job"], &drive["held_since"]), (&Value::Null, &Value::Null));
    }
    // One that has not come to a drive yet can be told when it has its turn.
    std::fs::write(hooks.join("wait.sh"), "while [ ! -e go ]; do sleep 0.05; done").unwrap();
    let mut body = backup_of(source.path());
    body["hooks"] = json!({ "before": "wait.sh" });
    body["priority"] = json!("low");
    let job: Value = appliance.client.post("/api/backups", &body).unwrap();
    assert_eq!(job["priority"], "low");
    let path = format!("/api/jobs/{}/priority", job["id"]);
    let changed: Value = appliance.client.put(&path, &json!({ "priority": "high" })).unwrap();
    assert_eq!(changed["priority"], "high");
    std::fs::write(hooks.join("go"), "").unwrap();
    // There is no formatted cartridge: it looks at those in the library, and waits for a person.
    assert_eq!(appliance.follow(&job["id"])["priority"], "high");
    let cancel = format!("/api/jobs/{}/cancel", job["id"]);
    let _: Value = appliance.client.post_empty(&cancel).unwrap();
    let ended: Result<Value, AppError> = appliance.client.put(&path, &json!({ "priority": "low" }));
    assert!(matches!(ended, Err(AppError::Refused(_))), "{ended:?}");
}
