//! What a run stores, and what is left of it after a kill.

use std::fs;

use serde_json::json;

use super::super::evidence::Effective;
use super::super::test_support::{
    at, digest, empty, extent, file_in, plain_file, push_file, reopen, run_id, set, start_run,
    volume, writer,
};
use super::super::{AsOf, CatalogErrorKind, FileTotals, OpenCheck, RunKind, SegmentId};
use super::*;

mod side_by_side;

fn segment(catalog: &Catalog) -> SegmentId {
    let uuid = volume(catalog, 1);
    let run = start_run(catalog, "r1", RunKind::Full, 100);
    catalog.begin_segment(&run, uuid, CopyLetter::A).unwrap()
}

fn names(catalog: &Catalog, path: &[u8]) -> Vec<String> {
    let page = catalog.children(&set(), path, &AsOf::Now, None, 1000).unwrap();
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    page.children.iter().map(|child| text(&child.name)).collect()
}

#[test]
fn what_was_pushed_is_kept_with_everything_that_was_said_of_it() {
    let (catalog, folder) = empty();
    let segment = segment(&catalog);
    let mut writing = writer(&catalog, segment);
    let extents = [extent(7, 1000), extent(9, 24)];
    let mut copy = plain_file(3, b"home/a/odd \xFF name", 1024, 50, &extents);
    copy.detail = Some(br#"{"links":2}"#);
    copy.stored_path = Some("home/a/odd %FF name.zst");
    copy.codec = Some(CopyCodec {
        name: "zstd",
        stored_size: ByteCount(512),
        stored_sha256: digest(b"stored", 1),
    });
    let id = writing.push(&copy).unwrap();
    writing.checkpoint(4, Some(&json!({ "at": 1 })), at(101), None).unwrap();
    drop(writing);
    let catalog = reopen(catalog, &folder);
    let versions = catalog.versions(&set(), b"home/a/odd \xFF name").unwrap();
    let full = &versions[0];
    assert_eq!(versions.len(), 1);
    assert_eq!(full.version.sha256, copy.sha256);
    assert_eq!((full.version.size, full.version.modified), (copy.size, copy.modified));
    assert_eq!((full.version.changed, full.version.inode), (copy.changed, copy.inode));
    assert_eq!(full.version.run, run_id("r1"));
    assert_eq!(full.version.evidence, Effective::State(EvidenceState::Flushed));
    assert_eq!(full.attributes, copy.attributes);
    assert_eq!(full.detail.as_deref(), copy.detail);
    assert_eq!(full.copies.len(), 1);
    assert_eq!(full.copies[0].id, id);
    assert_eq!(full.copies[0].extents, extents);
    assert_eq!(full.copies[0].codec.as_ref().unwrap().stored_size, ByteCount(512));
    assert_eq!(full.copies[0].stored_path.as_deref(), copy.stored_path);
    let checkpoint = catalog.segment(segment).unwrap().checkpoint;
    assert_eq!((checkpoint.sequence, checkpoint.ordinal), (1, 4));
    assert_eq!(checkpoint.resume, Some(json!({ "at": 1 })));
    let located = catalog.segment_copies(segment, 0, 10).unwrap();
    assert_eq!(located[0].path, copy.path);
    assert_eq!(located[0].copy.id, id);
}

#[test]
fn what_lies_beyond_the_checkpoint_is_discarded_when_the_segment_is_written_again() {
    let (catalog, folder) = empty();
    let segment = segment(&catalog);
    let mut writing = writer(&catalog, segment);
    push_file(&mut writing, b"kept", 10, 1);
    writing.checkpoint(1, None, at(101), None).unwrap();
    push_file(&mut writing, b"dir/lost", 20, 1);
    let mut copy = plain_file(2, b"dir/lost too", 30, 1, &[]);
    copy.detail = Some(b"{}");
    writing.push(&copy).unwrap();
    let lost = NotStored {
        ordinal: 3,
        path: b"dir/unread",
        state: OutcomeState::Unreadable,
        reason: "I/O error",
        size: ByteCount(5),
    };
    writing.push_not_stored(&lost).unwrap();
    writing.flush().unwrap();
    assert_eq!(names(&catalog, b"dir"), ["lost", "lost too"]);
    assert_eq!(catalog.outcomes(&run_id("r1"), None, 10).unwrap().len(), 1);
    drop(writing);
    let catalog = reopen(catalog, &folder);
    let evidence = catalog.segment_evidence(segment).unwrap();
    assert_eq!(evidence.effective(1), Effective::State(EvidenceState::Planned));
    let mut writing = writer(&catalog, segment);
    assert_eq!(writing.next_sequence(), 1);
    assert_eq!(names(&catalog, b"dir"), [""; 0]);
    assert_eq!(names(&catalog, b""), ["kept"]);
    assert!(catalog.outcomes(&run_id("r1"), None, 10).unwrap().is_empty());
    push_file(&mut writing, b"dir/lost", 21, 1);
    writing.checkpoint(2, None, at(102), None).unwrap();
    let versions = catalog.versions(&set(), b"dir/lost").unwrap();
    assert_eq!(versions[0].version.size, ByteCount(21));
    assert!(versions[0].version.evidence.is_at_least(EvidenceState::Flushed));
    let table = catalog.run_evidence(&run_id("r1")).unwrap();
    let flushed = (CopyLetter::A, Effective::State(EvidenceState::Flushed));
    assert_eq!(table.stored[&flushed], FileTotals { files: 2, bytes: ByteCount(31) });
}

#[test]
fn nothing_can_be_called_indexed_that_was_not_synced() {
    let (catalog, _folder) = empty();
    let segment = segment(&catalog);
    let mut writing = writer(&catalog, segment);
    push_file(&mut writing, b"a", 1, 1);
    push_file(&mut writing, b"b", 1, 1);
    writing.checkpoint(2, None, at(101), None).unwrap();
    push_file(&mut writing, b"c", 1, 1);
    writing.flush().unwrap();
    let too_much = catalog.say_evidence(segment, EvidenceState::Indexed, 0..3, at(102), None);
    assert_eq!(too_much.unwrap_err().kind(), CatalogErrorKind::Bug);
    catalog.say_evidence(segment, EvidenceState::Indexed, 0..2, at(102), None).unwrap();
    let evidence = catalog.segment_evidence(segment).unwrap();
    assert_eq!(evidence.ranges(3).len(), 2);
}

#[test]
fn a_second_writer_on_a_segment_is_refused_while_the_first_lives() {
    let (catalog, _folder) = empty();
    let segment = segment(&catalog);
    let first = writer(&catalog, segment);
    let clock = Arc::new(crate::domain::VirtualClock::default());
    let second = catalog.run_writer(segment, clock);
    assert!(matches!(second, Err(CatalogError::Misuse(_))));
    drop(first);
    drop(writer(&catalog, segment));
    let clock = Arc::new(crate::domain::VirtualClock::default());
    let nothing = catalog.run_writer(SegmentId(77), clock);
    assert_eq!(nothing.unwrap_err().kind(), CatalogErrorKind::NotFound);
}

#[test]
fn a_split_file_counts_once_and_only_as_far_as_all_its_parts_do() {
    let (catalog, _folder) = empty();
    let (first, second) = (volume(&catalog, 1), volume(&catalog, 2));
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let part = |number, offset, size| CopyPart {
        number,
        of: None,
        offset,
        size: ByteCount(size),
        sha256: Some(digest(b"part", offset.cast_signed())),
    };
    let one = catalog.begin_segment(&run, first, CopyLetter::A).unwrap();
    let mut writing = writer(&catalog, one);
    push_file(&mut writing, b"small", 5, 1);
    let extents = [extent(20, 600)];
    let mut copy = plain_file(1, b"big", 1000, 1, &extents);
    let sha256 = copy.sha256;
    (copy.sha256, copy.part) = (None, Some(part(1, 0, 600)));
    writing.push(&copy).unwrap();
    writing.checkpoint(1, None, at(101), None).unwrap();
    catalog.say_evidence(one, EvidenceState::Indexed, 0..2, at(102), None).unwrap();
    let flushed = Effective::State(EvidenceState::Flushed);
    let planned = Effective::State(EvidenceState::Planned);
    let indexed = Effective::State(EvidenceState::Indexed);
    let evidence =
        |catalog: &Catalog| catalog.versions(&set(), b"big").unwrap()[0].version.evidence.clone();
    assert_eq!(evidence(&catalog), planned, "the second part is still missing");
    let two = catalog.begin_segment(&run, second, CopyLetter::A).unwrap();
    let mut writing = writer(&catalog, two);
    (copy.sha256, copy.part) = (sha256, Some(part(2, 600, 400)));
    writing.push(&copy).unwrap();
    writing.checkpoint(2, None, at(103), None).unwrap();
    assert_eq!(evidence(&catalog), flushed);
    let table = catalog.run_evidence(&run).unwrap();
    assert_eq!(
        table.stored[&(CopyLetter::A, flushed)],
        FileTotals { files: 1, bytes: ByteCount(1000) }
    );
    assert_eq!(
        table.stored[&(CopyLetter::A, indexed.clone())],
        FileTotals { files: 1, bytes: ByteCount(5) }
    );
    catalog.say_evidence(two, EvidenceState::Indexed, 0..1, at(104), None).unwrap();
    let versions = catalog.versions(&set(), b"big").unwrap();
    assert_eq!(versions[0].version.evidence, indexed);
    assert_eq!(versions[0].version.sha256, sha256, "the last part brings the digest");
    assert_eq!(versions[0].copies.len(), 2);
    assert_eq!(versions[0].copies[1].part, copy.part);
    assert_eq!(versions[0].copies[1].volume, second);
}

#[test]
fn a_second_copy_makes_a_file_as_safe_as_the_better_one() {
    let (catalog, _folder) = empty();
    let (first, second) = (volume(&catalog, 1), volume(&catalog, 2));
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    for (uuid, copy) in [(first, CopyLetter::A), (second, CopyLetter::B)] {
        let segment = catalog.begin_segment(&run, uuid, copy).unwrap();
        let mut writing = writer(&catalog, segment);
        push_file(&mut writing, b"a", 5, 1);
        writing.checkpoint(1, None, at(101), None).unwrap();
        catalog.say_evidence(segment, EvidenceState::Indexed, 0..1, at(102), None).unwrap();
    }
    let versions = catalog.versions(&set(), b"a").unwrap();
    assert_eq!(versions[0].copies.len(), 2);
    let failed = [(versions[0].copies[0].id, "hash differs".to_owned())];
    catalog.fail_copies(&failed, at(103), None).unwrap();
    let version = &catalog.versions(&set(), b"a").unwrap()[0].version;
    assert_eq!(version.evidence, Effective::State(EvidenceState::Indexed));
    let table = catalog.run_evidence(&run).unwrap();
    let reason = "hash differs".to_owned();
    assert_eq!(table.stored[&(CopyLetter::A, Effective::Failed { reason })].files, 1);
    assert_eq!(table.stored[&(CopyLetter::B, Effective::State(EvidenceState::Indexed))].files, 1);
}

#[test]
fn a_failed_batch_is_kept_and_stored_by_the_next_flush() {
    let (catalog, _folder) = empty();
    let segment = segment(&catalog);
    let mut writing = writer(&catalog, segment);
    push_file(&mut writing, b"deep/er/a", 1, 1);
    let in_the_way = CopyId::new(segment, 0).0;
    let block = |sql: &str| {
        catalog.write("test", |tx| Ok(tx.execute(sql, [in_the_way]).map(|_| ())?)).unwrap();
    };
    block("INSERT INTO copies (id, dir_id, name, extents) VALUES (?1, 1, x'61', x'00')");
    assert_eq!(writing.flush().unwrap_err().kind(), CatalogErrorKind::Bug);
    block("DELETE FROM copies WHERE id = ?1");
    push_file(&mut writing, b"deep/b", 1, 1);
    writing.checkpoint(2, None, at(101), None).unwrap();
    assert_eq!(names(&catalog, b"deep"), ["b", "er"]);
    assert_eq!(names(&catalog, b"deep/er"), ["a"]);
}

/// The files of a catalog are copied while a run writes, as a power cut leaves them; each copy must open
/// and hold exactly what was checkpointed by then.
#[test]
fn a_copy_of_the_files_at_any_moment_is_a_whole_catalog_as_of_a_checkpoint() {
    let (catalog, folder) = empty();
    let segment = segment(&catalog);
    let mut writing = writer(&catalog, segment);
    for round in 0..30_u64 {
        let before = catalog.segment(segment).unwrap().checkpoint.sequence;
        for n in 0..=round {
            push_file(&mut writing, format!("d{}/f{round}-{n}", n % 3).as_bytes(), 100, 1);
            if n == round / 2 {
                writing.flush().unwrap();
            }
        }
        if round % 2 == 0 {
            writing.checkpoint(writing.next_sequence(), None, at(200), None).unwrap();
        }
        let after = catalog.segment(segment).unwrap().checkpoint.sequence;
        let cut = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal"] {
            let from = super::super::open::beside(&file_in(&folder), suffix);
            let to = super::super::open::beside(&file_in(&cut), suffix);
            let mut bytes = fs::read(from).unwrap();
            if suffix == "-wal" && round % 3 == 0 {
                // The last write was torn.
                bytes.truncate(bytes.len() - usize::try_from(round * 97).unwrap());
            }
            fs::write(to, bytes).unwrap();
        }
        let copy = Catalog::open(&file_in(&cut), OpenCheck::Whole).unwrap();
        let checkpoint = copy.segment(segment).unwrap().checkpoint.sequence;
        assert!(checkpoint <= after, "round {round}");
        if round % 3 != 0 {
            assert!(checkpoint >= before, "round {round}");
        }
        let writing = writer(&copy, segment);
        assert_eq!(writing.next_sequence(), checkpoint);
        let kept = copy.segment_copies(segment, 0, 10_000).unwrap();
        assert_eq!(kept.len(), usize::try_from(checkpoint).unwrap());
        assert!(kept.iter().all(|copy| copy.copy.evidence.is_at_least(EvidenceState::Flushed)));
    }
}

#[test]
fn sums_over_many_batches_agree_with_a_count() {
    let (catalog, _folder) = empty();
    let segment = segment(&catalog);
    let mut writing = writer(&catalog, segment);
    for n in 0..45_000_u64 {
        let path = format!("d{}/f{n}", n / 1000);
        push_file(&mut writing, path.as_bytes(), n, 1);
    }
    writing.checkpoint(45_000, None, at(200), None).unwrap();
    catalog.say_evidence(segment, EvidenceState::Indexed, 123..44_001, at(201), None).unwrap();
    let table = catalog.run_evidence(&run_id("r1")).unwrap();
    let sum = |range: std::ops::Range<u64>| FileTotals {
        files: range.end - range.start,
        bytes: ByteCount(range.sum()),
    };
    let indexed = table.stored[&(CopyLetter::A, Effective::State(EvidenceState::Indexed))];
    assert_eq!(indexed, sum(123..44_001));
    let flushed = table.stored[&(CopyLetter::A, Effective::State(EvidenceState::Flushed))];
    let (low, high) = (sum(0..123), sum(44_001..45_000));
    assert_eq!(flushed.files, low.files + high.files);
    assert_eq!(flushed.bytes.0, low.bytes.0 + high.bytes.0);
}
