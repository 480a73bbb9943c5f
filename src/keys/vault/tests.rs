//! What is asked of a key server and what becomes of its answers; the jobs over it are in `jobs/pool/tests`.
//!
//! The way through a whole key server runs against [`Spoken`], and against a real one by `scripts/vault-test`.

use std::path::Path;

use super::spoken::{Spoken, Token};
use super::*;
use crate::domain::{Secret, Timestamp};
use crate::keys::{KeyRing, KeysError};

const NOW: Timestamp = Timestamp { seconds: 1, nanoseconds: 0 };

fn ring(folder: &Path) -> KeyRing {
    KeyRing::open_or_create(folder).unwrap()
}

fn code<T: std::fmt::Debug>(done: Result<T, KeysError>) -> &'static str {
    done.unwrap_err().vault().unwrap().code()
}

/// Sets it, has it keep a key, loses the memory of that, and opens it again; the ring after that.
fn way_through(folder: &Path, settings: &VaultSettings) -> KeyRing {
    let before = ring(folder);
    let shown = before.set_vault(settings.clone()).unwrap();
    assert!(shown.has_secret && shown.settings.secret.is_none());
    let id = before.make_key_away("safe", NOW).unwrap();
    let key = before.open_key(id).unwrap();
    let after = ring(folder);
    assert!(after.is_away(id) && after.at_hand(id).is_none(), "it is nowhere here");
    assert_eq!(after.open_key(id).unwrap().secret(), key.secret());
    assert_eq!(after.prove_vault().unwrap(), [id]);
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let secret = settings.secret.as_ref().unwrap().reveal().as_bytes();
        assert!(memchr::memmem::find(&bytes, secret).is_none(), "the secret stands in a file");
    }
    after
}

#[test]
fn a_key_that_transit_wraps_is_on_no_disk_and_comes_back_also_under_a_new_version() {
    let folder = tempfile::tempdir().unwrap();
    let server = Spoken::start();
    let ring = way_through(folder.path(), &server.by_token());
    let id = ring.keys()[0].key_id;
    let file = folder.path().join(format!("{id}.away"));
    assert!(std::fs::read_to_string(&file).unwrap().contains("vault:v1:"));
    server.rotate();
    assert_eq!(ring.rewrap_away().unwrap(), 1);
    assert!(std::fs::read_to_string(&file).unwrap().contains("vault:v2:"));
    ring.close_unused();
    assert_eq!(ring.open_key(id).unwrap().id(), id);
}

#[test]
fn a_key_in_a_key_value_store_is_reached_by_an_app_role() {
    let folder = tempfile::tempdir().unwrap();
    let server = Spoken::start();
    let ring = way_through(folder.path(), &server.by_app_role());
    assert_eq!(ring.rewrap_away().unwrap(), 0, "the server keeps it itself");
    // From now on by transit; what is kept the other way is still reached.
    let settings = VaultSettings { way: server.by_token().way, ..server.by_app_role() };
    ring.set_vault(settings).unwrap();
    let id = ring.make_key_away("safe", NOW).unwrap();
    assert_ne!(ring.keys()[0].key_id, ring.keys()[1].key_id);
    assert!(ring.prove_vault().unwrap().contains(&id) && ring.keys().len() == 2);
}

#[test]
fn each_way_in_which_a_server_gives_nothing_has_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = Spoken::start();
    let empty = ring(folder.path());
    assert_eq!(code(empty.make_key_away("safe", NOW)), "kms_not_set");
    let ring = way_through(folder.path(), &server.by_token());
    let id = ring.keys()[0].key_id;
    let asked = || {
        ring.close_unused();
        code(ring.open_key(id))
    };
    server.seal(true);
    assert_eq!(asked(), "kms_sealed");
    server.seal(false);
    let other = |way| VaultSettings { way, ..server.by_token() };
    let transit =
        |mount: &str, key: &str| VaultWay::Transit { mount: mount.into(), key: key.into() };
    assert_eq!(code(ring.set_vault(other(transit("transit", "none")))), "kms_missing");
    assert_eq!(code(ring.set_vault(other(transit("elsewhere", "tapes")))), "kms_not_mounted");
    assert_eq!(code(ring.set_vault(other(transit("../sys", "tapes")))), "kms_invalid");
    let wrong = Some(Secret::new("s.wrong".to_owned()));
    assert_eq!(
        code(ring.set_vault(VaultSettings { secret: wrong, ..server.by_token() })),
        "kms_denied"
    );
    let address = "http://vault.example:8200".to_owned();
    assert_eq!(code(ring.set_vault(VaultSettings { address, ..server.by_token() })), "kms_invalid");
    let ca_pem = Some("no certificate".to_owned());
    assert_eq!(code(ring.set_vault(VaultSettings { ca_pem, ..server.by_token() })), "kms_invalid");
    // Nobody listens at the port of a listener that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{gone}");
    let unreachable = VaultSettings { address, ..server.by_token() };
    assert_eq!(code(ring.set_vault(unreachable)), "kms_unreachable");
    assert_eq!(ring.prove_vault().unwrap(), [id], "what was refused has changed nothing");
    server.revoke();
    assert_eq!(asked(), "kms_denied");
    assert_eq!(code(ring.remove_vault()), "kms_in_use");
}

