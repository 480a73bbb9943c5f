//! What is on one volume, what would be lost with it, and what happened to its cartridge.

use super::super::cartridge_history::HistoryPlace;
use super::super::test_support::{
    at, empty, plain_file, push_file, set, start_run, volume, writer,
};
use super::super::*;
use crate::domain::{CopyLetter, DriveSerial, JobId, LibrarySerial, RunId, VolumeUuid};

/// Puts files into a copy of a run on the nth volume, indexed.
fn put(
    catalog: &Catalog,
    run: &RunId,
    number: u128,
    copy: CopyLetter,
    files: &[&str],
) -> (SegmentId, VolumeUuid) {
    let uuid = volume(catalog, number);
    catalog.join_set(uuid, &set(), copy).unwrap();
    let segment = catalog.begin_segment(run, uuid, copy).unwrap();
    let mut writing = writer(catalog, segment);
    for path in files {
        push_file(&mut writing, path.as_bytes(), 10, 1);
    }
    let next = writing.next_sequence();
    writing.checkpoint(next, None, at(101), None).unwrap();
    catalog.say_evidence(segment, EvidenceState::Indexed, 0..next, at(102), None).unwrap();
    (segment, uuid)
}

/// Every entry of a folder, page by page: name, `/` for folders, `*` for what is kept of it.
fn listed(catalog: &Catalog, volume: VolumeUuid, path: &str, limit: usize) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page =
            catalog.volume_children(volume, path.as_bytes(), after.as_deref(), limit).unwrap();
        assert!(page.entries.len() <= limit);
        names.extend(page.entries.iter().map(|entry| {
            let name = String::from_utf8_lossy(&entry.name);
            let slash = if entry.is_directory { "/" } else { "" };
            let star = if entry.version.is_some() { "*" } else { "" };
            format!("{name}{slash}{star}")
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return names,
        }
    }
}

#[test]
fn a_volume_shows_what_has_a_copy_on_it_and_nothing_else() {
    let (catalog, _folder) = empty();
    let first = start_run(&catalog, "r1", RunKind::Full, 100);
    let (_, one) = put(&catalog, &first, 1, CopyLetter::A, &["a/1", "a/2", "b/deep/3", "top"]);
    catalog.set_run_state(&first, RunState::Complete, None, at(150)).unwrap();
    let second = start_run(&catalog, "r2", RunKind::Incremental, 200);
    let (_, two) = put(&catalog, &second, 2, CopyLetter::A, &["a/2", "c/4"]);
    for limit in [1, 2, 100] {
        assert_eq!(listed(&catalog, one, "/", limit), ["a/", "b/", "top*"]);
        assert_eq!(listed(&catalog, one, "/a", limit), ["1*", "2*"]);
        assert_eq!(listed(&catalog, one, "b", limit), ["deep/"]);
        assert_eq!(listed(&catalog, one, "/c", limit), [""; 0]);
        assert_eq!(listed(&catalog, two, "", limit), ["a/", "c/"]);
        assert_eq!(listed(&catalog, two, "a", limit), ["2*"]);
    }
    // The old cartridge still has the old version of what the new run stored again.
    let run_of = |volume| {
        let page = catalog.volume_children(volume, b"a", Some(b"1"), 1).unwrap();
        page.entries[0].version.as_ref().unwrap().run.to_string()
    };
    assert_eq!((run_of(one), run_of(two)), ("r1".to_owned(), "r2".to_owned()));
    // What is written later is there when it is looked at again.
    let (_, again) =
        put(&catalog, &start_run(&catalog, "r3", RunKind::Full, 300), 2, CopyLetter::A, &["d/5"]);
    assert_eq!(again, two);
    assert_eq!(listed(&catalog, two, "/", 100), ["a/", "c/", "d/"]);
}

#[test]
fn a_page_of_a_large_folder_ends_and_goes_on_without_missing_a_name() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let elsewhere: Vec<String> = (0..5_000).map(|n| format!("d/{n:05}")).collect();
    let elsewhere: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
    put(&catalog, &run, 1, CopyLetter::A, &elsewhere);
    let (_, here) =
        put(&catalog, &run, 2, CopyLetter::A, &["d/00000x", "d/02000x", "d/04999x", "d/x/y"]);
    assert_eq!(listed(&catalog, here, "d", 2), ["00000x*", "02000x*", "04999x*", "x/"]);
    let first = catalog.volume_children(here, b"d", None, 100).unwrap();
    assert!(
        first.next.is_some() && first.entries.len() < 4,
        "a page looks at so many rows at most"
    );
}

