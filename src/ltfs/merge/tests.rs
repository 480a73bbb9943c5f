//! Laying changes over an old index.

use std::path::Path;

use super::*;
use crate::ltfs::index::{FileEntry, IndexWriter, empty_header};
use crate::ltfs::names::NameUse;
use crate::ltfs::spool::BulkSpool;

const BLOCK_SIZE: u32 = 524_288;

fn name(text: &str) -> Name {
    Name::new(text, NameUse::Entry).unwrap()
}

fn file(text: &str, uid: u64) -> FileEntry {
    FileEntry { name: name(text), uid, ..FileEntry::default() }
}

fn directory(text: &str, uid: u64) -> DirectoryEntry {
    DirectoryEntry { name: name(text), uid, ..DirectoryEntry::default() }
}

/// Writes the tree of `source` as an index.
fn write_index(path: &Path, source: &mut dyn EventSource) -> IndexFile {
    let mut header = empty_header();
    header.creator = "test".into();
    header.highest_uid = source.highest_uid();
    let mut writer = IndexWriter::new(std::fs::File::create(path).unwrap());
    writer.write(IndexEvent::Header(&header)).unwrap();
    source
        .replay(&mut |event| {
            writer.write(event).unwrap();
            Ok(())
        })
        .unwrap();
    writer.write(IndexEvent::End(&header)).unwrap();
    writer.finish().unwrap();
    IndexFile::open(path, BLOCK_SIZE).unwrap()
}

/// `name=uid`, directories in brackets.
fn shape(source: &mut dyn EventSource) -> String {
    let mut text = String::new();
    source
        .replay(&mut |event| {
            match event {
                IndexEvent::EnterDirectory(entry) => {
                    text.push_str(&format!("{}={}[ ", entry.name, entry.uid));
                }
                IndexEvent::File(entry) => text.push_str(&format!("{}={} ", entry.name, entry.uid)),
                IndexEvent::LeaveDirectory(_) => text.push_str("] "),
                _ => unreachable!("a tree has neither header nor end"),
            }
            Ok(())
        })
        .unwrap();
    text.trim_end().to_owned()
}

/// `/old` with files `a`, `b` and a folder `sub` with `c`; and a file `top`.
fn base(dir: &Path) -> Arc<IndexFile> {
    let mut tree = MergedIndex::empty(DirectoryEntry::default());
    let overlay = tree.overlay_mut();
    let (old, sub) = (name("old"), name("sub"));
    overlay.put_directory(&[], directory("old", 2), Existing::Keep);
    overlay.put_directory(std::slice::from_ref(&old), directory("sub", 3), Existing::Keep);
    overlay.put_file(std::slice::from_ref(&old), file("a", 4));
    overlay.put_file(std::slice::from_ref(&old), file("b", 5));
    overlay.put_file(&[old, sub], file("c", 6));
    overlay.put_file(&[], file("top", 7));
    Arc::new(write_index(&dir.join("base"), &mut tree))
}

#[test]
fn nothing_changed_gives_the_old_tree() {
    let dir = tempfile::tempdir().unwrap();
    let mut merged = MergedIndex::over(base(dir.path()));
    assert_eq!(shape(&mut merged), "=1[ old=2[ a=4 b=5 sub=3[ c=6 ] ] top=7 ]");
    assert_eq!(merged.highest_uid(), 7);
}

#[test]
fn additions_replacements_and_removals_are_laid_over_the_old_tree() {
    let dir = tempfile::tempdir().unwrap();
    let mut merged = MergedIndex::over(base(dir.path()));
    let old = [name("old")];
    let overlay = merged.overlay_mut();
    overlay.put_file(&old, file("a", 10));
    overlay.remove(&old, &name("sub"));
    overlay.put_file(&old, file("new", 11));
    overlay.put_directory(&[], directory("old", 99), Existing::Keep);
    overlay.put_directory(&[], directory("run", 12), Existing::Keep);
    overlay.put_file(&[name("run")], file("x", 13));
    assert_eq!(shape(&mut merged), "=1[ old=2[ a=10 b=5 new=11 ] top=7 run=12[ x=13 ] ]");
}

#[test]
fn a_file_may_become_a_directory_and_a_directory_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut merged = MergedIndex::over(base(dir.path()));
    merged.overlay_mut().put_file(&[], file("old", 10));
    merged.overlay_mut().put_directory(&[], directory("top", 11), Existing::Keep);
    assert_eq!(shape(&mut merged), "=1[ old=10 top=11[ ] ]");
}

#[test]
fn a_replaced_directory_keeps_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let mut merged = MergedIndex::over(base(dir.path()));
    let entry = DirectoryEntry { read_only: true, ..directory("old", 50) };
    merged.overlay_mut().put_directory(&[], entry, Existing::Replace);
    let mut was_read_only = false;
    merged
        .replay(&mut |event| {
            if let IndexEvent::EnterDirectory(entry) = event {
                was_read_only |= entry.read_only && entry.uid == 2;
            }
            Ok(())
        })
        .unwrap();
    assert!(was_read_only);
}

#[test]
fn spooled_additions_follow_in_their_directory_and_count_for_the_highest_number() {
    let dir = tempfile::tempdir().unwrap();
    let mut merged = MergedIndex::over(base(dir.path()));
    let mut spool = BulkSpool::create(&dir.path().join("spool")).unwrap();
    spool.enter(&directory("deep", 20)).unwrap();
    spool.file(&file("f", 21)).unwrap();
    let snapshot = spool.snapshot().unwrap();
    merged.overlay_mut().put_directory(&[], directory("run", 12), Existing::Keep);
    merged.attach(&[name("run")], snapshot);
    let expected = "=1[ old=2[ a=4 b=5 sub=3[ c=6 ] ] top=7 run=12[ deep=20[ f=21 ] ] ]";
    assert_eq!(shape(&mut merged), expected);
    assert_eq!(merged.highest_uid(), 21);
    let mut written = write_index(&dir.path().join("next"), &mut merged);
    assert!(merged.estimated_index_bytes() >= written.bytes());
    assert_eq!(shape(&mut written), expected);
    assert_eq!(written.counts().files, 5);
}

#[test]
fn putting_something_into_a_directory_that_does_not_exist_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut merged = MergedIndex::over(base(dir.path()));
    merged.overlay_mut().put_file(&[name("nowhere")], file("x", 10));
    let refused = merged.replay(&mut |_| Ok(())).unwrap_err();
    assert_eq!(refused.to_string(), "there is no directory nowhere on the volume");
    let mut harmless = MergedIndex::over(base(dir.path()));
    harmless.overlay_mut().remove(&[name("nowhere")], &name("x"));
    assert!(harmless.replay(&mut |_| Ok(())).is_ok());
}