#[test]
fn a_server_without_the_keys_is_not_put_in_the_place_of_the_one_that_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let (server, other) = (Spoken::start(), Spoken::start());
    let ring = way_through(folder.path(), &server.by_token());
    assert_eq!(code(ring.set_vault(other.by_token())), "kms_answer");
    assert_eq!(ring.vault_settings().unwrap().settings.address, server.by_token().address);
    // A secret that is kept goes to the server that it is for, and to no other.
    let silent = VaultSettings { secret: None, ..other.by_token() };
    assert_eq!(code(ring.set_vault(silent)), "kms_invalid");
    ring.set_vault(VaultSettings { secret: None, ..server.by_token() }).unwrap();
}

#[test]
fn a_server_that_is_away_is_not_asked_for_every_file() {
    use crate::keys::sealed::KeySource as _;
    let folder = tempfile::tempdir().unwrap();
    let server = Spoken::start();
    let ring = way_through(folder.path(), &server.by_token());
    let id = ring.keys()[0].key_id;
    ring.close_unused();
    server.seal(true);
    let before = server.questions();
    assert!((0..100).all(|_| ring.data_key(id).is_none()));
    assert_eq!(server.questions(), before + 1);
    server.seal(false);
    assert!(ring.open_key(id).is_ok(), "who asks for it by name does not wait");
}

#[test]
fn a_token_is_renewed_while_it_can_be_and_its_end_is_told_a_week_before() {
    const DAY: i64 = 86_400;
    let folder = tempfile::tempdir().unwrap();
    let server = Spoken::start();
    let ring = way_through(folder.path(), &server.by_token());
    let at = |seconds| Timestamp { seconds, nanoseconds: 0 };
    let seen = |now: i64, token: Token| {
        server.give_token(token);
        ring.set_vault(server.by_token()).unwrap();
        ring.look_after_token(at(now));
        ring.token_life().unwrap()
    };
    let endless = seen(1, Token::default());
    assert_eq!((endless.ends, endless.warning(at(1))), (None, None));

    let renewable = Token { left: DAY, is_renewable: true, period: 0, left_at_most: 20 * DAY };
    let life = seen(1, renewable);
    assert_eq!((life.ends, life.warning(at(1))), (Some(at(1 + 20 * DAY)), None), "for longer");
    // Not before it is due, and then again.
    let asked = server.questions();
    ring.look_after_token(at(2));
    assert_eq!(server.questions(), asked);
    server.give_token(Token { left: 6 * DAY, left_at_most: 6 * DAY, ..renewable });
    ring.look_after_token(at(DAY));
    let life = ring.token_life().unwrap();
    assert_eq!(life.ends, Some(at(7 * DAY)));
    let told = life.warning(at(DAY)).unwrap();
    assert!(told.contains(&at(7 * DAY).to_string()) && told.contains("beyond"), "{told}");

    let hourly = Token { left: 1800, is_renewable: true, period: 3600, left_at_most: 0 };
    let life = seen(1, hourly);
    assert_eq!((life.ends, life.warning(at(1))), (Some(at(3601)), None), "without an end");
    let fixed = Token { left: 3600, ..Token::default() };
    assert!(seen(1, fixed).warning(at(1)).is_some(), "it ends today");
    let fixed = Token { left: 30 * DAY, ..Token::default() };
    let life = seen(1, fixed);
    assert_eq!(life.warning(at(1)), None);
    assert!(life.warning(at(25 * DAY)).is_some(), "also if nobody answers any more");

    // One that is away says nothing new; one that denies has to be told.
    server.seal(true);
    ring.look_after_token(at(DAY));
    assert_eq!(ring.token_life().unwrap().ends, life.ends);
    server.seal(false);
    server.revoke();
    ring.look_after_token(at(2 * DAY));
    let told = ring.token_life().unwrap().warning(at(2 * DAY)).unwrap();
    assert!(told.contains("denies"), "{told}");
}

