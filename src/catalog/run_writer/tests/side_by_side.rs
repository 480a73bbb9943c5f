//! Two drives that bring the same files, one a moment after the other.

use super::*;
use crate::catalog::runs::NewRun;

/// What two drives do with the same files.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Push(usize, u64),
    Flush(usize),
    Checkpoint(usize),
    /// The drive has failed: what lies beyond its checkpoint is written once more.
    Again(usize),
}

/// Pushes the nth row of a plan: files, folders that have the number of the file after them, here and there
/// another content than the other copy read, or only a first part.
fn push_row(writing: &mut RunWriter, copy: usize, n: u64) {
    let path = format!("d{}/f{n}", n / 5);
    let extents = [extent(n, 10)];
    let mut row = plain_file(n / 2, path.as_bytes(), n, 1, &extents);
    if n.is_multiple_of(5) {
        (row.kind, row.sha256, row.extents) = (FileKind::Directory, None, &[]);
    } else if n % 7 == 3 && copy == 1 {
        row.sha256 = Some(digest(b"another", 1));
    } else if n % 11 == 4 {
        let size = ByteCount(5);
        row.sha256 = None;
        row.part = Some(CopyPart { number: 1, of: None, offset: 0, size, sha256: None });
    }
    writing.push(&row).unwrap();
}

/// A run in two copies, with the segment of each.
fn two_copies(catalog: &Catalog) -> [SegmentId; 2] {
    let volumes = [volume(catalog, 1), volume(catalog, 2)];
    let (run, started) = (run_id("r1"), at(100));
    let (set, kind) = (set(), RunKind::Full);
    let new = NewRun { run, set, kind, parent: None, copies: 2, job: None, started };
    catalog.start_run(&new).unwrap();
    [(0, CopyLetter::A), (1, CopyLetter::B)]
        .map(|(n, letter)| catalog.begin_segment(&run_id("r1"), volumes[n], letter).unwrap())
}

/// Everything that a run writer writes, after these turns; `is_disturbed` if others write in between, so that
/// nothing can be remembered.
fn rows_after(turns: &[Turn], is_disturbed: bool) -> Vec<String> {
    let (catalog, _folder) = empty();
    let segments = two_copies(&catalog);
    let mut writing = segments.map(|segment| Some(writer(&catalog, segment)));
    for turn in turns {
        if is_disturbed {
            let sql = "UPDATE runs SET planned_files = 0";
            catalog.write("test", |tx| Ok(tx.execute(sql, []).map(|_| ())?)).unwrap();
        }
        let (Turn::Push(copy, _) | Turn::Flush(copy) | Turn::Checkpoint(copy) | Turn::Again(copy)) =
            *turn;
        if matches!(turn, Turn::Again(_)) {
            writing[copy] = None;
            writing[copy] = Some(writer(&catalog, segments[copy]));
        }
        let writing = writing[copy].as_mut().unwrap();
        let next = writing.next_sequence();
        match *turn {
            Turn::Push(_, count) => (next..next + count).for_each(|n| push_row(writing, copy, n)),
            Turn::Flush(_) => writing.flush().unwrap(),
            Turn::Checkpoint(_) => writing.checkpoint(next / 2, None, at(200), None).unwrap(),
            Turn::Again(_) => {}
        }
    }
    drop(writing);
    let tables = ["versions", "copies", "extra_copies", "copy_parts", "segment_marks"];
    let mut rows = Vec::new();
    for table in tables {
        rows.extend(dump(&catalog, table, "*"));
    }
    rows.extend(dump(&catalog, "evidence", "segment_id, act, state, from_sequence, to_sequence"));
    rows
}

fn dump(catalog: &Catalog, table: &str, columns: &str) -> Vec<String> {
    let all = |reader: &rusqlite::Connection| {
        let mut statement = reader.prepare(&format!("SELECT {columns} FROM {table}"))?;
        let count = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values: Result<Vec<_>, _> = (0..count).map(|at| row.get_ref(at)).collect();
            Ok(format!("{table} {:?}", values?))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    };
    catalog.read("test", all).unwrap()
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// Whatever two drives do one after the other: what is remembered of versions leads to the same rows as
    /// looking for each of them.
    #[test]
    fn what_is_remembered_of_versions_is_what_the_catalog_says(
        turns in proptest::collection::vec((0..7_u8, 0..2_usize, 1..30_u64), 1..40)
    ) {
        let turns: Vec<Turn> = turns
            .into_iter()
            .map(|(kind, copy, count)| match kind {
                0..3 => Turn::Push(copy, count),
                3..5 => Turn::Flush(copy),
                5 => Turn::Checkpoint(copy),
                _ => Turn::Again(copy),
            })
            .collect();
        proptest::prop_assert_eq!(rows_after(&turns, false), rows_after(&turns, true));
    }
}

/// Pushes small files until the writer has taken so many.
fn push_until(writing: &mut RunWriter, files: usize) {
    let files = files as u64;
    for n in writing.next_sequence()..files {
        writing.push(&plain_file(n, format!("f{n}").as_bytes(), n, 1, &[])).unwrap();
    }
}

#[test]
fn the_second_copy_holds_back_what_the_first_has_not_stored_but_not_for_long() {
    let (catalog, _folder) = empty();
    let clock = Arc::new(crate::domain::VirtualClock::default());
    let [mut first, mut second] =
        two_copies(&catalog).map(|segment| catalog.run_writer(segment, clock.clone()).unwrap());
    let stored = |writing: &RunWriter| {
        let segment = format!("id >> 36 = {}", writing.segment().0);
        dump(&catalog, &format!("copies WHERE {segment}"), "id").len()
    };
    let full = BATCH_COPIES;
    push_until(&mut second, 2 * full);
    assert_eq!(stored(&second), 0, "the first copy has stored nothing");
    push_until(&mut second, 3 * full);
    assert_eq!(stored(&second), full, "too many to be held back");
    push_until(&mut first, 3 * full);
    assert_eq!(stored(&first), 3 * full);
    push_until(&mut second, 4 * full);
    assert_eq!(
        stored(&second),
        2 * full,
        "the first may go on with the number of the third's last row"
    );
    clock.advance(BATCH_AGE);
    push_until(&mut second, 4 * full + 1);
    assert_eq!(stored(&second), 2 * full);
    clock.advance(HELD_BACK_AGE);
    push_until(&mut second, 4 * full + 2);
    assert_eq!(stored(&second), 4 * full + 2, "they are too old");
    push_until(&mut second, 5 * full + 2);
    second.checkpoint(5 * full as u64 + 2, None, at(200), None).unwrap();
    assert_eq!(stored(&second), 5 * full + 2, "what is said to be safe is stored before");
    drop(first);
    push_until(&mut second, 6 * full + 2);
    assert_eq!(stored(&second), 6 * full + 2, "nobody is to be waited for");
}