#[test]
fn what_would_be_lost_with_a_volume_is_what_no_other_volume_has_proven() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let (_, a) = put(&catalog, &run, 1, CopyLetter::A, &["d/alone", "d/both", "proven", "unread"]);
    let (b, second) = put(&catalog, &run, 2, CopyLetter::B, &["d/both", "proven", "unread"]);
    catalog.say_evidence(b, EvidenceState::ReadBack, 1..2, at(200), Some(JobId(9))).unwrap();
    let loss = catalog.volume_loss(a, 10).unwrap();
    let counts = (loss.all.files, loss.lost.files, loss.unproven.files);
    assert_eq!(counts, (4, 1, 2));
    assert_eq!((loss.lost.bytes.0, loss.unproven.bytes.0), (10, 20));
    let paths: Vec<_> = loss.first.iter().map(|file| String::from_utf8_lossy(&file.path)).collect();
    assert_eq!(paths, ["d/alone", "d/both", "unread"]);
    assert_eq!(loss.first[0].others.len(), 0);
    assert_eq!(
        (loss.first[1].others[0].copy, loss.first[1].others[0].volume),
        (CopyLetter::B, second)
    );
    assert_eq!(catalog.volume_loss(a, 1).unwrap().first.len(), 1);
    // Copies on a volume that is lost itself are none.
    catalog.set_volume_state(second, VolumeState::Missing, None, at(300)).unwrap();
    assert_eq!(catalog.volume_loss(a, 0).unwrap().lost.files, 4);
}

#[test]
fn a_split_file_is_counted_once_and_by_its_whole_copy() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let parts = |number: u128, copy, parts: &[(u32, u64)]| {
        let uuid = volume(&catalog, number);
        let segment = catalog.begin_segment(&run, uuid, copy).unwrap();
        let mut writing = writer(&catalog, segment);
        for (number, size) in parts {
            let part = CopyPart {
                number: *number,
                of: Some(2),
                offset: u64::from(number - 1) * 10,
                size: crate::domain::ByteCount(*size),
                sha256: None,
            };
            let file = plain_file(0, b"big", 20, 1, &[]);
            writing.push(&NewCopy { part: Some(part), ..file }).unwrap();
        }
        let next = writing.next_sequence();
        writing.checkpoint(next, None, at(101), None).unwrap();
        catalog.say_evidence(segment, EvidenceState::ReadBack, 0..next, at(102), None).unwrap();
        uuid
    };
    let first = parts(1, CopyLetter::A, &[(1, 10)]);
    let both = parts(2, CopyLetter::B, &[(1, 10), (2, 10)]);
    assert_eq!(catalog.volume_loss(first, 9).unwrap().lost.files, 0);
    let loss = catalog.volume_loss(both, 9).unwrap();
    assert_eq!((loss.all.files, loss.lost.files), (1, 1), "copy A lacks its second part");
}

#[test]
fn the_life_of_a_cartridge_is_told_from_its_newest_event_on_and_page_by_page() {
    let (catalog, _folder) = empty();
    let library = LibrarySerial("LIB1".to_owned());
    catalog.saw_library(&library, &ProductIdentity::default(), at(1)).unwrap();
    let sighting = CartridgeSighting {
        barcode: "FSP001L9".parse().ok(),
        medium_serial: None,
        generation: None,
        kind: None,
        is_write_protected: None,
        place: None,
    };
    let id = catalog.saw_cartridge(&sighting, at(2)).unwrap().id;
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let (segment, uuid) = put(&catalog, &run, 1, CopyLetter::A, &["a", "b"]);
    let record = catalog.volume(uuid).unwrap().volume;
    catalog.saw_volume(&NewVolume { cartridge: Some(id), ..record }).unwrap();
    let drive = DriveSerial("SN1".to_owned());
    catalog.cartridge_loaded(id, &drive, JobId(7), at(200)).unwrap();
    catalog.say_evidence(segment, EvidenceState::ReadBack, 0..1, at(201), Some(JobId(7))).unwrap();
    catalog.say_evidence(segment, EvidenceState::ReadBack, 1..2, at(202), Some(JobId(7))).unwrap();
    let order = MoveOrder {
        library,
        barcode: "FSP001L9".parse().ok(),
        from_element: 256,
        to_element: 4,
        job: Some(JobId(8)),
    };
    let number = catalog.begin_move(&order, at(300)).unwrap();
    let end = MoveEnd { outcome: "moved".to_owned(), found_at: Some(4) };
    catalog.end_move(number, &end, at(301)).unwrap();
    catalog.set_volume_state(uuid, VolumeState::Closed, Some("full"), at(400)).unwrap();
    catalog.note_cartridge(id, &NoteChange::Lock { reason: None }, at(500), "ada").unwrap();

    let barcode = "FSP001L9".parse().unwrap();
    let (mut events, mut before) = (Vec::new(), HistoryPlace::NEWEST);
    loop {
        let page = catalog.cartridge_history(id, Some(&barcode), before, 2).unwrap();
        let Some(last) = page.last() else { break };
        before = last.place;
        events.extend(page);
    }
    let codes: Vec<&str> = events.iter().map(|event| event.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "locked",
            "closed",
            "moved",
            "verified",
            "loaded",
            "indexed",
            "written",
            "first_seen",
            "formatted"
        ]
    );
    assert_eq!(events[2].elements, Some((256, 4)));
    assert_eq!(events[3].message, "run r1: 2 copies");
    assert_eq!((events[3].job, events[3].at), (Some(JobId(7)), at(202)));
    assert!(events[1].message.contains("full"), "{events:?}");
    assert_eq!(catalog.cartridge(id).unwrap().load_count, 1);
}
