//! Finding files, also while they are being stored.

use std::fs;

use proptest::prelude::{any, prop_assert, proptest};

use super::super::test_support::{
    at, empty, file_in, push_file, reopen, run_id, set, start_run, volume, writer,
};
use super::super::{Catalog, CatalogErrorKind, RunKind};
use super::*;
use crate::domain::CopyLetter;

/// Files with sizes and times, stored by one run on the nth volume.
fn store(catalog: &Catalog, name: &str, number: u128, files: &[(&str, u64, i64)]) {
    let uuid = volume(catalog, number);
    let run = start_run(catalog, name, RunKind::Full, 100 + i64::try_from(number).unwrap());
    let segment = catalog.begin_segment(&run, uuid, CopyLetter::A).unwrap();
    let mut writing = writer(catalog, segment);
    for (path, size, modified) in files {
        push_file(&mut writing, path.as_bytes(), *size, *modified);
    }
    writing.checkpoint(writing.next_sequence(), None, at(900), None).unwrap();
    assert!(catalog.wait_until_searchable());
}

const YEAR: i64 = 365 * 86_400;

fn library() -> (Catalog, tempfile::TempDir) {
    let (catalog, folder) = empty();
    let files = [
        ("photos/Holiday 2019/IMG_0012.JPG", 3_000_000, 49 * YEAR),
        ("photos/Holiday 2019/IMG_0013.jpg", 2_000_000, 49 * YEAR + 86_400),
        ("photos/Über uns/café.png", 500_000, 50 * YEAR),
        ("music/img_song.flac", 30_000_000, 30 * YEAR),
        ("notes/a", 0, 20 * YEAR),
        ("notes/plan for holiday.txt", 10, -YEAR),
    ];
    store(&catalog, "r1", 1, &files);
    (catalog, folder)
}

fn query(text: &str) -> SearchQuery {
    SearchQuery { text: text.to_owned(), ..SearchQuery::default() }
}

