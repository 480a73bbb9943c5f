//! An appliance that is lost and made again from a catalog backup and the paper of its kit.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::machine::{Machine, Said};
use crate::services::{Place, address, connect, exchange, is_trusted};
use crate::tree::{assert_same, noise, write};

pub(crate) const PASSWORD: &str = "four small words together";

/// What a person does over HTTP, with a cookie.
pub(crate) fn send(
    address: &str,
    path: &str,
    cookie: &str,
    csrf: &str,
    body: &Value,
) -> (u16, String, Value) {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n\
         X-CSRF-Token: {csrf}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(connect(address), &request)
}

/// The words after the cookie's name, and the CSRF word.
pub(crate) fn signed_in(answer: &(u16, String, Value)) -> (String, String) {
    let (status, head, body) = answer;
    assert!((200..300).contains(status), "{head}\n{body}");
    let cookie = head.lines().find_map(|line| line.split_once("et-cookie: ")).unwrap().1;
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (cookie, body["csrf"].as_str().unwrap().to_owned())
}

/// Prints and confirms a kit; its groups and the key that the paper names.
pub(crate) fn kit(address: &str, cookie: &str, csrf: &str) -> (Vec<String>, String) {
    let (status, head, printed) = send(address, "/api/kits/print", cookie, csrf, &json!({}));
    assert_eq!(status, 200, "{head}");
    let text = printed["text"].as_str().unwrap();
    let lines = text.lines().filter(|line| line.starts_with("    "));
    let groups: Vec<String> = lines.flat_map(str::split_whitespace).map(str::to_owned).collect();
    let asked = printed["asked_groups"].as_array().unwrap().iter();
    let typed: Vec<&String> =
        asked.map(|at| &groups[usize::try_from(at.as_u64().unwrap()).unwrap() - 1]).collect();
    let (status, head, _) =
        send(address, "/api/kits/confirm", cookie, csrf, &json!({ "groups": typed }));
    assert_eq!(status, 200, "{head}");
    let key = text.split("signed by key ").nth(1).unwrap();
    (groups, key.trim_start().split('.').next().unwrap().to_owned())
}

/// The offline command, with what is typed.
pub(crate) fn restore(backup: &Path, data: &Path, key: &str, typed: &str) -> Said {
    restore_with(backup, data, key, typed, &[])
}

