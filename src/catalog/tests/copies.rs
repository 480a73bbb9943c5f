//! Several copies of a set: whichever was written first, whichever is lost.

use super::super::test_support::{
    at, digest, empty, plain_file, push_file, run_id, set, start_run, volume, writer,
};
use super::super::*;
use crate::domain::{CopyLetter, JobId, RunId, VolumeUuid};

/// Puts files into a copy of a run, on a volume of its own; the first `safe` of them are indexed.
fn put(
    catalog: &Catalog,
    run: &RunId,
    copy: CopyLetter,
    files: &[&str],
    safe: usize,
) -> (SegmentId, VolumeUuid) {
    let uuid = volume(catalog, u128::from(copy.number()) + 1);
    let segment = catalog.begin_segment(run, uuid, copy).unwrap();
    let mut writing = writer(catalog, segment);
    for (number, path) in files.iter().enumerate() {
        push_file(&mut writing, path.as_bytes(), 10, 1);
        if number + 1 == safe {
            writing.checkpoint(safe as u64, None, at(101), None).unwrap();
            let range = 0..safe as u64;
            catalog.say_evidence(segment, EvidenceState::Indexed, range, at(102), None).unwrap();
        }
    }
    writing.flush().unwrap();
    (segment, uuid)
}

fn indexed_in(catalog: &Catalog, path: &str) -> Vec<CopyLetter> {
    let versions = catalog.versions(&set(), path.as_bytes()).unwrap();
    versions[0].version.copies_with(EvidenceState::Indexed).collect()
}

#[test]
fn the_first_letter_is_the_first_copy_whichever_was_written_first() {
    for order in [[CopyLetter::A, CopyLetter::B], [CopyLetter::B, CopyLetter::A]] {
        let (catalog, _folder) = empty();
        let run = start_run(&catalog, "r1", RunKind::Full, 100);
        for copy in order {
            put(&catalog, &run, copy, &["a", "d/b"], 2);
        }
        let versions = catalog.versions(&set(), b"d/b").unwrap();
        let letters: Vec<_> = versions[0].copies.iter().map(|copy| copy.letter).collect();
        assert_eq!(letters, [CopyLetter::A, CopyLetter::B], "{order:?}");
        assert_eq!(versions[0].version.volume, Some(volume(&catalog, 1)));
        assert_eq!(indexed_in(&catalog, "a"), [CopyLetter::A, CopyLetter::B]);
        let table = catalog.run_evidence(&run).unwrap();
        let files = |copy| table.stored[&(copy, Effective::State(EvidenceState::Indexed))].files;
        assert_eq!([CopyLetter::A, CopyLetter::B].map(files), [2, 2]);
        assert!(catalog.wait_until_searchable());
        let query = SearchQuery { text: "b".to_owned(), ..SearchQuery::default() };
        assert_eq!(catalog.search(&query, None, 10).unwrap().hits.len(), 1, "found once");
    }
}

/// Copy A was cut off behind its first file, copy B was safe with both.
#[test]
fn what_one_copy_has_to_write_again_the_other_still_has() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let (a, _) = put(&catalog, &run, CopyLetter::A, &["a", "b"], 1);
    put(&catalog, &run, CopyLetter::B, &["a", "b"], 2);
    assert!(catalog.wait_until_searchable());
    drop(writer(&catalog, a));
    assert_eq!(indexed_in(&catalog, "a"), [CopyLetter::A, CopyLetter::B]);
    assert_eq!(indexed_in(&catalog, "b"), [CopyLetter::B]);
    let query = SearchQuery { text: "b".to_owned(), ..SearchQuery::default() };
    assert_eq!(catalog.search(&query, None, 10).unwrap().hits.len(), 1, "and is found");
    let mut writing = writer(&catalog, a);
    push_file(&mut writing, b"b", 10, 1);
    writing.checkpoint(2, None, at(103), None).unwrap();
    catalog.say_evidence(a, EvidenceState::Indexed, 0..2, at(104), None).unwrap();
    assert_eq!(indexed_in(&catalog, "b"), [CopyLetter::A, CopyLetter::B]);
    catalog.abandon_segment(a).unwrap_err();
    drop(writing);
    catalog.abandon_segment(a).unwrap();
    assert_eq!(indexed_in(&catalog, "a"), [CopyLetter::B]);
    assert_eq!(catalog.segments_of_run(&run).unwrap().len(), 1);
}

