//! Putting things back: exactly, within the folder, and over nothing.

mod escape;
mod round_trip;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::*;
use crate::domain::{FileTimes, Timestamp};

const CONTENT: &[u8] = b"restored";

fn options(conflict: Conflict) -> DestinationOptions {
    DestinationOptions { conflict, owners: Owners::Restore, own: None, tag: "job-1".to_owned() }
}

fn open(folder: &Path, conflict: Conflict) -> Destination {
    Destination::open(folder, options(conflict)).unwrap()
}

fn path(text: &str) -> SourcePath {
    SourcePath::from_bytes(text).unwrap()
}

fn metadata(mode: u32) -> FileMetadata {
    let at = |seconds| Timestamp { seconds, nanoseconds: 123_456_789 };
    FileMetadata {
        mode,
        uid: nix::unistd::geteuid().as_raw(),
        gid: nix::unistd::getegid().as_raw(),
        times: FileTimes {
            modified: at(1_000_000_000),
            accessed: at(1_100_000_000),
            ..FileTimes::default()
        },
        ..FileMetadata::default()
    }
}

fn put(destination: &Destination, at: &str) -> Result<Placed, DestinationError> {
    let mut file = destination.file(&path(at), None)?;
    file.write_at(CONTENT, 0)?;
    file.commit(8, &metadata(0o640))
}

fn finish(destination: Destination) -> Vec<Shortfall> {
    let mut told = Vec::new();
    destination.finish(&mut |shortfall| told.push(shortfall)).unwrap();
    told
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_taken_name_is_refused_before_and_at_the_commit() {
    let top = tempfile::tempdir().unwrap();
    fs::write(top.path().join("a"), "mine").unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    let error = put(&destination, "a").unwrap_err();
    assert_eq!(error.kind(), DestinationErrorKind::Occupied);
    let mut small = destination.small_file(&path("a"), None).unwrap();
    small.write_at(CONTENT, 0).unwrap();
    let error = small.commit(8, &metadata(0o640)).unwrap_err();
    assert_eq!(error.kind(), DestinationErrorKind::Occupied);
    let mut late = destination.file(&path("b"), None).unwrap();
    late.write_at(CONTENT, 0).unwrap();
    fs::write(top.path().join("b"), "mine").unwrap();
    let error = late.commit(8, &metadata(0o600)).unwrap_err();
    assert_eq!(error.kind(), DestinationErrorKind::Occupied);
    assert_eq!(fs::read(top.path().join("a")).unwrap(), b"mine");
    assert_eq!(fs::read(top.path().join("b")).unwrap(), b"mine");
    assert_eq!(names(top.path()), ["a", "b"], "nothing is left over");
}

#[test]
fn a_taken_name_leads_to_a_name_beside_it_which_is_told() {
    let top = tempfile::tempdir().unwrap();
    let long = "ü".repeat(127); // 254 bytes
    for name in ["a", long.as_str()] {
        fs::write(top.path().join(name), "mine").unwrap();
    }
    let destination = open(top.path(), Conflict::SideName);
    for number in 1..=2 {
        let placed = put(&destination, "a").unwrap();
        assert_eq!(placed.path, path(&format!("a.restored-{number}")));
        assert_eq!(placed.shortfalls[0].aspect, Aspect::Name);
    }
    let cut = put(&destination, &long).unwrap().path;
    assert!(cut.to_str().unwrap().ends_with("ü.restored-1"), "{cut}");
    assert_eq!(fs::read(top.path().join("a")).unwrap(), b"mine");
    assert_eq!(fs::read(top.path().join("a.restored-2")).unwrap(), CONTENT);
}

#[test]
fn overwriting_replaces_files_and_links_but_no_directory() {
    let top = tempfile::tempdir().unwrap();
    fs::write(top.path().join("a"), "mine").unwrap();
    fs::create_dir(top.path().join("d")).unwrap();
    std::os::unix::fs::symlink("a", top.path().join("l")).unwrap();
    let destination = open(top.path(), Conflict::Overwrite);
    for name in ["a", "l"] {
        assert_eq!(put(&destination, name).unwrap().shortfalls, []);
        assert!(fs::symlink_metadata(top.path().join(name)).unwrap().is_file());
    }
    assert_eq!(put(&destination, "d").unwrap_err().kind(), DestinationErrorKind::Occupied);
    let made = destination.directory(&path("l"), &metadata(0o755)).unwrap();
    assert_eq!(made.shortfalls, []);
    assert!(top.path().join("l").is_dir());
    assert_eq!(names(top.path()), ["a", "d", "l"]);
}

#[test]
fn a_file_that_is_given_up_leaves_no_trace_and_a_leftover_is_replaced() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    drop(destination.file(&path("a"), None).unwrap());
    assert_eq!(names(top.path()), [""; 0]);
    // What a kill leaves behind: the file without its destructor.
    std::mem::forget(destination.file(&path("a"), None).unwrap());
    assert_eq!(names(top.path()).len(), 1);
    drop(destination);
    let again = open(top.path(), Conflict::Refuse);
    let _ = put(&again, "a").unwrap();
    assert_eq!(names(top.path()), ["a"]);
}