fn restore_with(
    backup: &Path,
    data: &Path,
    key: &str,
    typed: &str,
    options: &[(&str, &Path)],
) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fossilsafe"));
    command.args(["catalog", "restore"]).arg(backup).arg("--data").arg(data);
    command.args(["--signing-key", key, "--json"]);
    for (option, folder) in options {
        command.arg(option).arg(folder);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that refuses before it asks has closed its end.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn an_appliance_comes_back_from_a_catalog_backup_and_its_kit() {
    let mut machine = Machine::start("1GiB");
    let address = machine.url().replace("http://", "");
    let source = machine.folder().join("source");
    for number in 0..20 {
        write(&source.join(format!("letters/{number}")), &noise(number, 5_000));
    }
    let code = std::fs::read_to_string(machine.data().join("setup-code")).unwrap();
    let setup = json!({ "code": code.trim(), "user": "ada", "password": PASSWORD });
    let (cookie, csrf) = signed_in(&send(&address, "/api/setup", "", "", &setup));
    let safe = machine.folder().join("safe");
    std::fs::create_dir(&safe).unwrap();
    let to = safe.to_str().unwrap();
    let refused = machine.ask(&["catalog", "backup", "--to", to]);
    assert!(refused.err.contains("kit"), "no kit is confirmed: {refused:?}");
    let (groups, key) = kit(&address, &cookie, &csrf);
    machine.tell(&["pool", "create", "private", "--encrypt"]);
    machine.tell(&["cartridge", "format", "FSP001L9"]);
    let from = source.to_str().unwrap();
    machine.tell(&["backup", from, "--set", "letters", "--pool", "private"]);
    machine.tell(&[
        "schedule",
        "add",
        "nightly",
        "--cron",
        "30 2 * * *",
        "backup",
        from,
        "--set",
        "letters",
    ]);
    machine.tell(&["schedule", "add", "safe", "--cron", "0 3 * * *", "catalog-backup", "--to", to]);

    let job = machine.tell(&["catalog", "backup", "--to", to, "--keep", "2"]);
    let backup = PathBuf::from(job["outcome"]["destination"].as_str().unwrap());
    let listed = machine.tell(&["catalog", "backups", to]);
    assert_eq!(listed["items"][0]["signed"], "own");
    assert_eq!(listed["items"][0]["signed_by"], key.as_str());
    // Nothing of this is in the backup.
    machine.tell(&["schedule", "add", "later", "--cron", "0 1 * * *", "inventory"]);

    let kit_line = groups.join(" ");
    let refused = restore(&backup, &machine.data(), &key, &kit_line);
    assert!(refused.err.contains("an engine runs"), "{refused:?}");
    machine.stop();
    let refused = restore(&backup, &machine.data(), &key, &format!("{kit_line}\nyes\n"));
    assert!(refused.code == Some(1) && refused.err.contains("nothing was changed"), "{refused:?}");
    let refused = restore(&backup, &machine.data(), "0123456789abcdef", &kit_line);
    assert!(refused.err.contains(&key), "{refused:?}");
    let wrong = groups.iter().rev().cloned().collect::<Vec<_>>().join(" ");
    let refused = restore(&backup, &machine.data(), &key, &wrong);
    assert!(refused.err.contains("mistyped"), "{refused:?}");

    // The disk of the data folder dies; the library with its cartridges is still there.
    let lost = machine.folder().join("lost");
    std::fs::rename(machine.data(), &lost).unwrap();
    std::fs::create_dir(machine.data()).unwrap();
    let library = "practice-library";
    std::fs::rename(lost.join(library), machine.data().join(library)).unwrap();
    std::fs::remove_dir_all(lost).unwrap();
    let done = restore(&backup, &machine.data(), &key, &kit_line);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.json()["jobs_ended"], 1, "the backup's own job was at work when it was made");

    machine.boot();
    let answer = send(&address, "/api/kits/drill", &cookie, &csrf, &json!({ "kit": kit_line }));
    assert_eq!(answer.0, 401, "sessions end");
    let again = json!({ "user": "ada", "password": PASSWORD });
    let (cookie, csrf) = signed_in(&send(&address, "/api/auth/session", "", "", &again));
    let (status, _, drilled) =
        send(&address, "/api/kits/drill", &cookie, &csrf, &json!({ "kit": kit_line }));
    assert!(status == 200 && drilled["keys"].as_array().unwrap().len() == 1, "{drilled}");
    let schedules = machine.tell(&["schedule", "list"]);
    let names: Vec<&str> = schedules["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["nightly", "safe"]);
    assert_eq!(machine.tell(&["audit", "verify"])["is_whole"], true);
    let target = machine.folder().join("back");
    machine.tell(&["restore", "--set", "letters", "--to", target.to_str().unwrap()]);
    assert_same(&source, &target.join(source.strip_prefix("/").unwrap()));
    machine.tell(&["catalog", "rebuild"]);

    machine.stop();
    let done = restore(&backup, &machine.data(), &key, &format!("{kit_line}\nreplace\n"));
    let aside = PathBuf::from(done.json()["moved_to"].as_str().unwrap());
    assert!(aside.join("catalog.db").exists() && machine.data().join("catalog.db").exists());
    machine.boot();
    assert_eq!(machine.tell(&["catalog", "check"])["is_sound"], true);
}

const SHARE_PASSWORD: &str = "share-password-of-nas-6627";

/// Every file below a folder, with its path from there.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn add_share(place: &Place) {
    let line = "echo \"$1\" | \"$0\" source add nas --smb //127.0.0.1/photos --port 1 --user ada --json --server \"$2\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", line, env!("CARGO_BIN_EXE_fossilsafe"), SHARE_PASSWORD]);
    let said = shell.arg(place.path("engine.sock")).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(said.contains("\"has_password\": true"), "{said}");
}

