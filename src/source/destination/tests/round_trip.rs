//! A tree that is walked, read, and put back elsewhere is the same tree.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;
use crate::source::{Entry, LocalSource, Source, WalkEvent, local::LocalOptions};

fn source_of(folder: &Path) -> LocalSource {
    LocalSource::open(&LocalOptions { roots: vec![folder.to_owned()], ..Default::default() })
        .unwrap()
}

/// Everything below `folder`, with paths from there.
fn entries(folder: &Path) -> Vec<Entry> {
    let top = SourcePath::from_absolute(&folder.canonicalize().unwrap()).unwrap();
    let below = |path: &SourcePath| {
        let rest = path.as_bytes()[top.as_bytes().len()..].strip_prefix(b"/");
        SourcePath::from_bytes(rest.unwrap_or_default()).unwrap()
    };
    let mut entries = Vec::new();
    let _ = source_of(folder).walk(&mut |event| {
        match event {
            WalkEvent::EnterDirectory(mut entry) | WalkEvent::Entry(mut entry)
                if entry.path.is_within(&top) && entry.path != top =>
            {
                entry.path = below(&entry.path);
                entry.hard_link_of = entry.hard_link_of.as_ref().map(below);
                entries.push(entry);
            }
            WalkEvent::Problem { path, error } => panic!("{path}: {error:?}"),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    entries
}

/// Restores `entries` of `from` as a job would, files in reverse order as a tape might give them.
fn restore(from: &Path, entries: &[Entry], destination: &Destination) -> Vec<Shortfall> {
    let mut shortfalls = Vec::new();
    let (links, others): (Vec<_>, Vec<_>) =
        entries.iter().rev().partition(|entry| entry.hard_link_of.is_some());
    for entry in others.into_iter().chain(links) {
        let placed = match (&entry.kind, &entry.hard_link_of) {
            (_, Some(first)) => destination.hard_link(&entry.path, first),
            (FileKind::Directory, _) => destination.directory(&entry.path, &entry.metadata),
            (FileKind::File, _) => {
                let segments = entry.data_segments.clone();
                let mut file = destination.file(&entry.path, segments).unwrap();
                let content = fs::read(from.join(entry.path.as_path())).unwrap();
                file.write_at(&content, 0).unwrap();
                file.commit(entry.size_bytes, &entry.metadata)
            }
            (kind, _) => destination.special(&entry.path, kind, &entry.metadata),
        };
        shortfalls.extend(placed.unwrap().shortfalls);
    }
    shortfalls
}

/// Takes out what can never be the same.
fn comparable(mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut entries {
        entry.identity.inode = 0;
        entry.identity.device = 0;
        entry.metadata.times.changed = Timestamp::default();
        entry.metadata.times.created = None;
        entry.metadata.xattrs.sort_by(|one, other| one.name.cmp(&other.name));
    }
    entries
}

fn set_time(at: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 123_456_789);
    let times = fs::FileTimes::new().set_modified(time).set_accessed(time);
    fs::File::open(at).unwrap().set_times(times).unwrap();
}

fn fill(top: &Path) {
    fs::create_dir_all(top.join("deep/er/still")).unwrap();
    fs::create_dir(top.join("closed")).unwrap();
    fs::write(top.join("closed/in"), "in a folder without write permission").unwrap();
    fs::write(top.join("deep/er/a"), vec![1; 300_000]).unwrap();
    fs::write(top.join("empty"), "").unwrap();
    fs::write(top.join("new\nline and \u{1F600}"), "odd").unwrap();
    fs::write(top.join(std::ffi::OsStr::from_bytes(b"no-utf8-\xff\xfe")), "odd").unwrap();
    fs::write(top.join("run-me"), "#!/bin/sh\n").unwrap();
    fs::hard_link(top.join("deep/er/a"), top.join("also a")).unwrap();
    symlink("../nowhere", top.join("deep/dangling")).unwrap();
    symlink("/etc/passwd", top.join("absolute")).unwrap();
    let sparse = fs::File::create(top.join("sparse")).unwrap();
    sparse.set_len(5_000_000).unwrap();
    sparse.write_all_at(&[9; 4096], 1_048_576).unwrap();
    nix::unistd::mkfifo(&top.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    drop(std::os::unix::net::UnixListener::bind(top.join("socket")).unwrap());
    let _ = xattr::set(top.join("run-me"), "user.comment", b"\0binary\xff");
    let _ = xattr::set(top.join("deep"), "user.empty", b"");
    set_time(&top.join("run-me"), 1_000_000_000);
    for (name, mode) in [("run-me", 0o4751), ("closed", 0o555), ("empty", 0o400), ("deep", 0o2770)]
    {
        fs::set_permissions(top.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    for (index, name) in ["deep/er", "deep", "closed"].into_iter().enumerate() {
        set_time(&top.join(name), 1_200_000_000 + u64::try_from(index).unwrap());
    }
}

/// An ACL with a named user, as the kernel stores it: version 2, then tag, permissions, id.
fn acl() -> Vec<u8> {
    const ANYONE: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 6, ANYONE), // owner
        (0x02, 4, 12_345), // a named user
        (0x04, 4, ANYONE), // group
        (0x10, 4, ANYONE), // mask
        (0x20, 0, ANYONE), // others
    ];
    let mut bytes = vec![2, 0, 0, 0];
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(from.path());
    let _ = xattr::set(from.path().join("empty"), "system.posix_acl_access", &acl());
    let before = entries(from.path());
    assert_eq!(before.len(), 16);
    let destination = open(to.path(), Conflict::Refuse);
    let mut shortfalls = restore(from.path(), &before, &destination);
    shortfalls.extend(finish(destination));
    assert_eq!(shortfalls, []);
    let after = entries(to.path());
    for (one, other) in comparable(before).iter().zip(&comparable(after)) {
        assert_eq!(one, other);
    }
    for entry in entries(from.path()).iter().filter(|entry| entry.kind.has_content()) {
        let read = |top: &Path| fs::read(top.join(entry.path.as_path())).unwrap();
        assert_eq!(read(from.path()), read(to.path()), "{}", entry.path);
    }
}

#[test]
fn owners_capabilities_and_devices_come_back_for_root() {
    if !nix::unistd::geteuid().is_root() {
        return; // needs rights that a user has not
    }
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tool = from.path().join("tool");
    fs::write(&tool, "x").unwrap();
    std::os::unix::fs::chown(&tool, Some(12_345), Some(23_456)).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o6755)).unwrap();
    // cap_net_raw+ep, version 2, as the kernel stores it
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let has_capability = xattr::set(&tool, "security.capability", &capability).is_ok();
    symlink("tool", from.path().join("link")).unwrap();
    std::os::unix::fs::lchown(from.path().join("link"), Some(12_345), Some(1)).unwrap();
    let null = nix::sys::stat::makedev(1, 3);
    let mode = nix::sys::stat::Mode::S_IRUSR;
    let kind = nix::sys::stat::SFlag::S_IFCHR;
    let has_device = nix::sys::stat::mknod(&from.path().join("null"), kind, mode, null).is_ok();
    let before = entries(from.path());
    assert_eq!(before.len(), 2 + usize::from(has_device));
    let destination = open(to.path(), Conflict::Refuse);
    assert_eq!(restore(from.path(), &before, &destination), []);
    assert_eq!(finish(destination), []);
    let after = entries(to.path());
    let restored = after.iter().find(|entry| entry.path.name() == b"tool").unwrap();
    assert_eq!(restored.metadata.mode, 0o6755);
    assert_eq!(!restored.metadata.xattrs.is_empty(), has_capability);
    assert_eq!(comparable(before), comparable(after));
}

#[test]
fn set_id_bits_are_left_off_when_the_owner_is_not_restored() {
    let top = tempfile::tempdir().unwrap();
    let leave = DestinationOptions { owners: Owners::Leave, ..options(Conflict::Refuse) };
    let destination = Destination::open(top.path(), leave).unwrap();
    let file = destination.file(&path("f"), None).unwrap();
    let foreign = FileMetadata { uid: 12_345, gid: 12_345, ..metadata(0o6755) };
    let placed = file.commit(0, &foreign).unwrap();
    assert_eq!(placed.shortfalls[0].aspect, Aspect::Mode);
    let status = fs::metadata(top.path().join("f")).unwrap();
    assert_eq!(status.mode() & 0o7777, 0o755);
}

#[test]
fn an_attribute_that_cannot_be_set_is_told_by_its_name() {
    let top = tempfile::tempdir().unwrap();
    let destination = open(top.path(), Conflict::Refuse);
    let mut wanted = metadata(0o644);
    wanted.xattrs.push(crate::domain::Xattr {
        name: b"nonsense.attribute".as_slice().into(),
        value: b"v".as_slice().into(),
    });
    let file = destination.file(&path("f"), None).unwrap();
    let placed = file.commit(0, &wanted).unwrap();
    let told = placed.shortfalls.iter().map(|shortfall| &shortfall.aspect);
    assert!(told.clone().eq([&Aspect::Xattr("nonsense.attribute".to_owned())]), "{placed:?}");
}

#[test]
fn attributes_that_the_folder_gives_to_new_files_are_removed() {
    let top = tempfile::tempdir().unwrap();
    if xattr::set(top.path(), "system.posix_acl_default", &acl()).is_err() {
        return; // no ACLs here
    }
    let destination = open(top.path(), Conflict::Refuse);
    // The folder is asked once, with the first of them.
    for (name, put) in [("f", put as fn(&_, &_) -> _), ("g", put), ("h", put_small)] {
        let placed = put(&destination, name).unwrap();
        assert_eq!(placed.shortfalls, [], "{name}");
        let file = top.path().join(name);
        assert_eq!(xattr::list(&file).unwrap().count(), 0, "{name}");
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640, "{name}");
    }
}
