//! Sources without a server: what the kernel is told, what is kept, what is answered. Real shares are mounted
//! in the guest of `scripts/guest`, where there is a kernel with SMB and NFS.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use super::options::{Setting, kernel_mounts};
use super::*;
use crate::domain::{Secret, SourceName};
use crate::system::ask_handover;

fn name(text: &str) -> SourceName {
    text.parse().unwrap()
}

fn share(host: &str) -> SourcePlace {
    SourcePlace::Smb(SmbShare {
        host: host.to_owned(),
        port: None,
        share: "photos".to_owned(),
        user: Some("ada".to_owned()),
        domain: None,
        is_encrypted: true,
    })
}

fn export(path: &str) -> SourcePlace {
    let host = "2001:db8::7".to_owned();
    SourcePlace::Nfs(NfsExport { host, port: Some(20_490), export: path.to_owned() })
}

fn read_only(place: SourcePlace) -> SourceSpec {
    SourceSpec { place, is_writable: false }
}

/// A server that nobody has: this port is not served on the loopback.
fn away() -> SourceSpec {
    let mut place = share("127.0.0.1");
    if let SourcePlace::Smb(share) = &mut place {
        share.port = Some(1);
    }
    read_only(place)
}

fn told(place: &SourcePlace, password: Option<&Secret>) -> Vec<String> {
    let address = "192.0.2.7".parse().unwrap();
    let settings = kernel_mounts(place, address, password).remove(0).settings;
    let line = |setting: &Setting| match setting {
        Setting::Text(name, value) => format!("{name}={}", value.reveal()),
        Setting::Flag(name) => (*name).to_owned(),
    };
    settings.iter().map(line).collect()
}

#[test]
fn the_kernel_is_told_everything_of_a_share_and_a_comma_in_a_password_is_one() {
    let password = Secret::new("a,b=c".to_owned());
    let told_smb = told(&share("nas"), Some(&password));
    for option in [
        "source=//nas/photos",
        "ip=192.0.2.7",
        "port=445",
        "username=ada",
        "password=a,b=c",
        "seal",
    ] {
        assert!(told_smb.iter().any(|told| told == option), "{option}: {told_smb:?}");
    }
    let told_nfs = told(&export("/volume1"), None);
    for option in ["source=[2001:db8::7]:/volume1", "port=20490", "soft"] {
        assert!(told_nfs.iter().any(|told| told == option), "{option}: {told_nfs:?}");
    }
}

#[test]
fn what_no_server_can_mean_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::open_below(folder.path(), &folder.path().join("mounts")).unwrap();
    let mut with_slash = share("nas");
    if let SourcePlace::Smb(share) = &mut with_slash {
        share.share = "photos/2020".to_owned();
    }
    for (place, field) in [
        (share("nas/x"), "host"),
        (share(""), "host"),
        (with_slash, "share"),
        (export("v"), "export"),
    ] {
        let error = keeper.put(&name("nas"), read_only(place), None).unwrap_err();
        assert_eq!(error.kind(), SourcesErrorKind::Malformed);
        assert!(error.to_string().contains(field), "{error}");
    }
    assert!(keeper.states().is_empty());
}

#[test]
fn a_source_whose_server_is_away_is_kept_and_says_so_and_nobody_sees_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let mounts = folder.path().join("mounts");
    let keeper = Keeper::open_below(folder.path(), &mounts).unwrap();
    let password = Secret::new("correct horse".to_owned());
    let state = keeper.put(&name("nas"), away(), Some(password)).unwrap();
    assert_eq!((state.condition, state.has_password), (SourceCondition::Away, true));
    assert!(state.reason.is_some());
    assert!(!serde_json::to_string(&state).unwrap().contains("correct horse"));
    let file = folder.path().join("sources.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Changed without a password: the old one stays, also for the next process.
    let mut changed = away();
    changed.is_writable = true;
    assert!(keeper.put(&name("nas"), changed, None).unwrap().has_password);
    let second = Keeper::open_below(folder.path(), &mounts).unwrap_err();
    assert!(matches!(second, SourcesError::InUse(_)), "{second}");
    drop(keeper);
    let next = Keeper::open_below(folder.path(), &mounts).unwrap();
    let states = next.states();
    assert!(states.len() == 1 && states[0].has_password && states[0].spec.is_writable);
    next.remove(&name("nas")).unwrap();
    assert_eq!(next.remove(&name("nas")).unwrap_err().kind(), SourcesErrorKind::Unknown);
    assert!(!std::fs::read_to_string(file).unwrap().contains("correct horse"));
}

#[test]
fn an_engine_is_answered_over_a_socket_with_the_kind_of_error() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sources.sock");
    let order = || Order::Mount { name: name("none") };
    assert_eq!(ask(&socket, &order()).unwrap_err().kind(), SourcesErrorKind::Machine);
    let listener = UnixListener::bind(&socket).unwrap();
    let keeper = Keeper::open_below(folder.path(), &folder.path().join("mounts")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming().take(4) {
                let mut line = Vec::new();
                let mut stream = stream.unwrap();
                BufReader::new(&stream).read_until(b'\n', &mut line).unwrap();
                stream.write_all(&answer(&keeper, &line).unwrap()).unwrap();
            }
        });
        let error = ask(&socket, &order()).unwrap_err();
        assert_eq!(error.kind(), SourcesErrorKind::Unknown);
        assert!(error.to_string().contains("none"), "{error}");
        assert!(ask(&socket, &Order::List).unwrap().is_empty());
        assert!(ask_handover(&socket).unwrap().is_empty(), "there are no sources");
        keeper.put(&name("nas"), away(), Some(Secret::new("correct horse".to_owned()))).unwrap();
        let handed = ask_handover(&socket).unwrap();
        let kept = std::fs::read_to_string(folder.path().join("sources.json")).unwrap();
        assert_eq!((handed[0].name.as_str(), handed[0].content.reveal()), ("sources.json", &*kept));
    });
}
