//! Backups with real keys in real folders: whole, opened by the kit alone, and every damage told apart.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::domain::{Clock as _, Secret, VirtualClock};
use crate::keys::{KeyFileError, KeyStore, Kit, PinnedKey, PinnedKeys, PublicKey};

/// What a service hands over.
const HANDED: &str = "sources/sources.json";
const HANDED_TEXT: &str = "{ \"password\": \"correct horse battery\" }";

/// An appliance with a confirmed kit and some files.
struct House {
    folder: TempDir,
    clock: VirtualClock,
    keys: KeyStore,
    kit: Kit,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = VirtualClock::default();
        let keys = KeyStore::open_or_create(&folder.path().join("data/keys"), &clock).unwrap();
        let kit = keys.ring().kit_to_print(clock.now()).unwrap();
        let text = kit.text();
        let groups: Vec<&str> = text.split('-').collect();
        let asked = crate::keys::asked_groups(kit.public().id());
        let typed: Vec<String> = asked.iter().map(|at| groups[at - 1].to_owned()).collect();
        keys.ring().confirm_kit(&typed, clock.now()).unwrap();
        let house = Self { folder, clock, keys, kit };
        // Larger than a segment and a piece, and nothing that zstd makes small.
        let noise: Vec<u8> = (0..2_500_000_u32)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_be_bytes()[3])
            .collect();
        std::fs::write(house.data().join("catalog.db"), noise).unwrap();
        std::fs::write(house.data().join("settings.json"), "{}").unwrap();
        std::fs::create_dir(house.path("safe")).unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn content(&self) -> Vec<Content> {
        let names = ["catalog.db", "settings.json", "keys/identity.json"];
        names
            .iter()
            .map(|name| (*name, Place::File(self.data().join(name))))
            .chain([(HANDED, Place::Memory(Secret::new(HANDED_TEXT.to_owned())))])
            .map(|(name, place)| Content { name: name.to_owned(), place })
            .collect()
    }

    fn make(&self) -> Result<(PathBuf, Description), CatalogBackupError> {
        self.make_while(&|_| true)
    }

    fn make_while(
        &self,
        goes_on: &dyn Fn(u64) -> bool,
    ) -> Result<(PathBuf, Description), CatalogBackupError> {
        make(&Making {
            folder: &self.path("safe"),
            attempt: "1",
            content: &self.content(),
            keys: &self.keys,
            host: "tank/1",
            now: self.clock.now(),
            goes_on,
        })
    }

    fn take_out(&self, backup: &Path, kit: &Kit) -> Result<PathBuf, CatalogBackupError> {
        let target = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        SignedBackup::read(backup, self.keys.pinned())?.open(kit)?.take_out(&target)?;
        Ok(target)
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_goes_in_comes_out_and_nothing_can_be_read_without_the_kit() {
    let house = House::new();
    let (backup, description) = house.make().unwrap();
    assert_eq!(backup.file_name().unwrap(), "fossilsafe-tank_1-20260101T000000Z");
    assert_eq!(description.kits, [house.kit.public().id()]);
    let back = house.take_out(&backup, &house.kit).unwrap();
    for file in house.content() {
        let went_in = match &file.place {
            Place::File(path) => std::fs::read(path).unwrap(),
            Place::Memory(content) => content.reveal().as_bytes().to_vec(),
        };
        assert!(went_in == std::fs::read(back.join(&file.name)).unwrap(), "{}", file.name);
    }
    let identity = std::fs::read_to_string(house.data().join("keys/identity.json")).unwrap();
    let secret = identity.lines().find(|line| line.contains("secret")).unwrap().trim().to_owned();
    for entry in entries(&backup) {
        let Ok(bytes) = std::fs::read(backup.join(&entry)) else { continue };
        for secret in [secret.as_str(), "correct horse battery"] {
            let is_in = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_in, "{entry}");
        }
    }
}

#[test]
fn the_program_for_people_without_this_one_opens_it() {
    let house = House::new();
    let (backup, _) = house.make().unwrap();
    std::fs::write(house.path("kit.txt"), house.kit.text().as_str()).unwrap();
    let script = "python3 .fossilsafe/unseal.py ../../kit.txt . state.tar.zst.sealed | zstd -dq | tar -x -C ..";
    let mut shell = std::process::Command::new("bash");
    let shell = shell.args(["-euo", "pipefail", "-c", script]).current_dir(&backup);
    let said = shell.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let same = std::fs::read(house.data().join("catalog.db")).unwrap()
        == std::fs::read(house.path("safe/catalog.db")).unwrap();
    assert!(same);
}

#[test]
fn without_a_confirmed_kit_or_a_folder_none_is_made() {
    let house = House::new();
    let other = KeyStore::open_or_create(&house.path("other"), &house.clock).unwrap();
    other.ring().kit_to_print(house.clock.now()).unwrap();
    let folder = house.path("safe");
    let making = |folder, keys| Making {
        folder,
        attempt: "1",
        content: &[],
        keys,
        host: "tank",
        now: house.clock.now(),
        goes_on: &|_| true,
    };
    let refused = make(&making(&folder, &other)).unwrap_err();
    assert!(matches!(refused, CatalogBackupError::NoKit), "{refused}");
    let refused = make(&making(&house.path("away"), &house.keys)).unwrap_err();
    assert!(matches!(refused, CatalogBackupError::Io { .. }), "{refused}");
    assert!(!house.path("away").exists() && entries(&folder).is_empty());
}