fn found(catalog: &Catalog, query: &SearchQuery) -> Vec<String> {
    let mut paths = Vec::new();
    let mut after = None;
    loop {
        let page = catalog.search(query, after, 2).unwrap();
        let text = |hit: &SearchHit| String::from_utf8_lossy(&hit.path).into_owned();
        paths.extend(page.hits.iter().map(text));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    paths.sort();
    paths
}

#[test]
fn words_are_found_anywhere_in_a_path() {
    let (catalog, _folder) = library();
    let [twelve, thirteen] =
        ["photos/Holiday 2019/IMG_0012.JPG", "photos/Holiday 2019/IMG_0013.jpg"];
    assert_eq!(found(&catalog, &query("img_001")), [twelve, thirteen]);
    assert_eq!(found(&catalog, &query("0012")), [twelve]);
    assert_eq!(found(&catalog, &query("mg_")), ["music/img_song.flac", twelve, thirteen]);
    assert_eq!(found(&catalog, &query("holi img")), [twelve, thirteen]);
    assert_eq!(
        found(&catalog, &query("HOLIDAY")),
        ["notes/plan for holiday.txt", twelve, thirteen]
    );
    assert_eq!(found(&catalog, &query("oliday 20")), [twelve, thirteen]);
    assert_eq!(found(&catalog, &query("2019/img_0012")), [twelve]);
    assert_eq!(found(&catalog, &query("os/")), [twelve, thirteen, "photos/Über uns/café.png"]);
    assert_eq!(found(&catalog, &query("ac")), ["music/img_song.flac"]);
    assert_eq!(found(&catalog, &query("a 12")), [twelve]);
    assert_eq!(found(&catalog, &query("CAFE uber")), ["photos/Über uns/café.png"]);
    assert_eq!(found(&catalog, &query("12 img")), [twelve]);
    assert_eq!(found(&catalog, &query("zz")), [""; 0]);
    assert_eq!(found(&catalog, &query("\"*' OR")), [""; 0]);
}

#[test]
fn conditions_narrow_and_are_exact_at_their_ends() {
    let (catalog, _folder) = library();
    let jpg = SearchQuery { extension: Some(".JPG".to_owned()), ..SearchQuery::default() };
    assert_eq!(found(&catalog, &jpg).len(), 2);
    let large = SearchQuery { size_min: Some(ByteCount(2_000_001)), ..jpg.clone() };
    assert_eq!(found(&catalog, &large), ["photos/Holiday 2019/IMG_0012.JPG"]);
    let day = SearchQuery {
        modified_from: Some(at(49 * YEAR + 1)),
        modified_before: Some(at(50 * YEAR + 1)),
        ..SearchQuery::default()
    };
    let expected = ["photos/Holiday 2019/IMG_0013.jpg", "photos/Über uns/café.png"];
    assert_eq!(found(&catalog, &day), expected);
    let old = SearchQuery { modified_before: Some(at(0)), ..SearchQuery::default() };
    assert_eq!(found(&catalog, &old), ["notes/plan for holiday.txt"]);
    let nothing = SearchQuery { size_max: Some(ByteCount(0)), ..SearchQuery::default() };
    assert_eq!(found(&catalog, &nothing), ["notes/a"]);
    let under = SearchQuery { under: Some(b"photos/Holiday 2019".to_vec()), ..query("") };
    assert_eq!(found(&catalog, &under).len(), 2);
    let half_a_name = SearchQuery { under: Some(b"photos/Holiday".to_vec()), ..query("") };
    assert_eq!(found(&catalog, &half_a_name), [""; 0]);
    let set = SearchQuery { set: Some(set()), ..query("plan") };
    assert_eq!(found(&catalog, &set).len(), 1);
    let proven = SearchQuery { evidence_min: Some(EvidenceState::Indexed), ..query("plan") };
    assert_eq!(found(&catalog, &proven), [""; 0]);
    let asked_nothing = catalog.search(&SearchQuery::default(), None, 10).unwrap_err();
    assert_eq!(asked_nothing.kind(), CatalogErrorKind::Refused);
}

#[test]
fn a_file_is_shown_by_its_newest_version_that_fits() {
    let (catalog, _folder) = library();
    store(&catalog, "r2", 2, &[("music/img_song.flac", 31_000_000, 51 * YEAR)]);
    let page = catalog.search(&query("img_song"), None, 10).unwrap();
    assert_eq!(page.hits.len(), 1);
    assert_eq!(page.hits[0].version.run, run_id("r2"));
    assert_eq!(page.hits[0].volumes.len(), 1);
    let old = SearchQuery { modified_before: Some(at(40 * YEAR)), ..query("img_song") };
    let page = catalog.search(&old, None, 10).unwrap();
    assert_eq!(page.hits[0].version.run, run_id("r1"));
    let run = SearchQuery { run: Some(run_id("r1")), ..query("img") };
    assert_eq!(found(&catalog, &run).len(), 3);
}

#[test]
fn a_damaged_missing_or_foreign_index_is_made_anew() {
    let (mut catalog, folder) = library();
    let path = super::super::open::beside(&file_in(&folder), ".search");
    let damages: [Box<dyn Fn()>; 3] = [
        Box::new(|| fs::remove_file(&path).unwrap()),
        Box::new(|| fs::write(&path, b"no database at all, but long enough to be read").unwrap()),
        Box::new(|| {
            let other = rusqlite::Connection::open(&path).unwrap();
            other.execute("UPDATE about SET value = 'x' WHERE key = 'catalog'", []).unwrap();
        }),
    ];
    for damage in damages {
        drop(catalog);
        damage();
        catalog = Catalog::open(&file_in(&folder), super::super::OpenCheck::WhenDue).unwrap();
        assert!(catalog.wait_until_searchable());
        assert_eq!(found(&catalog, &query("img_001")).len(), 2);
        assert!(catalog.search_status().is_current);
    }
    let catalog = reopen(catalog, &folder);
    assert_eq!(found(&catalog, &query("img_001")).len(), 2);
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(12))]

    /// Whatever the names and the question: the same files as a scan of all of them finds.
    #[test]
    fn a_search_finds_what_a_scan_of_all_names_finds(
        names in proptest::collection::btree_set("[a-cA-C.é_ ]{1,8}", 1..40),
        words in proptest::collection::vec("[a-cB.é_]{1,4}", 1..3),
        sizes in proptest::collection::vec(any::<u16>(), 40),
        bound in any::<u16>(),
    ) {
        let (catalog, _folder) = empty();
        let files: Vec<(String, u64)> = names
            .iter()
            .filter(|name| !matches!(name.as_str(), "." | ".."))
            .zip(&sizes)
            .map(|(name, size)| (format!("x/{name}"), u64::from(*size)))
            .collect();
        let stored: Vec<_> =
            files.iter().map(|(path, size)| (path.as_str(), *size, 5)).collect();
        store(&catalog, "r", 1, &stored);
        let query =
            SearchQuery { size_max: Some(ByteCount(u64::from(bound))), ..query(&words.join(" ")) };
        let mut expected: Vec<String> = files
            .iter()
            .filter(|(_, size)| *size <= u64::from(bound))
            .map(|(path, _)| path.clone())
            .filter(|path| words.iter().all(|word| fold(path).contains(&fold(word))))
            .collect();
        expected.sort();
        let found = found(&catalog, &query);
        prop_assert!(found == expected, "{words:?}: {found:?} and not {expected:?}");
    }
}