/// Three tokens of a real server: an hour and no more, renewable for a year, and a period without an end.
#[test]
#[ignore = "needs a key server: scripts/vault-test"]
fn a_real_key_server_renews_tokens_as_it_allows() {
    let said = |name: &str| std::env::var(format!("KEY_SERVER_{name}")).unwrap();
    let now = Timestamp { seconds: 1_800_000_000, nanoseconds: 0 };
    let seen = |token: &str| {
        let folder = tempfile::tempdir().unwrap();
        let ring = ring(folder.path());
        let settings = VaultSettings {
            address: said("ADDRESS"),
            namespace: None,
            ca_pem: Some(std::fs::read_to_string(said("CA")).unwrap()),
            login: VaultLogin::Token,
            secret: Some(Secret::new(said(token))),
            way: Spoken::start().by_token().way,
        };
        ring.set_vault(settings).unwrap();
        ring.look_after_token(now);
        let life = ring.token_life().unwrap();
        let left = life.ends.map(|ends| ends.seconds - now.seconds);
        (left, life.is_renewable, life.warning(now).is_some())
    };
    assert_eq!(seen("TOKEN"), (None, true, false), "the root's never ends");
    let (left, is_renewable, is_told) = seen("TOKEN_FIXED");
    assert!(left.is_some_and(|left| (3000..=3600).contains(&left)), "{left:?}");
    assert!(!is_renewable && is_told);
    let (left, is_renewable, is_told) = seen("TOKEN_RENEWABLE");
    assert!(left.is_some_and(|left| left > 30 * 86_400), "from an hour to a month: {left:?}");
    assert!(is_renewable && !is_told);
    assert_eq!(seen("TOKEN_PERIODIC"), (Some(7200), true, false));
    let (left, is_renewable, is_told) = seen("TOKEN_CAPPED");
    assert!(left.is_some_and(|left| (80_000..=86_400).contains(&left)), "{left:?}");
    assert!(!is_renewable && is_told, "it may live a day in all");
}

/// `scripts/vault-test` starts a server over TLS and says where: its CA, a token, an app role and its secret id.
#[test]
#[ignore = "needs a key server: scripts/vault-test"]
fn a_real_key_server_keeps_keys_in_both_ways() {
    let said = |name: &str| std::env::var(format!("KEY_SERVER_{name}")).unwrap();
    let ca_pem = Some(std::fs::read_to_string(said("CA")).unwrap());
    let secret = Some(Secret::new(said("TOKEN")));
    let way = Spoken::start().by_token().way;
    let (address, login) = (said("ADDRESS"), VaultLogin::Token);
    let namespace = None;
    let by_token = VaultSettings { address, namespace, ca_pem, login, secret, way };
    let folder = tempfile::tempdir().unwrap();
    let ring = way_through(folder.path(), &by_token);
    let rotated = std::process::Command::new("sh").args(["-c", &said("ROTATE")]).status();
    assert!(rotated.unwrap().success());
    assert_eq!(ring.rewrap_away().unwrap(), 1);
    assert_eq!(ring.prove_vault().unwrap().len(), 1);

    let login = VaultLogin::AppRole { mount: "approle".into(), role_id: said("ROLE") };
    let secret = Some(Secret::new(said("SECRET")));
    let way = VaultWay::Kv { mount: "secret".into(), folder: "fossilsafe".into() };
    let by_role = VaultSettings { login, secret, way, ..by_token.clone() };
    way_through(tempfile::tempdir().unwrap().path(), &by_role);

    let refused = |settings: VaultSettings| code(ring.set_vault(settings));
    let wrong = Some(Secret::new("s.wrong".to_owned()));
    assert_eq!(refused(VaultSettings { secret: wrong, ..by_token.clone() }), "kms_denied");
    let transit =
        |mount: &str, key: &str| VaultWay::Transit { mount: mount.into(), key: key.into() };
    let of = |way| VaultSettings { way, ..by_token.clone() };
    assert_eq!(refused(of(transit("transit", "none"))), "kms_missing");
    assert_eq!(refused(of(transit("elsewhere", "tapes"))), "kms_not_mounted");
    // Without its certificate authority it is nobody.
    assert_eq!(refused(VaultSettings { ca_pem: None, ..by_token.clone() }), "kms_unreachable");
    let sealed = std::process::Command::new("sh").args(["-c", &said("SEAL")]).status();
    assert!(sealed.unwrap().success());
    assert_eq!(code(ring.prove_vault()), "kms_sealed");
}