fn put_small(destination: &Destination, at: &str) -> Result<Placed, DestinationError> {
    let mut file = destination.small_file(&path(at), None)?;
    file.write_at(CONTENT, 0)?;
    file.commit(8, &metadata(0o640))
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_small_file_stands_under_its_own_name_and_is_known_as_half_until_it_is_whole() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    let mut file = destination.small_file(&path("a"), None).unwrap();
    file.write_at(CONTENT, 0).unwrap();
    assert_eq!(names(top.path()), ["a"]);
    assert_eq!(mode_of(&top.path().join("a")), 0o1200);
    let placed = file.commit(8, &metadata(0o640)).unwrap();
    assert_eq!(placed, Placed { path: path("a"), shortfalls: Vec::new() });
    let whole = fs::metadata(top.path().join("a")).unwrap();
    assert_eq!((whole.mode() & 0o7777, whole.mtime(), whole.len()), (0o640, 1_000_000_000, 8));
    drop(destination.small_file(&path("b"), None).unwrap());
    assert_eq!(names(top.path()), ["a"], "given up without a trace");
}

#[test]
fn a_small_file_whose_name_is_taken_goes_by_the_policy() {
    for (conflict, wanted) in [
        (Conflict::Refuse, vec![("a", &b"mine"[..])]),
        (Conflict::SideName, vec![("a", b"mine"), ("a.restored-1", CONTENT)]),
        (Conflict::Overwrite, vec![("a", CONTENT)]),
    ] {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("a"), "mine").unwrap();
        let put = put_small(&open(top.path(), conflict), "a");
        assert_eq!(put.is_ok(), conflict != Conflict::Refuse, "{put:?}");
        let found = names(top.path());
        let found: Vec<_> = found
            .iter()
            .map(|name| (name.as_str(), fs::read(top.path().join(name)).unwrap()))
            .collect();
        let wanted: Vec<_> = wanted.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect();
        assert_eq!(found, wanted, "{conflict:?}");
    }
}

#[test]
fn where_half_files_cannot_be_told_a_small_file_has_a_temporary_name_first() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    // As a file system that gives all files one mode, like FAT and many a share, would have it.
    let device = fs::metadata(top.path()).unwrap().dev();
    destination.half_files.lock().insert(device, false);
    let file = destination.small_file(&path("a"), None).unwrap();
    assert!(names(top.path())[0].starts_with(".fossilsafe-job-1-"), "{:?}", names(top.path()));
    drop(file);
    let _ = put_small(&destination, "a").unwrap();
    assert_eq!(names(top.path()), ["a"]);
}

#[test]
fn a_small_file_that_somebody_removes_is_not_called_restored_and_what_replaced_it_stays() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    let mut file = destination.small_file(&path("a"), None).unwrap();
    file.write_at(CONTENT, 0).unwrap();
    fs::remove_file(top.path().join("a")).unwrap();
    fs::write(top.path().join("a"), "theirs").unwrap();
    let error = file.commit(8, &metadata(0o640)).unwrap_err();
    assert_eq!(error.to_string(), "\"a\": cannot complete it");
    assert_eq!(fs::read(top.path().join("a")).unwrap(), b"theirs");
}

