//! The local source beyond the conformance suite: roots, mounts, excludes, links, attributes, holes.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::time::Instant;

use super::*;
use crate::domain::{DataSegment, FileKind};
use crate::source::conformance::{check, entries, find};
use crate::source::{SkipReason, SourceErrorKind};

fn source_of(roots: &[&Path], excludes: &[&str]) -> LocalSource {
    LocalSource::open(&LocalOptions {
        roots: roots.iter().map(|root| root.to_path_buf()).collect(),
        excludes: excludes.iter().map(|&text| text.to_owned()).collect(),
        file_systems: FileSystems::OfRootsOnly,
    })
    .unwrap()
}

fn stored(path: &Path) -> SourcePath {
    SourcePath::from_absolute(&path.canonicalize().unwrap()).unwrap()
}

/// Names below `top` of everything that the walk tells, with a mark for what is no plain entry.
fn told(source: &LocalSource, top: &Path) -> Vec<String> {
    let top = stored(top).to_string();
    let mut told = Vec::new();
    let _ = source.walk(&mut |event| {
        let line = match &event {
            WalkEvent::EnterDirectory(entry) => format!("{}/", entry.path),
            WalkEvent::Entry(entry) => entry.path.to_string(),
            WalkEvent::LeaveDirectory => return ControlFlow::Continue(()),
            WalkEvent::Skipped { path, .. } => format!("{path} skipped"),
            WalkEvent::Problem { path, error } => format!("{path} {:?}", error.kind()),
        };
        match line.strip_prefix(&format!("{top}/")) {
            Some(below) if !below.is_empty() => told.push(below.to_owned()),
            _ => {} // a folder above
        }
        ControlFlow::Continue(())
    });
    told
}

#[test]
fn a_local_source_keeps_the_contract() {
    check(|folder| (Box::new(source_of(&[folder], &[])), stored(folder)));
}

#[test]
fn several_roots_share_one_tree_and_the_folders_above_them_are_entered() {
    let top = tempfile::tempdir().unwrap();
    for file in ["a/x/one", "a/y/two", "b/three", "b/z/four"] {
        fs::create_dir_all(top.path().join(file).parent().unwrap()).unwrap();
        fs::write(top.path().join(file), file).unwrap();
    }
    let at = |below: &str| top.path().join(below);
    let source = source_of(&[&at("b/z/four"), &at("a/y"), &at("a/y"), &at("b/three")], &[]);
    let expected = ["a/", "a/y/", "a/y/two", "b/", "b/three", "b/z/", "b/z/four"];
    assert_eq!(told(&source, top.path()), expected);
    let nested = source_of(&[&at("a"), &at("a/x")], &[]);
    assert_eq!(told(&nested, top.path()), ["a/", "a/x/", "a/x/one", "a/y/", "a/y/two"]);
}

#[test]
fn a_root_below_an_excluded_folder_is_still_walked() {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir_all(top.path().join("cache/wanted")).unwrap();
    fs::write(top.path().join("cache/wanted/file"), "").unwrap();
    fs::write(top.path().join("cache/junk"), "").unwrap();
    let wanted = top.path().join("cache/wanted");
    let source = source_of(&[top.path(), &wanted], &["cache/"]);
    let expected = ["cache skipped", "cache/", "cache/wanted/", "cache/wanted/file"];
    assert_eq!(told(&source, top.path()), expected);
}

#[test]
fn a_link_named_as_a_root_means_what_it_points_to() {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("real")).unwrap();
    fs::write(top.path().join("real/file"), "").unwrap();
    symlink("real", top.path().join("link")).unwrap();
    let source = source_of(&[&top.path().join("link")], &[]);
    assert_eq!(told(&source, top.path()), ["real/", "real/file"]);
}

#[test]
fn a_root_that_does_not_exist_is_named() {
    let options = LocalOptions { roots: vec!["/no/such/folder".into()], ..Default::default() };
    let error = LocalSource::open(&options).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::OperatorNeeded);
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
}

#[test]
fn what_patterns_leave_out_is_reported_as_skipped() {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir_all(top.path().join("keep/cache/in")).unwrap();
    for file in ["x.tmp", "x.txt", "keep/y.tmp", "keep/cache/in/z"] {
        fs::write(top.path().join(file), "").unwrap();
    }
    let source = source_of(&[top.path()], &["*.tmp", "cache/"]);
    let expected = ["keep/", "keep/cache skipped", "keep/y.tmp skipped", "x.tmp skipped", "x.txt"];
    assert_eq!(told(&source, top.path()), expected);
}

