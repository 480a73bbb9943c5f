//! One cartridge over the API: what is on it, what is ordered of it and who is told of an attempt.

use serde_json::{Value, json};

use super::{Appliance, backup_of, folders};

fn codes(page: &Value, key: &str) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_cartridge_tells_what_is_on_it_what_happened_to_it_and_what_is_nowhere_else() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    let job = appliance.run("/api/backups", &backup_of(source.path()));
    let run = job["outcome"]["run"].as_str().unwrap();
    let of = |what: &str| appliance.get(&format!("/api/cartridges/FSP001L9/{what}"));

    let root = of("contents");
    let top = source.path().components().nth(1).unwrap().as_os_str().to_str().unwrap();
    assert_eq!(codes(&root, "name"), [top]);
    assert_eq!(root["items"][0]["kind"], "directory");
    let listed = of(&format!("contents?path={}", source.path().display()));
    assert_eq!(codes(&listed, "name"), ["empty", "letter.txt", "link", "photos"]);
    let letter = &listed["items"][1];
    assert_eq!(letter["path"], json!(source.path().join("letter.txt")));
    assert_eq!((&letter["size_bytes"], &letter["evidence"]), (&json!(11), &json!("indexed")));
    assert_eq!(listed["items"][2]["kind"], "symlink");
    assert_eq!(of("contents?path=/no/such")["items"], json!([]));

    let loss = of("loss?limit=2");
    assert_eq!((&loss["files_lost"], &loss["files"]), (&json!(3), &json!(3)));
    assert_eq!(loss["items"].as_array().unwrap().len(), 2);
    assert!(loss["sentence"].as_str().unwrap().contains("3 files"), "{loss:#}");
    assert_eq!(appliance.get("/api/cartridges/FSP002L9/loss")["files"], 0);

    let history = codes(&of("history"), "code");
    for code in ["first_seen", "loaded", "formatted", "written", "indexed", "open"] {
        assert!(history.iter().any(|it| it == code), "no {code} in {history:?}");
    }
    let page = of("history?limit=3");
    let rest = of(&format!("history?after={}", page["next"].as_str().unwrap()));
    let both: Vec<String> = [codes(&page, "code"), codes(&rest, "code")].concat();
    assert_eq!(both, history);

    let manifest = &of("manifests")["items"][0];
    assert_eq!((&manifest["run"], &manifest["set"]), (&json!(run), &json!("home")));
    let path = format!("/api/cartridges/FSP001L9/manifests/{run}");
    let list = appliance.client.bytes(&path).unwrap();
    assert_eq!(list.len() as u64, manifest["size_bytes"].as_u64().unwrap());
    let found = std::fs::read(data.path().join(format!("manifests/home/{run}-A0.manifest")));
    assert_eq!(list, found.unwrap());
    let signature = appliance.client.bytes(&format!("{path}/signature")).unwrap();
    assert!(serde_json::from_slice::<Value>(&signature).unwrap().is_object());
}

#[test]
fn a_lock_and_a_retention_hold_and_an_attempt_is_told() {
    let (data, source) = folders();
    let appliance = Appliance::start(data.path());
    appliance.run("/api/cartridges/FSP001L9/format", &json!({}));
    appliance.run("/api/cartridges/FSP002L9/format", &json!({}));
    let put = |what: &str, body: &Value| {
        let path = format!("/api/cartridges/FSP001L9/{what}");
        appliance.client.put::<Value, Value>(&path, body)
    };
    let locked = put("lock", &json!({ "reason": "a case" })).unwrap();
    assert_eq!(locked["lock"]["reason"], "a case");
    // The first by its label would be chosen; the lock passes it over.
    let job = appliance.run("/api/backups", &backup_of(source.path()));
    assert_eq!(job["state"], "completed", "{job:#}");
    let held = appliance.get("/api/cartridges/FSP001L9");
    assert_eq!(held["volume"]["files"], 0);
    let erase = json!({ "typed_barcode": "FSP001L9" });
    let (code, text) = appliance.refused("/api/cartridges/FSP001L9/format", &erase);
    assert_eq!(code, "cartridge_locked");
    assert!(text.contains("a case"), "{text}");
    let _: Value = appliance.client.delete("/api/cartridges/FSP001L9/lock").unwrap();

    put("retention", &json!({ "until": "2999-01-01T00:00:00.0Z" })).unwrap();
    let shorter = put("retention", &json!({ "until": "2998-01-01T00:00:00.0Z" })).unwrap_err();
    assert!(shorter.to_string().contains("2999"), "{shorter}");
    let (code, _) = appliance.refused("/api/cartridges/FSP001L9/format", &erase);
    assert_eq!(code, "cartridge_retained");
    let alerts = appliance.get("/api/alerts?open=true");
    let told = alerts["items"].as_array().unwrap().iter().find(|it| it["kind"] == "write_refused");
    let told = told.unwrap_or_else(|| panic!("{alerts:#}"));
    assert_eq!((&told["subject"], &told["severity"]), (&json!("FSP001L9"), &json!("critical")));
    assert_eq!(told["times"], 2);

    let _: Value = appliance.client.delete("/api/cartridges/FSP001L9/retention").unwrap();
    let job = appliance.run("/api/cartridges/FSP001L9/format", &erase);
    assert_eq!(job["state"], "completed", "{job:#}");
    let refused = put("location", &json!({ "location": "bank" })).unwrap_err();
    assert!(refused.to_string().contains("in the library"), "{refused}");
}