#[test]
fn half_files_of_a_killed_restore_are_removed_and_whole_ones_are_not() {
    let top = tempfile::tempdir().unwrap();
    let at = |name: &str| top.path().join(name);
    let destination = open(top.path(), Conflict::Refuse);
    std::mem::forget(destination.small_file(&path("d/half"), None).unwrap());
    for name in ["d/whole", "d/cut", "d/theirs", "above"] {
        let _ = put_small(&destination, name).unwrap();
    }
    std::os::unix::fs::symlink("half", at("d/link")).unwrap();
    drop(destination);
    // A power cut takes the end of a file and nothing of what is known of it; a person changes its time.
    let cut = |name: &str, modified| {
        let file = File::options().write(true).open(at(name)).unwrap();
        file.set_len(3).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + modified).unwrap();
    };
    let modified = std::time::Duration::new(1_000_000_000, 123_456_789);
    cut("d/cut", modified);
    cut("above", modified);
    cut("d/theirs", modified * 2);
    let whole = WholeFile { size_bytes: 8, modified: metadata(0o640).times.modified };
    let again = open(top.path(), Conflict::Refuse);
    for (name, was_half) in [
        ("d/whole", false),
        ("d/link", false),
        ("d/theirs", false),
        ("d", false),
        ("none/a", false),
        ("above", false), // in a folder that was there before
        ("d/half", true),
        ("d/cut", true),
    ] {
        assert_eq!(again.remove_half_file(&path(name), whole).unwrap(), was_half, "{name}");
    }
    assert_eq!(names(&at("d")), ["link", "theirs", "whole"]);
    assert_eq!(names(top.path()), ["above", "d"], "no folder is made to look into it");
}

#[test]
fn what_a_killed_restore_left_is_removed_and_nothing_else() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    for name in ["d/a", "d/b", "d/in/c"] {
        std::mem::forget(destination.file(&path(name), None).unwrap());
    }
    let _ = put(&destination, "d/whole").unwrap();
    drop(destination);
    let others = ["d/.fossilsafe-another-0011223344556677", "d/.fossilsafe"];
    others.iter().for_each(|name| std::fs::write(top.path().join(name), b"x").unwrap());
    let again = open(top.path(), Conflict::Refuse);
    assert_eq!(again.remove_leftovers(&path("d")).unwrap(), 2);
    assert_eq!(again.remove_leftovers(&path("d")).unwrap(), 0);
    assert_eq!(
        names(&top.path().join("d")),
        [".fossilsafe", ".fossilsafe-another-0011223344556677", "in", "whole"]
    );
    assert_eq!(names(&top.path().join("d/in")).len(), 1, "folders are tidied up one by one");
    assert_eq!(again.remove_leftovers(&path("none")).unwrap(), 0);
    assert_eq!(again.remove_leftovers(&path("d/whole")).unwrap(), 0);
}

#[test]
fn damaged_content_never_gets_its_own_name() {
    let top = tempfile::tempdir().unwrap();
    for conflict in [Conflict::Refuse, Conflict::SideName, Conflict::Overwrite] {
        let destination = open(top.path(), conflict);
        let mut file = destination.file(&path("a"), None).unwrap();
        file.write_at(b"half", 0).unwrap();
        let placed = file.commit_damaged(8, &metadata(0o600)).unwrap();
        assert!(placed.path.to_str().unwrap().starts_with("a.damaged-"));
        assert_eq!(placed.shortfalls[0].aspect, Aspect::Name);
        assert!(!top.path().join("a").exists());
    }
}

#[test]
fn a_directory_that_was_there_keeps_what_it_is_unless_overwritten() {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("d")).unwrap();
    let mode = || fs::metadata(top.path().join("d")).unwrap().mode() & 0o7777;
    let before = mode();
    let destination = open(top.path(), Conflict::Refuse);
    let placed = destination.directory(&path("d"), &metadata(0o711)).unwrap();
    assert_eq!(placed.shortfalls[0].aspect, Aspect::Metadata);
    assert_eq!(finish(destination), []);
    assert_eq!(mode(), before);
    let destination = open(top.path(), Conflict::Overwrite);
    assert_eq!(destination.directory(&path("d"), &metadata(0o711)).unwrap().shortfalls, []);
    assert_eq!(finish(destination), []);
    assert_eq!(mode(), 0o711);
}

