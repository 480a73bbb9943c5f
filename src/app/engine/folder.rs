//! What is in a folder of this machine, for people who choose what to keep.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{FolderEntry, FolderEntryKind, Page, PageRequest};
use crate::domain::{ByteCount, Timestamp};

/// A page of the things in a folder, sorted by name. Things that vanish meanwhile are left out.
pub(super) fn entries(path: &Path, page: &PageRequest) -> Result<Page<FolderEntry>, EngineError> {
    if !path.is_absolute() {
        let message = format!("\"{}\" is not an absolute path.", path.display());
        let next_step = "Name it from the top: /srv/sources.";
        return Err(EngineError::new(Kind::Invalid, "path_relative", message, next_step));
    }
    let mut names = names(path).map_err(|error| unreadable(path, &error))?;
    names.sort_unstable();
    if let Some(after) = &page.after {
        let from = names.partition_point(|name| name.as_os_str() <= OsStr::new(after));
        names.drain(..from);
    }
    let is_more = names.len() > page.limit;
    names.truncate(page.limit);
    // A cursor is text: a page ends at a name that is.
    while is_more && names.len() > 1 && names.last().is_some_and(|name| name.to_str().is_none()) {
        names.pop();
    }
    let next = names.last().filter(|_| is_more).map(|name| name.to_string_lossy().into_owned());
    let items = names.iter().filter_map(|name| entry(path, name)).collect();
    Ok(Page { items, next })
}

fn names(path: &Path) -> io::Result<Vec<OsString>> {
    path.read_dir()?.map(|entry| Ok(entry?.file_name())).collect()
}

fn entry(folder: &Path, name: &OsString) -> Option<FolderEntry> {
    let path = folder.join(name);
    let metadata = path.symlink_metadata().ok()?;
    let kind = kind(&metadata);
    let size = (kind == FolderEntryKind::File).then_some(ByteCount(metadata.len()));
    Some(FolderEntry {
        name: name.to_string_lossy().into_owned(),
        path: path.to_str().map(str::to_owned),
        kind,
        size_bytes: size,
        modified: modified(&metadata),
    })
}

fn modified(metadata: &Metadata) -> Option<Timestamp> {
    let nanoseconds = metadata.mtime_nsec().try_into().ok()?;
    Some(Timestamp { seconds: metadata.mtime(), nanoseconds })
}

fn kind(metadata: &Metadata) -> FolderEntryKind {
    if metadata.is_dir() {
        FolderEntryKind::Folder
    } else if metadata.is_file() {
        FolderEntryKind::File
    } else if metadata.is_symlink() {
        FolderEntryKind::Link
    } else {
        FolderEntryKind::Other
    }
}

fn unreadable(path: &Path, error: &io::Error) -> EngineError {
    let shown = path.display();
    let (kind, code) = match error.kind() {
        io::ErrorKind::NotFound => (Kind::NotFound, "path_missing"),
        io::ErrorKind::NotADirectory => (Kind::Invalid, "path_no_folder"),
        io::ErrorKind::PermissionDenied => (Kind::Conflict, "path_forbidden"),
        _ => (Kind::Conflict, "path_unreadable"),
    };
    let message = format!("The engine cannot list {shown}: {error}.");
    EngineError::new(kind, code, message, "Check the path, and that its disk or share is there.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn a_folder_is_shown_a_page_at_a_time_and_each_thing_once() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a", "d"] {
            std::fs::write(folder.path().join(name), name.repeat(3)).unwrap();
        }
        std::fs::create_dir(folder.path().join("c")).unwrap();
        let no_text = OsString::from_vec(b"caf\xe9".to_vec());
        std::fs::write(folder.path().join(&no_text), "x").unwrap();
        std::os::unix::fs::symlink("a", folder.path().join("z")).unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = entries(folder.path(), &PageRequest { after, limit: 2 }).unwrap();
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let names: Vec<&str> = seen.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "caf\u{fffd}", "d", "z"]);
        assert_eq!((seen[0].kind, seen[0].size_bytes), (FolderEntryKind::File, Some(ByteCount(3))));
        assert_eq!((seen[2].kind, seen[5].kind), (FolderEntryKind::Folder, FolderEntryKind::Link));
        assert!(seen[3].path.is_none() && seen[0].path.is_some());
    }

    #[test]
    fn what_is_no_folder_is_named() {
        let page = PageRequest::default();
        for (path, code) in [
            ("relative", "path_relative"),
            ("/no/such", "path_missing"),
            ("/dev/null", "path_no_folder"),
        ] {
            assert_eq!(entries(Path::new(path), &page).unwrap_err().code, code);
        }
    }
}
