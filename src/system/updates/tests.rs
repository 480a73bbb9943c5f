//! Goal: what is said of slots is what the boot state says, and nothing that a channel offers is taken that its
//! key has not signed, that is older than what was seen, or whose time is over. Method: boot states as files,
//! and a real HTTP server on loopback that serves what the test says.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::{Signer as _, SigningKey};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::domain::{Timestamp, VirtualClock};
use crate::system::channel::Channel;
use crate::system::{History, Pending, Slot, Stage, Version};

/// Tests count their seconds from here.
const EPOCH: Timestamp = Timestamp { seconds: 0, nanoseconds: 0 };
const ADDRESS_PATH: &str = "/stable/channel";
const BUNDLE: &[u8] = &[7; 200_000];

struct Machine {
    root: tempfile::TempDir,
    updater: Updater,
    clock: Arc<VirtualClock>,
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn machine(slot: &str, variables: &str) -> Machine {
    let root = tempfile::tempdir().unwrap();
    for folder in ["proc", "etc", "run", "boot/grub", "data"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
    write("proc/cmdline", &format!("rauc.slot={slot}"));
    write("etc/os-release", "VERSION_ID=1.0.0");
    write("boot/grub/grubenv", variables);
    let clock = Arc::new(VirtualClock::starting_at(EPOCH));
    let shared: Arc<VirtualClock> = Arc::clone(&clock);
    let updater = Updater::new(root.path(), &root.path().join("data/update"), shared);
    Machine { root, updater, clock }
}

fn waiting(root: &Path, stage: Stage) {
    let pending = Pending {
        slot: Slot::B,
        version: version("1.1.0"),
        before: version("1.0.0"),
        stage,
        was_sound: true,
        reason: None,
    };
    History { pending: Some(pending), records: Vec::new() }.write(root).unwrap();
}

/// How each slot is: its condition, and whether it is next.
fn slots(machine: &Machine) -> [(SlotCondition, bool); 2] {
    let state = machine.updater.state().unwrap();
    [0, 1].map(|at: usize| (state.slots[at].condition, state.slots[at].is_next))
}

#[test]
fn the_slots_of_a_flashed_disk_are_both_good_and_have_the_same_version() {
    let machine = machine("A", "ORDER=A B\nA_OK=1\nB_OK=1\nA_TRY=1\nB_TRY=0\n");
    assert_eq!(slots(&machine), [(SlotCondition::Good, true), (SlotCondition::Good, false)]);
    let state = machine.updater.state().unwrap();
    assert!(state.has_slots && !state.is_restart_needed && state.history.is_empty());
    assert_eq!(state.slots[1].version, Some(version("1.0.0")));
    assert!(state.allowed_actions.contains(&UpdateAction::Rollback));
    assert!(!state.allowed_actions.contains(&UpdateAction::Install), "there is nothing");
}

#[test]
fn an_installed_version_is_on_trial_and_one_that_was_cut_off_is_never_gone_back_to() {
    let installed = machine("A", "ORDER=B A\nB_OK=1\nB_TRY=0\n");
    waiting(installed.root.path(), Stage::Installed);
    assert_eq!(slots(&installed), [(SlotCondition::Good, false), (SlotCondition::OnTrial, true)]);
    assert!(installed.updater.state().unwrap().is_restart_needed);
    assert!(matches!(installed.updater.roll_back(), Err(UpdatesError::NothingBefore)));
    let cut = machine("A", "ORDER=A B\nB_OK=0\nB_TRY=0\n");
    waiting(cut.root.path(), Stage::Installing);
    assert_eq!(slots(&cut)[1], (SlotCondition::Bad, false));
    assert!(matches!(cut.updater.roll_back(), Err(UpdatesError::NothingBefore)));
    let tried = machine("A", "ORDER=A B\nB_OK=1\nB_TRY=3\n");
    assert_eq!(slots(&tried)[1], (SlotCondition::Bad, false));
}

#[test]
fn only_one_program_changes_slots_at_a_time() {
    let machine = machine("A", "");
    let held = machine.updater.lock().unwrap();
    assert!(matches!(machine.updater.roll_back(), Err(UpdatesError::Busy)));
    drop(held);
    assert!(machine.updater.lock().is_ok());
}

#[test]
fn nothing_is_installed_where_there_is_nothing() {
    let options = InstallOptions::default();
    let refused = machine("A", "").updater.ensure_installable(options).unwrap_err();
    assert_eq!(refused.kind(), UpdatesErrorKind::NoBundle);
    let no_slots = machine("C", "").updater.state().unwrap_err();
    assert_eq!(no_slots.kind(), UpdatesErrorKind::NoSlots);
}

/// A server that answers with what stands in its table, and its address.
struct Publisher {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    address: String,
}

impl Publisher {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let files: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let served = Arc::clone(&files);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut first = String::new();
                reader.read_line(&mut first).unwrap();
                let mut line = String::from("x");
                while line.trim() != "" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                let path = first.split(' ').nth(1).unwrap_or_default();
                let body = served.lock().get(path).cloned();
                let (status, body) = body.map_or((404, Vec::new()), |body| (200, body));
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).unwrap();
                // The other side may have heard enough.
                let _ = stream.write_all(&body);
            }
        });
        Self { files, address }
    }

    fn put(&self, path: &str, body: Vec<u8>) {
        self.files.lock().insert(path.to_owned(), body);
    }

    /// What is published is there under another address too.
    fn copy_to_other_address(&self) {
        let mut files = self.files.lock();
        let file = files[ADDRESS_PATH].clone();
        files.insert(format!("{ADDRESS_PATH}?mirror"), file);
    }

    /// Signs and publishes a channel file.
    fn publish(&self, key: &SigningKey, sequence: u64, expires_at_seconds: i64, sha256: String) {
        let channel = Channel {
            channel: "stable".to_owned(),
            sequence,
            issued_at_seconds: 100,
            expires_at_seconds,
            version: version("1.1.0"),
            bundle: "fossilsafe-1.1.0.raucb".to_owned(),
            sha256,
        };
        let payload = serde_json::to_vec(&channel).unwrap();
        let signature = STANDARD.encode(key.sign(&payload).to_bytes());
        self.put(ADDRESS_PATH, [signature.as_bytes(), b"\n", &payload].concat());
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn digest() -> String {
    hex::encode(Sha256::digest(BUNDLE))
}

/// A machine that asks this publisher and trusts key 1.
fn asking(publisher: &Publisher) -> Machine {
    let machine = machine("A", "");
    let settings = ChannelSettings {
        address: format!("http://{}{ADDRESS_PATH}", publisher.address),
        name: "stable".to_owned(),
        key_pem: key(1).verifying_key().to_public_key_pem(LineEnding::LF).unwrap(),
        is_automatic: false,
        ca_pem: None,
    };
    machine.updater.set_channel(Some(settings)).unwrap();
    machine
}

fn problem(machine: &Machine) -> String {
    machine.updater.state().unwrap().channel.unwrap().problem.unwrap_or_default()
}

#[test]
fn a_channel_is_believed_if_its_key_has_signed_and_never_an_older_file_than_was_seen() {
    let publisher = Publisher::start();
    let machine = asking(&publisher);
    let missing = machine.updater.check().unwrap_err();
    assert_eq!(missing.kind(), UpdatesErrorKind::Channel);
    assert!(problem(&machine).contains("404"), "{}", problem(&machine));
    publisher.publish(&key(2), 8, 10_000, digest());
    assert!(machine.updater.check().is_err(), "another key");
    publisher.publish(&key(1), 8, 10_000, digest());
    let state = machine.updater.check().unwrap();
    assert!(state.allowed_actions.contains(&UpdateAction::Install));
    let channel = state.channel.unwrap();
    let published = channel.published.unwrap();
    assert!(published.is_newer && channel.problem.is_none());
    assert_eq!(published.version, version("1.1.0"));
    publisher.publish(&key(1), 7, 20_000, digest());
    let older = machine.updater.check().unwrap_err();
    assert!(older.whole().contains("older than file 8"), "{}", older.whole());
    assert!(problem(&machine).contains("older than file 8"), "it is said");
}

#[test]
fn what_was_seen_counts_after_a_restart_and_at_another_address_but_not_for_another_key() {
    let publisher = Publisher::start();
    let machine = asking(&publisher);
    publisher.publish(&key(1), 8, 10_000, digest());
    machine.updater.check().unwrap();
    publisher.publish(&key(1), 7, 10_000, digest());
    let folder = machine.root.path().join("data/update");
    let again =
        Updater::new(machine.root.path(), &folder, Arc::new(VirtualClock::starting_at(EPOCH)));
    assert!(again.check().is_err(), "after a restart");
    let elsewhere = |seed: u8| ChannelSettings {
        address: format!("http://{}{ADDRESS_PATH}?mirror", publisher.address),
        name: "stable".to_owned(),
        key_pem: key(seed).verifying_key().to_public_key_pem(LineEnding::LF).unwrap(),
        is_automatic: false,
        ca_pem: None,
    };
    publisher.copy_to_other_address();
    again.set_channel(Some(elsewhere(1))).unwrap();
    assert!(again.check().unwrap_err().whole().contains("older"), "at another address");
    publisher.publish(&key(2), 1, 10_000, digest());
    publisher.copy_to_other_address();
    again.set_channel(Some(elsewhere(2))).unwrap();
    assert!(again.check().is_ok(), "another publisher counts from the beginning");
}

#[test]
fn a_channel_file_that_is_shown_for_ever_is_refused_when_its_time_is_over() {
    let publisher = Publisher::start();
    let machine = asking(&publisher);
    publisher.publish(&key(1), 8, 5_000, digest());
    machine.updater.check().unwrap();
    machine.clock.advance(Duration::from_secs(5_000));
    assert!(machine.updater.check().unwrap_err().whole().contains("not valid any more"));
}

#[test]
fn a_bundle_is_fetched_whole_and_only_if_it_is_the_one_that_was_signed() {
    let publisher = Publisher::start();
    let machine = asking(&publisher);
    let to = machine.root.path().join("data/update/bundle.raucb");
    publisher.publish(&key(1), 8, 10_000, digest());
    machine.updater.check().unwrap();
    assert!(machine.updater.fetch(&to).is_err(), "it is not there");
    publisher.put("/stable/fossilsafe-1.1.0.raucb", BUNDLE[1..].to_vec());
    assert!(matches!(machine.updater.fetch(&to), Err(UpdatesError::OtherContent)));
    let left = fs::read_dir(machine.root.path().join("data/update")).unwrap().count();
    assert_eq!((to.exists(), left), (false, 1), "only what is known of the channel is left");
    publisher.put("/stable/fossilsafe-1.1.0.raucb", BUNDLE.to_vec());
    assert_eq!(machine.updater.fetch(&to).unwrap(), version("1.1.0"));
    assert_eq!(fs::read(&to).unwrap(), BUNDLE);
}

#[test]
fn a_channel_that_cannot_be_one_is_refused_before_it_is_kept() {
    let machine = machine("A", "");
    let settings = |address: &str, key_pem: &str| ChannelSettings {
        address: address.to_owned(),
        name: "stable".to_owned(),
        key_pem: key_pem.to_owned(),
        is_automatic: false,
        ca_pem: None,
    };
    let pem = key(1).verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
    for (address, key_pem) in [("ftp://x", pem.as_str()), ("http://x/c", "no key")] {
        let refused = machine.updater.set_channel(Some(settings(address, key_pem))).unwrap_err();
        assert_eq!(refused.kind(), UpdatesErrorKind::Malformed);
    }
    assert_eq!(machine.updater.state().unwrap().channel, None);
    assert_eq!(machine.updater.check().unwrap_err().kind(), UpdatesErrorKind::ChannelNotSet);
    machine.updater.set_channel(Some(settings("http://x/c", &pem))).unwrap();
    machine.updater.set_channel(None).unwrap();
    assert_eq!(machine.updater.state().unwrap().channel, None);
}