/// Services as an appliance runs them: the password of a share and a person's own certificate belong to others than
/// the engine, and are in its backup and nowhere in plain.
#[test]
fn what_other_services_keep_comes_back_too() {
    let place = Place::new();
    let (engine, sources, gateway) = (place.engine(), place.sources(), place.gateway(&[]));
    let tls = place.path("gateway/tls");
    // Without the line that says who made it, it is a person's.
    let own = std::fs::read_to_string(tls.join("certificate.pem")).unwrap();
    let own = own.split_once('\n').unwrap().1.to_owned();
    std::fs::write(tls.join("certificate.pem"), &own).unwrap();
    let private = std::fs::read_to_string(tls.join("key.pem")).unwrap();
    let http = address(&gateway);
    let code = std::fs::read_to_string(place.path("engine/setup-code")).unwrap();
    let setup = json!({ "code": code.trim(), "user": "ada", "password": PASSWORD });
    let (cookie, csrf) = signed_in(&send(&http, "/api/setup", "", "", &setup));
    let (groups, key) = kit(&http, &cookie, &csrf);
    add_share(&place);
    let kept = std::fs::read_to_string(place.path("sources/sources.json")).unwrap();
    assert!(kept.contains(SHARE_PASSWORD));
    // Beside the passwords the appliance's own key for SSH, as an SFTP source makes it.
    let ssh_key = "-----BEGIN OPENSSH PRIVATE KEY-----\nssh-key-of-the-appliance-7719\n";
    std::fs::write(place.path("sources/ssh_key"), ssh_key).unwrap();
    let safe = place.path("safe");
    std::fs::create_dir(&safe).unwrap();
    let to = safe.to_str().unwrap();
    let job = place.tell(&["catalog", "backup", "--to", to]);
    assert_eq!(job["state"], "completed", "{job}");
    let backup = PathBuf::from(job["outcome"]["destination"].as_str().unwrap());
    let line = private.lines().nth(1).unwrap();
    for folder in [&safe, &place.path("engine")] {
        for (path, bytes) in files(folder) {
            for secret in [SHARE_PASSWORD, line, PASSWORD, "ssh-key-of-the-appliance"] {
                let is_in = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!is_in, "{secret} is in {}", path.display());
            }
        }
    }
    let log = place.log();
    assert!(!log.contains(SHARE_PASSWORD) && !log.contains(line), "{log}");

    // A service that is away is named, and the backup is not called whole.
    drop(gateway);
    let said = Command::new(env!("CARGO_BIN_EXE_fossilsafe"))
        .args(["catalog", "backup", "--to", to, "--json", "--server"])
        .arg(place.path("engine.sock"))
        .output()
        .unwrap();
    let partial: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(partial["state"], "incomplete", "{partial}");
    let sentence = partial["outcome"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("without the certificate of the gateway"), "{partial}");

    // Another machine, on which the services have begun: with a certificate of its own.
    drop((engine, sources));
    let other = Place::new();
    let (begun, begun_gateway) = (other.sources(), other.gateway(&[]));
    let (folder, gateway_folder) = (other.path("sources"), other.path("gateway"));
    let options = [("--sources", folder.as_path()), ("--gateway", gateway_folder.as_path())];
    let kit_line = groups.join(" ");
    let back = || restore_with(&backup, &other.path("engine"), &key, &kit_line, &options);
    let refused = back();
    assert!(refused.err.contains("in use by another process"), "{refused:?}");
    assert!(!other.path("engine/catalog.db").exists() && !folder.join("sources.json").exists());
    drop((begun, begun_gateway));
    let done = back();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.json()["beside"].as_array().unwrap().len(), 4, "{done:?}");
    let tls = gateway_folder.join("tls");
    for (path, content) in [
        (folder.join("sources.json"), &kept),
        (folder.join("ssh_key"), &ssh_key.to_owned()),
        (tls.join("certificate.pem"), &own),
        (tls.join("key.pem"), &private),
    ] {
        assert!(std::fs::read_to_string(&path).unwrap() == *content, "{}", path.display());
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
    let replaced = files(&tls).into_iter().filter(|(path, _)| path.ends_with("key.pem")).count();
    assert_eq!(replaced, 2, "what stood there is kept beside");
    assert!(!other.path("engine/gateway").exists() && !other.path("engine/sources").exists());

    let (_engine, _sources, gateway) = (other.engine(), other.sources(), other.gateway(&[]));
    let listed = other.tell(&["source", "list"]);
    assert_eq!(listed["items"][0]["has_password"], true, "{listed}");
    assert!(is_trusted(&gateway, &tls.join("certificate.pem")), "{}", other.log());
    let again = json!({ "user": "ada", "password": PASSWORD });
    signed_in(&send(&address(&gateway), "/api/auth/session", "", "", &again));
}