#[test]
fn many_files_come_in_order_however_many_look_at_them() {
    let top = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for number in 0..3000 {
        // Two folders end two runs, one of them in the middle of what would be looked at at once.
        let name = match number {
            70 | 2000 => format!("{number:04}/"),
            _ if number % 7 == 3 => format!("{number:04}.tmp"),
            _ => format!("{number:04}"),
        };
        let path = top.path().join(&name);
        match name.as_str() {
            folder if folder.ends_with('/') => fs::create_dir(path).unwrap(),
            link if link.ends_with('9') => symlink("nowhere", path).unwrap(),
            file => fs::write(path, file).unwrap(),
        }
        expected.push(if name.ends_with(".tmp") { format!("{name} skipped") } else { name });
    }
    let source = source_of(&[top.path()], &["*.tmp"]);
    assert_eq!(told(&source, top.path()), expected);
    let folder = stored(top.path());
    let met = entries(&source, &folder);
    for name in ["0000", "0071", "2989"] {
        let status = fs::symlink_metadata(top.path().join(name)).unwrap();
        let entry = find(&met, &folder, name.as_bytes());
        let size = if name.ends_with('9') { 0 } else { 4 };
        assert_eq!((entry.identity.inode, entry.size_bytes), (status.ino(), size));
    }
}