#[test]
fn a_copy_with_another_content_is_none() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    put(&catalog, &run, CopyLetter::A, &["a"], 1);
    let second = volume(&catalog, 2);
    let segment = catalog.begin_segment(&run, second, CopyLetter::B).unwrap();
    let mut writing = writer(&catalog, segment);
    let mut copy = plain_file(0, b"a", 10, 1, &[]);
    copy.sha256 = Some(digest(b"another", 1));
    writing.push(&copy).unwrap();
    writing.checkpoint(1, None, at(103), None).unwrap();
    catalog.say_evidence(segment, EvidenceState::Indexed, 0..1, at(104), None).unwrap();
    assert_eq!(indexed_in(&catalog, "a"), [CopyLetter::A]);
    let versions = catalog.versions(&set(), b"a").unwrap();
    assert!(matches!(versions[0].copies[1].evidence, Effective::Failed { .. }));
}

#[test]
fn each_copy_lists_what_it_lacks() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    for copy in CopyLetter::first(2) {
        let (segment, _) = put(&catalog, &run, copy, &["a"], 1);
        let mut writing = writer(&catalog, segment);
        let states = [OutcomeState::Changed, OutcomeState::Vanished];
        let missing = NotStored {
            ordinal: 1,
            path: b"b",
            state: states[usize::from(copy.number())],
            reason: "it is so",
            size: crate::domain::ByteCount(3),
        };
        writing.push_not_stored(&missing).unwrap();
        writing.checkpoint(2, None, at(103), None).unwrap();
    }
    let outcomes = catalog.outcomes(&run_id("r1"), None, 10).unwrap();
    let found: Vec<_> = outcomes.iter().map(|it| (it.ordinal, it.copy, it.state)).collect();
    assert_eq!(
        found,
        [(1, CopyLetter::A, OutcomeState::Changed), (1, CopyLetter::B, OutcomeState::Vanished)]
    );
    assert_eq!(catalog.run_evidence(&run).unwrap().not_stored.len(), 2);
}

#[test]
fn a_selection_takes_the_other_copy_of_what_is_bad_or_lost() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let (_, first) = put(&catalog, &run, CopyLetter::A, &["a", "b", "c"], 3);
    let (_, second) = put(&catalog, &run, CopyLetter::B, &["a", "b", "c"], 3);
    let job = JobId(7);
    let request = |at_hand, choosing| SelectionRequest {
        set: set(),
        as_of: AsOf::Now,
        paths: Vec::new(),
        missing: Vec::new(),
        at_hand,
        choosing,
    };
    let waiting = |volume| catalog.waiting_items(job, volume, None, 10).unwrap();
    catalog.select_for_restore(job, &request(vec![second], Choosing::Best)).unwrap();
    assert_eq!((waiting(first).len(), waiting(second).len()), (0, 3), "no cartridge is loaded");
    catalog.select_for_restore(job, &request(Vec::new(), Choosing::Every)).unwrap();
    assert_eq!((waiting(first).len(), waiting(second).len()), (3, 3));

    catalog.select_for_restore(job, &request(Vec::new(), Choosing::Best)).unwrap();
    let items = waiting(first);
    assert_eq!(items.len(), 3);
    let bad = items[1].located.copy.id;
    catalog.fail_copies(&[(bad, "unreadable".to_owned())], at(105), Some(job)).unwrap();
    let outcome = [
        (items[0].key, ItemState::Done, None),
        (items[1].key, ItemState::Failed, Some("unreadable".to_owned())),
    ];
    catalog.finish_items(job, &outcome).unwrap();
    assert_eq!(catalog.choose_other_copies(job, &[]).unwrap(), 1, "only the bad one");
    assert_eq!((waiting(first).len(), waiting(second).len()), (1, 1));
    assert_eq!(catalog.choose_other_copies(job, &[first]).unwrap(), 1, "and what is lost");
    assert_eq!((waiting(first).len(), waiting(second).len()), (0, 2));
    assert_eq!(catalog.choose_other_copies(job, &[first, second]).unwrap(), 0);
    assert_eq!(waiting(second).len(), 2, "what has no other copy stays");
}