#[test]
fn one_that_is_stopped_leaves_nothing_and_one_that_was_cut_off_is_removed_by_the_next() {
    let house = House::new();
    let refused = house.make_while(&|_| false).unwrap_err();
    assert!(matches!(refused, CatalogBackupError::Stopped), "{refused}");
    assert!(entries(&house.path("safe")).is_empty());
    std::fs::create_dir(house.path("safe/.fossilsafe-1.new")).unwrap();
    std::fs::write(house.path("safe/.fossilsafe-1.new/README.txt"), "cut off").unwrap();
    house.make().unwrap();
    assert_eq!(entries(&house.path("safe")), ["fossilsafe-tank_1-20260101T000000Z"]);
}

#[test]
fn a_wrong_kit_a_wrong_key_and_every_damage_are_told_apart() {
    let house = House::new();
    let (backup, description) = house.make().unwrap();
    let refused = house.take_out(&backup, &Kit::generate()).unwrap_err();
    let is_wrong_kit = matches!(refused, CatalogBackupError::Kit(KeyFileError::WrongKit { .. }));
    assert!(is_wrong_kit, "{refused:?}");

    let stranger = KeyStore::open_or_create(&house.path("stranger"), &house.clock).unwrap();
    let refused = SignedBackup::read(&backup, stranger.pinned()).unwrap_err();
    let own = house.keys.key_id();
    assert!(matches!(refused, CatalogBackupError::OtherKey { signed_by, .. } if signed_by == own));

    let state = backup.join(names::STATE);
    let whole = std::fs::read(&state).unwrap();
    let damage = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = whole.clone();
        change(&mut changed);
        std::fs::write(&state, changed).unwrap();
        let refused = house.take_out(&backup, &house.kit).unwrap_err();
        std::fs::write(&state, &whole).unwrap();
        refused.to_string()
    };
    assert!(damage(&|bytes| bytes[9] ^= 1).contains("not those that were signed"));
    assert!(damage(&|bytes| bytes.truncate(bytes.len() - 20)).contains("20 of"));

    let path = backup.join(names::DESCRIPTION);
    let json = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, json.replace("settings.json", "../settings.js")).unwrap();
    let refused = house.take_out(&backup, &house.kit).unwrap_err();
    assert!(matches!(refused, CatalogBackupError::BadSignature { .. }), "{refused}");
    std::fs::write(&path, &json).unwrap();

    let key = backup.join(format!(".fossilsafe/keys/{}.json", description.data_key));
    std::fs::remove_file(key).unwrap();
    let refused = house.take_out(&backup, &house.kit).unwrap_err();
    assert!(matches!(refused, CatalogBackupError::Io { .. }), "{refused}");
    std::fs::remove_file(path).unwrap();
    let refused = house.take_out(&backup, &house.kit).unwrap_err();
    assert!(matches!(refused, CatalogBackupError::NotABackup { .. }), "{refused}");
}

#[test]
fn a_name_that_leaves_the_folder_is_refused_even_when_it_is_signed() {
    for name in ["../x", "/x", "a//b", "a/../b", ".hidden", "a/.b", "", "a b", "caf\u{e9}"] {
        assert!(!description::is_safe_name(name), "{name}");
    }
    assert!(description::is_safe_name("keys/data/0123456789abcdef.sealed"));
    let house = House::new();
    let (backup, mut description) = house.make().unwrap();
    description.files[1].name = "../escaped".to_owned();
    let json = description.to_json();
    let digest = make::digest(&json);
    let signature = house.keys.sign(crate::keys::Purpose::Catalog, &digest);
    std::fs::write(backup.join(names::DESCRIPTION), json).unwrap();
    std::fs::write(backup.join(names::SIGNATURE), signature.to_json()).unwrap();
    let refused = house.take_out(&backup, &house.kit).unwrap_err();
    assert!(matches!(refused, CatalogBackupError::Damaged { .. }), "{refused}");
}

#[test]
fn the_newest_are_kept_and_only_own_ones_are_removed() {
    let house = House::new();
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(house.make().unwrap().0);
    }
    house.clock.advance(std::time::Duration::from_secs(3600));
    made.push(house.make().unwrap().0);
    let safe = house.path("safe");
    let stranger = KeyStore::open_or_create(&house.path("stranger"), &house.clock).unwrap();
    let seen = find(&safe, &stranger).unwrap();
    assert!(seen.len() == 5 && seen.iter().all(|found| !found.is_own));
    assert_eq!(remove_older(&safe, 0, &stranger).unwrap(), Vec::<PathBuf>::new());

    std::fs::create_dir(safe.join("fossilsafe-notes")).unwrap();
    let removed = remove_older(&safe, 2, &house.keys).unwrap();
    assert_eq!(removed.len(), 3);
    let left = find(&safe, &house.keys).unwrap();
    assert_eq!(left[0].path, made[4]);
    assert!(left.len() == 2 && safe.join("fossilsafe-notes").exists());
}

#[test]
fn the_key_beside_the_signature_has_the_id_that_stands_on_the_paper() {
    let house = House::new();
    let (backup, _) = house.make().unwrap();
    let pem = SignedBackup::claimed_key(&backup).unwrap();
    let public_key = PublicKey::from_pem(&pem).unwrap();
    assert_eq!(public_key.id(), house.keys.key_id());
    let mut named = PinnedKeys::default();
    named.pin(PinnedKey { public_key, label: String::new(), since: house.clock.now() });
    let read = SignedBackup::read(&backup, &named).unwrap();
    assert_eq!((read.signed_by, read.description().files.len()), (house.keys.key_id(), 4));
}
