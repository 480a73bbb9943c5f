//! Spools: what comes back, torn tails, damage.

use super::*;
use crate::domain::{BlockNumber, Timestamp};
use crate::ltfs::extent::Extent;
use crate::ltfs::index::{Times, Xattr};
use crate::ltfs::names::{Name, NameUse};

fn name(text: &str) -> Name {
    Name::new(text, NameUse::Entry).unwrap()
}

fn directory(text: &str, uid: u64) -> DirectoryEntry {
    DirectoryEntry { name: name(text), uid, ..DirectoryEntry::default() }
}

fn file(text: &str, uid: u64) -> FileEntry {
    FileEntry {
        name: name(text),
        uid,
        length: 77,
        read_only: true,
        times: Times::all(Timestamp { seconds: -5, nanoseconds: 7 }),
        extents: smallvec::smallvec![Extent {
            byte_count: 77,
            byte_offset: 9,
            start_block: BlockNumber(1 << 40),
            ..Extent::default()
        }],
        xattrs: vec![Xattr { key: name("k:1"), value: vec![0, 1, 255] }],
        symlink: None,
        unknown: b"<x/>\n".to_vec(),
    }
}

fn sample(dir: &Path) -> BulkSpool {
    let mut spool = BulkSpool::create(&dir.join("spool")).unwrap();
    spool.enter(&directory("d", 10)).unwrap();
    spool.file(&file("a", 11)).unwrap();
    let link = FileEntry {
        symlink: Some(Name::new("../x", NameUse::SymlinkTarget).unwrap()),
        ..file("l", 12)
    };
    spool.file(&link).unwrap();
    spool.leave().unwrap();
    spool.enter(&directory("e", 13)).unwrap();
    spool.file(&file("b", 14)).unwrap();
    spool
}

fn replayed(snapshot: &SpoolSnapshot) -> Vec<String> {
    let mut seen = Vec::new();
    let mut visit = |event: IndexEvent<'_>| -> Result<(), SpoolError> {
        seen.push(match event {
            IndexEvent::EnterDirectory(entry) => format!("+{}", entry.name),
            IndexEvent::File(entry) => {
                let own = FileEntry {
                    symlink: entry.symlink.clone(),
                    ..file(entry.name.as_str(), entry.uid)
                };
                assert_eq!(*entry, own);
                format!("{}", entry.name)
            }
            _ => "-".to_owned(),
        });
        Ok(())
    };
    snapshot.replay(&mut visit).unwrap();
    seen
}

#[test]
fn a_snapshot_gives_back_what_was_appended_and_closes_what_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = sample(dir.path());
    let middle = spool.snapshot().unwrap();
    spool.leave().unwrap();
    spool.file(&file("c", 15)).unwrap();
    let end = spool.snapshot().unwrap();
    assert_eq!(replayed(&middle), ["+d", "a", "l", "-", "+e", "b", "-"]);
    assert_eq!(replayed(&end), ["+d", "a", "l", "-", "+e", "b", "-", "c"]);
    assert_eq!(middle.counts().open_directories, 1);
    assert_eq!(end.counts().highest_uid, 15);
    assert_eq!((end.counts().files, end.counts().directories), (4, 2));
}

#[test]
fn leaving_what_was_never_entered_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = BulkSpool::create(&dir.path().join("spool")).unwrap();
    assert!(matches!(spool.leave(), Err(SpoolError::Unbalanced { .. })));
}

/// Goal: whatever a crash leaves of the file, what was whole is there and appending goes on. Method:
/// cut the file at every length, reopen, append, replay.
#[test]
fn a_torn_tail_is_cut_off_wherever_it_tears() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = sample(dir.path());
    spool.sync().unwrap();
    let whole = std::fs::read(spool.path()).unwrap();
    let torn = dir.path().join("torn");
    for count in 0..=whole.len() {
        std::fs::write(&torn, &whole[..count]).unwrap();
        if count < MAGIC.len() {
            assert!(matches!(BulkSpool::reopen(&torn), Err(SpoolError::NotASpool { .. })));
            continue;
        }
        let (mut reopened, cut) = BulkSpool::reopen(&torn).unwrap();
        assert!(cut < length(whole.len()) - length(MAGIC.len()));
        reopened.file(&file("z", 99)).unwrap();
        let seen = replayed(&reopened.snapshot().unwrap());
        assert!(seen.contains(&"z".to_owned()));
        let before = seen.iter().position(|entry| entry == "z").unwrap();
        assert_eq!(seen[..before], ["+d", "a", "l", "-", "+e", "b"][..before]);
    }
}

#[test]
fn a_flipped_bit_ends_the_records_at_reopening_and_is_damage_at_replay() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = sample(dir.path());
    let snapshot = spool.snapshot().unwrap();
    let path = spool.path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&path, &bytes).unwrap();
    let replay = snapshot.replay(&mut |_| Ok::<(), SpoolError>(()));
    assert!(matches!(replay, Err(SpoolError::Damaged { .. })));
    let (_, cut) = BulkSpool::reopen(&path).unwrap();
    assert!(cut > 0);
}

#[test]
fn every_truncated_payload_is_refused_without_a_panic() {
    let mut payload = Vec::new();
    record::encode_file(&mut payload, &file("a", 5));
    let (mut directory, mut entry) = (DirectoryEntry::default(), FileEntry::default());
    for count in 0..payload.len() {
        assert!(record::decode(&payload[..count], &mut directory, &mut entry).is_none());
    }
    for at in 0..payload.len() {
        let mut damaged = payload.clone();
        damaged[at] = 0xFF;
        let _ = record::decode(&damaged, &mut directory, &mut entry);
    }
}

#[test]
fn a_spool_goes_back_to_any_earlier_snapshot_and_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = sample(folder.path());
    let earlier = spool.snapshot().unwrap();
    let events = replayed(&earlier);
    spool.file(&file("later", 15)).unwrap();
    spool.flush().unwrap();
    let mut again = BulkSpool::reopen_at(spool.path(), earlier.bytes()).unwrap();
    assert_eq!(again.counts(), earlier.counts());
    assert_eq!(replayed(&again.snapshot().unwrap()), events);
    again.file(&file("other", 16)).unwrap();
    assert!(replayed(&again.snapshot().unwrap()).iter().any(|event| event.contains("other")));
    assert!(BulkSpool::reopen_at(spool.path(), earlier.bytes() - 1).is_err());
}

#[test]
fn a_spool_of_a_dead_run_is_read_without_its_torn_end_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = sample(dir.path());
    spool.sync().unwrap();
    let (path, counts) = (spool.path().to_owned(), spool.counts());
    drop(spool);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(&[0, 0, 0, 9, 1]);
    std::fs::write(&path, &bytes).unwrap();
    let snapshot = SpoolSnapshot::of_file(&path).unwrap();
    assert_eq!(snapshot.counts(), counts);
    assert_eq!(replayed(&snapshot).len(), 7);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert!(SpoolSnapshot::of_file(&dir.path().join("none")).is_err());
}