/// A restore is killed after it made directories, and goes on with the same tag.
#[test]
fn after_a_restart_own_directories_are_known_and_completed() {
    let top = tempfile::tempdir().unwrap();
    let probe = top.path().join("probe");
    fs::write(&probe, "").unwrap();
    let keeps_attributes = xattr::set(&probe, "user.x", b"").is_ok();
    fs::remove_file(probe).unwrap();
    let first = open(top.path(), Conflict::Refuse);
    let _ = first.directory(&path("d"), &metadata(0o711)).unwrap();
    let _ = put(&first, "implied/f").unwrap();
    drop(first);
    let second = open(top.path(), Conflict::Refuse);
    let again = second.directory(&path("d"), &metadata(0o711)).unwrap();
    let twice = second.directory(&path("d"), &metadata(0o711)).unwrap();
    assert_eq!(again.shortfalls.is_empty(), keeps_attributes);
    assert_eq!(twice.shortfalls.is_empty(), keeps_attributes);
    let _ = second.directory(&path("implied"), &metadata(0o705)).unwrap();
    assert_eq!(finish(second), []);
    if keeps_attributes {
        let mode = |name| fs::metadata(top.path().join(name)).unwrap().mode() & 0o7777;
        assert_eq!((mode("d"), mode("implied")), (0o711, 0o705));
        assert_eq!(xattr::list(top.path().join("d")).unwrap().count(), 0, "no mark is left");
    }
}

#[test]
fn what_an_interrupted_restore_had_finished_can_be_found_and_compared() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    assert_eq!(destination.existing(&path("d/a")).unwrap(), None);
    let _ = put(&destination, "d/a").unwrap();
    let stamp = destination.existing(&path("d/a")).unwrap().unwrap();
    assert_eq!((stamp.size_bytes, stamp.modified.seconds), (8, 1_000_000_000));
    let mut buffer = [0; 16];
    let mut file = destination.read_back(&path("d/a")).unwrap();
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 8);
    assert_eq!(&buffer[..8], CONTENT);
}

#[test]
fn a_hard_link_needs_its_first_name_and_survives_overwriting() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Overwrite);
    let missing = destination.hard_link(&path("b"), &path("a")).unwrap_err();
    assert_eq!(missing.kind(), DestinationErrorKind::Io);
    let first = put(&destination, "a").unwrap().path;
    for _ in 0..2 {
        // The second time the name is a link to the same file already.
        let placed = destination.hard_link(&path("d/b"), &first).unwrap();
        assert_eq!(placed.path, path("d/b"));
    }
    let inode = |name| fs::metadata(top.path().join(name)).unwrap().ino();
    assert_eq!(inode("a"), inode("d/b"));
    assert_eq!(names(&top.path().join("d")), ["b"]);
}

#[test]
fn holes_come_back_and_what_is_no_zero_is_written_even_there() {
    const MIB: u64 = 1024 * 1024;
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    let segment = DataSegment { offset: 4 * MIB, length: 65_536 };
    let mut file = destination.file(&path("s"), Some(vec![segment])).unwrap();
    let mut content = vec![0_u8; usize::try_from(8 * MIB).unwrap()];
    let data = usize::try_from(segment.offset).unwrap();
    content[data..data + 65_536].fill(7);
    content[100] = 1; // a lie in the map must not cost a byte
    for (index, piece) in content.chunks(100_000).enumerate() {
        file.write_at(piece, u64::try_from(index).unwrap() * 100_000).unwrap();
    }
    let _ = file.commit(8 * MIB, &metadata(0o600)).unwrap();
    let written = top.path().join("s");
    assert_eq!(fs::read(&written).unwrap(), content);
    assert!(fs::metadata(&written).unwrap().blocks() * 512 < MIB, "the holes are holes");
}

#[test]
fn a_full_disk_and_other_refusals_have_their_kinds() {
    let kind = |errno: Errno| DestinationError::of_io(&path("a"), "write it", errno).kind();
    assert_eq!(kind(Errno::NOSPC), DestinationErrorKind::Full);
    assert_eq!(kind(Errno::DQUOT), DestinationErrorKind::Full);
    assert_eq!(kind(Errno::LOOP), DestinationErrorKind::Occupied);
    assert_eq!(kind(Errno::IO), DestinationErrorKind::Io);
}

#[test]
fn a_destination_that_is_no_folder_is_refused() {
    let top = tempfile::tempdir().unwrap();
    fs::write(top.path().join("f"), "").unwrap();
    assert!(Destination::open(&top.path().join("f"), options(Conflict::Refuse)).is_err());
    let bad_tag = DestinationOptions { tag: "a/b".to_owned(), ..options(Conflict::Refuse) };
    assert!(Destination::open(top.path(), bad_tag).is_err());
}

#[test]
fn a_folder_that_somebody_removes_meanwhile_is_made_anew() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    let _ = put(&destination, "in/here/one").unwrap();
    fs::remove_dir_all(top.path().join("in")).unwrap();
    let _ = put(&destination, "in/here/two").unwrap();
    assert_eq!(names(&top.path().join("in/here")), ["two"]);
    finish(destination);
}