#[test]
fn a_walk_that_is_broken_off_does_not_look_on() {
    let top = tempfile::tempdir().unwrap();
    for number in 0..500 {
        fs::write(top.path().join(format!("{number:03}")), "").unwrap();
    }
    let mut met = 0;
    let walked = source_of(&[top.path()], &[]).walk(&mut |event| {
        met += usize::from(matches!(event, WalkEvent::Entry(_)));
        if met == 100 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((walked, met), (ControlFlow::Break(()), 100));
}

#[test]
fn another_file_system_is_skipped_unless_it_is_a_root() {
    // /dev is a mount of its own on every Linux that tests run on, and so is /dev/shm or /dev/pts.
    let device = |path: &str| fs::symlink_metadata(path).map(|status| status.dev()).ok();
    let Some(inner) = ["/dev/shm", "/dev/pts", "/dev/mqueue"]
        .into_iter()
        .find(|path| device(path).is_some_and(|found| Some(found) != device("/dev")))
    else {
        return;
    };
    let skipped = |roots: &[&Path]| {
        let mut skipped = Vec::new();
        let _ = source_of(roots, &[]).walk(&mut |event| {
            if let WalkEvent::Skipped { path, reason: SkipReason::OtherFileSystem } = event {
                skipped.push(path.to_absolute());
            }
            ControlFlow::Continue(())
        });
        skipped
    };
    assert!(skipped(&[Path::new("/dev")]).contains(&PathBuf::from(inner)));
    let as_root = skipped(&[Path::new("/dev"), Path::new(inner)]);
    assert!(!as_root.contains(&PathBuf::from(inner)));
}

#[test]
fn later_names_of_an_inode_point_to_the_first() {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("d")).unwrap();
    fs::write(top.path().join("b"), "shared").unwrap();
    fs::hard_link(top.path().join("b"), top.path().join("d/c")).unwrap();
    fs::hard_link(top.path().join("b"), top.path().join("a")).unwrap();
    let (source, at) = (source_of(&[top.path()], &[]), stored(top.path()));
    let found = entries(&source, &at);
    let first = find(&found, &at, b"a");
    assert_eq!((first.links, first.hard_link_of), (3, None));
    for later in [b"b".as_slice(), b"d/c"] {
        assert_eq!(find(&found, &at, later).hard_link_of, Some(first.path.clone()));
    }
}

#[test]
fn attributes_times_and_owner_names_are_read() {
    let top = tempfile::tempdir().unwrap();
    let file = top.path().join("f");
    fs::write(&file, "").unwrap();
    if xattr::set(&file, "user.huge", &[9; 1000]).is_err() {
        return; // this file system keeps no attributes
    }
    for index in 0..28 {
        xattr::set(&file, format!("user.fossilsafe.attribute.of.a.test.{index:02}"), b"\0v")
            .unwrap();
    }
    let (source, at) = (source_of(&[top.path()], &[]), stored(top.path()));
    let entry = find(&entries(&source, &at), &at, b"f");
    assert_eq!(entry.metadata.xattrs.len(), 29);
    let huge = entry.metadata.xattrs.iter().find(|xattr| &*xattr.name == b"user.huge").unwrap();
    assert_eq!(&*huge.value, &[9; 1000]);
    let status = fs::metadata(&file).unwrap();
    assert_eq!(entry.metadata.times.modified.seconds, status.mtime());
    assert_eq!(i64::from(entry.metadata.times.modified.nanoseconds), status.mtime_nsec());
    assert_eq!(entry.metadata.uid, status.uid());
    if entry.metadata.uid == 0 {
        assert_eq!(entry.metadata.user.as_deref(), Some("root"));
    }
}

#[test]
fn in_long_folders_each_file_has_its_own_attributes_and_the_process_stays_where_it_is() {
    let top = tempfile::tempdir().unwrap();
    for folder in ["one", "two"] {
        fs::create_dir(top.path().join(folder)).unwrap();
        for number in 0..200 {
            let file = top.path().join(folder).join(number.to_string());
            fs::write(&file, "").unwrap();
            if xattr::set(&file, "user.of", format!("{folder}/{number}").as_bytes()).is_err() {
                return; // this file system keeps no attributes
            }
        }
    }
    let was_in = std::env::current_dir().unwrap();
    let (source, at) = (source_of(&[top.path()], &[]), stored(top.path()));
    let entries = entries(&source, &at);
    assert_eq!(std::env::current_dir().unwrap(), was_in);
    let files = entries.iter().filter(|entry| entry.kind == FileKind::File);
    let told: Vec<_> = files.map(|entry| (&entry.path, &entry.metadata.xattrs[..])).collect();
    assert_eq!(told.len(), 400);
    for (path, xattrs) in told {
        let value = xattrs.iter().find(|xattr| &*xattr.name == b"user.of").map(|it| &it.value);
        let value = std::str::from_utf8(value.unwrap()).unwrap();
        assert!(path.to_string().ends_with(value), "{path} has {value}");
    }
}

#[test]
fn holes_are_found_and_a_full_file_has_none() {
    let top = tempfile::tempdir().unwrap();
    const MIB: u64 = 1024 * 1024;
    let sparse = fs::File::create(top.path().join("sparse")).unwrap();
    sparse.set_len(10 * MIB).unwrap();
    sparse.write_all_at(&[1; 65_536], 4 * MIB).unwrap();
    let hollow = fs::File::create(top.path().join("hollow")).unwrap();
    hollow.set_len(MIB).unwrap();
    fs::write(top.path().join("full"), vec![1; 65_536]).unwrap();
    let (source, at) = (source_of(&[top.path()], &[]), stored(top.path()));
    let found = entries(&source, &at);
    let stretch = DataSegment { offset: 4 * MIB, length: 65_536 };
    assert_eq!(find(&found, &at, b"sparse").data_segments, Some(vec![stretch]));
    assert_eq!(find(&found, &at, b"hollow").data_segments, Some(vec![]));
    assert_eq!(find(&found, &at, b"full").data_segments, None);
}

#[test]
fn pipes_and_sockets_are_told_and_never_opened() {
    let top = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&top.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(top.path().join("socket")).unwrap();
    let (source, at) = (source_of(&[top.path()], &[]), stored(top.path()));
    let found = entries(&source, &at);
    for (name, kind) in [("pipe", FileKind::Fifo), ("socket", FileKind::Socket)] {
        let entry = find(&found, &at, name.as_bytes());
        assert_eq!(entry.kind, kind);
        let refused = source.open(&entry.path).unwrap_err();
        assert_eq!(refused.kind(), SourceErrorKind::Unreadable);
    }
}

/// The visitor deletes what the walk has listed but not visited yet.
#[test]
fn what_vanishes_during_the_walk_is_a_problem_of_its_own() {
    let top = tempfile::tempdir().unwrap();
    for file in ["a", "b", "c/inner", "d"] {
        fs::create_dir_all(top.path().join(file).parent().unwrap()).unwrap();
        fs::write(top.path().join(file), "").unwrap();
    }
    let source = source_of(&[top.path()], &[]);
    let (mut problems, mut met) = (Vec::new(), Vec::new());
    let _ = source.walk(&mut |event| {
        match event {
            WalkEvent::Entry(entry) => {
                if entry.path.name() == b"a" {
                    fs::remove_file(top.path().join("b")).unwrap();
                    fs::remove_dir_all(top.path().join("c")).unwrap();
                }
                met.push(entry.path.name().to_vec());
            }
            WalkEvent::Problem { path, error } => {
                problems.push((path.name().to_vec(), error.kind()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!(met, [b"a", b"d"]);
    let gone = |name: &[u8]| (name.to_vec(), SourceErrorKind::Vanished);
    assert_eq!(problems, [gone(b"b"), gone(b"c")]);
}

/// The visitor exchanges a folder between its status and its listing.
#[test]
fn a_folder_that_is_exchanged_during_the_walk_is_not_taken_for_the_other() {
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("d")).unwrap();
    fs::create_dir(top.path().join("other")).unwrap();
    fs::write(top.path().join("other/secret"), "").unwrap();
    let at = |name: &str| top.path().join(name);
    let (mut problems, mut met) = (Vec::new(), Vec::new());
    let _ = source_of(&[top.path()], &[]).walk(&mut |event| {
        match event {
            WalkEvent::EnterDirectory(entry) if entry.path.name() == b"d" => {
                fs::rename(at("d"), at("old")).unwrap();
                fs::rename(at("other"), at("d")).unwrap();
            }
            WalkEvent::Entry(entry) => met.push(entry.path),
            WalkEvent::Problem { path, .. } => problems.push(path.name().to_vec()),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!(met, []);
    assert_eq!(problems, [b"d".to_vec(), b"other".to_vec()]);
}

#[test]
fn a_folder_without_permission_is_a_problem_and_the_walk_goes_on() {
    if nix::unistd::geteuid().is_root() {
        return; // root may read everything
    }
    let top = tempfile::tempdir().unwrap();
    fs::create_dir(top.path().join("closed")).unwrap();
    fs::write(top.path().join("open"), "").unwrap();
    fs::set_permissions(top.path().join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let found = told(&source_of(&[top.path()], &[]), top.path());
    assert_eq!(found, ["closed/", "closed PermissionDenied", "open"]);
}

/// Deeper than directories are held open and than one path reaches.
#[test]
fn a_very_deep_tree_is_walked_to_its_end() {
    const LEVELS: usize = 300;
    let top = tempfile::tempdir().unwrap();
    let mut directory: OwnedFd = fs::File::open(top.path()).unwrap().into();
    for _ in 0..LEVELS {
        let name = "a-name-of-twenty-chars";
        rustix::fs::mkdirat(&directory, name, Mode::RWXU).unwrap();
        let after = openat(&directory, "z", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
        drop(after);
        directory = openat(&directory, name, OFlags::RDONLY, Mode::empty()).unwrap();
    }
    let (source, at) = (source_of(&[top.path()], &[]), stored(top.path()));
    let found = entries(&source, &at);
    assert_eq!(found.len(), 1 + 2 * LEVELS);
    let deepest = found.iter().rev().find(|entry| entry.kind == FileKind::File).unwrap();
    assert!(source.open(&deepest.path).is_ok());
    let longest = found.iter().filter(|entry| entry.kind == FileKind::File);
    let longest = longest.max_by_key(|entry| entry.path.as_bytes().len()).unwrap();
    assert!(longest.path.as_bytes().len() > 4096);
    assert!(source.open(&longest.path).is_ok());
}

/// Not a limit that must hold on every machine: prints the rate, and fails only when it is absurd.
#[test]
fn a_walk_keeps_up_with_many_small_files() {
    const FILES: u32 = 5000;
    let top = tempfile::tempdir().unwrap();
    for folder in 0..50 {
        let folder = top.path().join(format!("{folder}"));
        fs::create_dir(&folder).unwrap();
        for file in 0..FILES / 50 {
            fs::write(folder.join(format!("file-{file}")), "x").unwrap();
        }
    }
    let source = source_of(&[top.path()], &[]);
    let started = Instant::now();
    let found = entries(&source, &stored(top.path())).len();
    let rate = f64::from(FILES) / started.elapsed().as_secs_f64();
    println!("{rate:.0} files/s");
    assert_eq!(found, 5051);
    assert!(rate > 2000.0, "{rate:.0} files/s");
}

#[test]
fn of_a_file_system_without_a_disk_everything_is_ready() {
    let Ok(root) = tempfile::tempdir_in("/dev/shm") else { return };
    fs::write(root.path().join("file"), [7; 10_000]).unwrap();
    let source = source_of(&[root.path()], &[]);
    let mut file = source.open(&stored(&root.path().join("file"))).unwrap();
    let mut buffer = [0; 20_000];
    assert_eq!(file.read_ready(&mut buffer[..4_000], 0), 4_000);
    assert_eq!(file.read_ready(&mut buffer[4_000..], 4_000), 6_000, "up to its end");
    assert!(buffer[..10_000].iter().all(|&byte| byte == 7));
}
