//! What every kind of source must do, as one test body.
//!
//! A kind of source hands in a way to make itself over a folder that this module fills, and calls
//! [`check`]. The folder is on this machine; a network source serves it to itself.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::{Entry, Source, SourceErrorKind, SourcePath, WalkEvent};
use crate::domain::FileKind;

/// Fills `top` with a tree that holds what sources get wrong.
fn fill(top: &Path) {
    fs::create_dir_all(top.join("a/deep/er")).unwrap();
    fs::create_dir(top.join("empty")).unwrap();
    fs::write(top.join("a/deep/er/file"), "content").unwrap();
    fs::write(top.join("a-b"), "").unwrap();
    fs::write(top.join("a/one"), vec![7; 100_000]).unwrap();
    fs::write(top.join("new\nline"), "n").unwrap();
    let no_utf8 = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(top.join(no_utf8), "latin").unwrap();
    fs::write(top.join("n".repeat(255)), "long").unwrap();
    symlink("a/one", top.join("link")).unwrap();
    symlink("nowhere/at all", top.join("dangling")).unwrap();
    symlink("..", top.join("a/up")).unwrap();
    fs::set_permissions(top.join("a/one"), fs::Permissions::from_mode(0o4751)).unwrap();
}

/// Every event in a line, with the path relative to `top`.
fn lines(source: &dyn Source, top: &SourcePath) -> Vec<String> {
    let mut lines = Vec::new();
    let mut depth = 0_usize;
    let within = |path: &SourcePath| path.is_within(top);
    let mut visitor = |event: WalkEvent| {
        match event {
            WalkEvent::EnterDirectory(entry) => {
                depth += 1;
                if within(&entry.path) {
                    lines.push(format!("{depth} enter {:?}", entry.path));
                }
            }
            WalkEvent::Entry(entry) => lines.push(format!("{depth} entry {:?}", entry.path)),
            WalkEvent::LeaveDirectory => depth -= 1,
            WalkEvent::Skipped { path, reason } => lines.push(format!("skip {path:?} {reason:?}")),
            WalkEvent::Problem { path, error } => lines.push(format!("problem {path:?} {error:?}")),
        }
        ControlFlow::Continue(())
    };
    assert!(source.walk(&mut visitor).is_continue());
    assert_eq!(depth, 0, "every directory that was entered is left");
    lines
}

/// Every entry at or below `top`.
pub(super) fn entries(source: &dyn Source, top: &SourcePath) -> Vec<Entry> {
    let mut entries = Vec::new();
    let _ = source.walk(&mut |event| {
        if let WalkEvent::EnterDirectory(entry) | WalkEvent::Entry(entry) = event
            && entry.path.is_within(top)
        {
            entries.push(entry);
        }
        ControlFlow::Continue(())
    });
    entries
}

/// The entry with this path below `top`.
pub(super) fn find(entries: &[Entry], top: &SourcePath, below: &[u8]) -> Entry {
    let path = SourcePath::from_bytes([top.as_bytes(), b"/", below].concat()).unwrap();
    entries.iter().find(|entry| entry.path == path).unwrap_or_else(|| panic!("{path}")).clone()
}

/// Runs the contract of [`Source`] on what `make` makes of a folder: the source and the path that
/// the folder has in it.
pub(crate) fn check(make: impl Fn(&Path) -> (Box<dyn Source>, SourcePath)) {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let (source, top) = make(folder.path());
    a_walk_is_sorted_complete_and_repeatable(&*source, &top);
    kinds_and_metadata_are_told(&*source, &top);
    files_are_read_at_any_offset(&*source, &top);
    what_is_no_file_is_not_opened(&*source, &top);
    a_change_shows_in_the_stamp(&*source, &top, folder.path());
    a_visitor_can_stop(&*source);
}

fn a_walk_is_sorted_complete_and_repeatable(source: &dyn Source, top: &SourcePath) {
    let found = entries(source, top);
    assert_eq!(found.len(), 14, "{found:#?}");
    assert!(found.is_sorted_by(|earlier, later| earlier.path < later.path), "{found:#?}");
    assert_eq!(lines(source, top), lines(source, top));
}

fn kinds_and_metadata_are_told(source: &dyn Source, top: &SourcePath) {
    let found = entries(source, top);
    let one = find(&found, top, b"a/one");
    assert_eq!((one.kind, one.size_bytes, one.metadata.mode), (FileKind::File, 100_000, 0o4751));
    assert_eq!(one.data_segments, None);
    let dangling = find(&found, top, b"dangling");
    assert_eq!(dangling.kind, FileKind::Symlink { target: b"nowhere/at all".as_slice().into() });
    assert_eq!(dangling.size_bytes, 0);
    assert_eq!(find(&found, top, b"empty").kind, FileKind::Directory);
    assert_eq!(find(&found, top, b"caf\xe9").size_bytes, 5);
}

fn files_are_read_at_any_offset(source: &dyn Source, top: &SourcePath) {
    let found = entries(source, top);
    let entry = find(&found, top, b"a/deep/er/file");
    let mut file = source.open(&entry.path).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(file.read_at(&mut buffer, 0).unwrap(), 7);
    assert_eq!(&buffer[..7], b"content");
    assert_eq!(file.read_at(&mut buffer, 3).unwrap(), 4);
    assert_eq!(&buffer[..4], b"tent");
    assert_eq!(file.read_at(&mut buffer, 7).unwrap(), 0);
    assert_eq!(file.read_at(&mut buffer, u64::from(u32::MAX)).unwrap(), 0);
    assert_eq!(file.stamp().unwrap(), entry.stamp());
}

fn what_is_no_file_is_not_opened(source: &dyn Source, top: &SourcePath) {
    for (name, kind) in [
        ("link", SourceErrorKind::Unreadable),
        ("dangling", SourceErrorKind::Unreadable),
        ("empty", SourceErrorKind::Unreadable),
        ("gone", SourceErrorKind::Vanished),
        ("a-b/below a file", SourceErrorKind::Vanished),
    ] {
        let path = SourcePath::from_bytes(format!("{}/{name}", top.to_str().unwrap())).unwrap();
        let error = source.open(&path).unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

fn a_change_shows_in_the_stamp(source: &dyn Source, top: &SourcePath, folder: &Path) {
    let entry = find(&entries(source, top), top, b"a/one");
    let file = source.open(&entry.path).unwrap();
    assert_eq!(file.stamp().unwrap(), entry.stamp());
    fs::write(folder.join("a/one"), vec![8; 100_001]).unwrap();
    assert_ne!(file.stamp().unwrap(), entry.stamp());
}

fn a_visitor_can_stop(source: &dyn Source) {
    let mut seen = 0;
    let end = source.walk(&mut |_| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(end.is_break());
    assert_eq!(seen, 3);
}
