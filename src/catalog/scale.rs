//! The catalog at scale, measured: not run by default, because it takes minutes and gigabytes.
//!
//! `FOSSILSAFE_SCALE_FILES=1000000 cargo test --lib catalog::scale -- --ignored --nocapture` prints what
//! stands in SCHEMA.md: inserts a second, bytes a file, times of searches and pages while a run writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::test_support::{at, digest, empty, extent, file_in, set, start_run, volume};
use super::*;
use crate::domain::{ByteCount, Clock as _, CopyLetter, SystemClock};

/// Files stored, if the environment says nothing else.
const FILES_DEFAULT: u64 = 1_000_000;
/// Files in a folder; the last folder gets a tenth of all files.
const FILES_IN_FOLDER: u64 = 1000;
/// Questions of each kind.
const QUESTIONS: u64 = 200;

/// A name and folder as people have them; different for each number, always the same for one.
fn path_of(n: u64, files: u64) -> String {
    const KINDS: [(&str, &str); 5] = [
        ("IMG_", "JPG"),
        ("Invoice-", "pdf"),
        ("recording ", "wav"),
        ("module_", "rs"),
        ("scan.", "tiff"),
    ];
    let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (stem, extension) = KINDS[usize::try_from(mixed >> 61).unwrap() % 5];
    if n >= files - files / 10 {
        return format!("archive/flat/{stem}{n:08}.{extension}");
    }
    let folder = n / FILES_IN_FOLDER;
    let (year, client) = (2005 + folder % 20, folder % 977);
    format!(
        "home/projects/client{client:03}/{year}/part {folder}/{stem}{:06x}.{extension}",
        mixed >> 40
    )
}

fn push(writer: &mut RunWriter, n: u64, files: u64) {
    let path = path_of(n, files);
    let size = 1000 + n.wrapping_mul(2_654_435_761) % 5_000_000;
    let modified = 1_100_000_000 + i64::try_from(n.wrapping_mul(48_271) % 700_000_000).unwrap();
    let extents = [CopyExtent { byte_offset: n * 4096 % 524_288, ..extent(4 + n / 100, size) }];
    let copy = NewCopy {
        ordinal: n,
        path: path.as_bytes(),
        kind: FileKind::File,
        size: ByteCount(size),
        modified: at(modified),
        changed: Some(at(modified + 3)),
        inode: Some(1_000_000 + n),
        sha256: Some(digest(path.as_bytes(), modified)),
        attributes: br#"{"mode":420,"uid":1000,"gid":1000,"user":"ann","group":"users"}"#,
        detail: None,
        extents: &extents,
        codec: None,
        part: None,
        stored_path: None,
    };
    writer.push(&copy).unwrap();
}

fn percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what:44} p50 {:>9.2?}  p99 {:>9.2?}  max {:>9.2?}", at(50), at(99), at(100));
}

fn search_times(catalog: &Catalog, clock: &SystemClock) {
    type Question = fn(u64) -> SearchQuery;
    let kinds: [(&str, Question); 6] = [
        ("beginning of a name", |n| text(&format!("img_{:03x}", n * 19 % 4096))),
        ("middle of a name", |n| text(&format!("{:05x}", n * 7919 % 1_048_576))),
        ("a common word", |n| {
            text(["invoice", "recording", "img_", "module"][usize::try_from(n % 4).unwrap()])
        }),
        ("folder and name", |n| text(&format!("client{:03} scan", n % 977))),
        ("extension and date", |n| SearchQuery {
            extension: Some("jpg".to_owned()),
            modified_from: Some(at(1_100_000_000 + i64::try_from(n).unwrap() * 3_000_000)),
            modified_before: Some(at(1_105_000_000 + i64::try_from(n).unwrap() * 3_000_000)),
            ..SearchQuery::default()
        }),
        ("nothing", |n| text(&format!("img_zz{n}"))),
    ];
    for (what, query) in kinds {
        let mut hits = 0;
        let times = (0..QUESTIONS)
            .map(|n| {
                let query = query(n);
                let begun = clock.elapsed();
                hits += catalog.search(&query, None, 50).unwrap().hits.len();
                clock.elapsed() - begun
            })
            .collect();
        percentiles(&format!("search, {what} ({hits} hits)"), times);
    }
}

fn text(text: &str) -> SearchQuery {
    SearchQuery { text: text.to_owned(), ..SearchQuery::default() }
}

/// The size of a database once its log has been copied back.
fn settled_bytes(folder: &tempfile::TempDir, suffix: &str) -> u64 {
    let path = open::beside(&file_in(folder), suffix);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::metadata(&path).unwrap().len()
}

fn per_second(count: u64, time: Duration) -> u128 {
    u128::from(count) * 1000 / time.as_millis().max(1)
}

#[test]
#[ignore = "takes minutes and gigabytes; see the head of the file"]
fn the_catalog_at_scale() {
    let files = std::env::var("FOSSILSAFE_SCALE_FILES").ok().and_then(|n| n.parse().ok());
    let files: u64 = files.unwrap_or(FILES_DEFAULT);
    let clock = Arc::new(SystemClock::new());
    let (catalog, folder) = empty();
    let uuid = volume(&catalog, 1);
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let segment = catalog.begin_segment(&run, uuid, CopyLetter::A).unwrap();
    let mut writer = catalog.run_writer(segment, clock.clone()).unwrap();
    let begun = clock.elapsed();
    for n in 0..files {
        push(&mut writer, n, files);
    }
    writer.flush().unwrap();
    let stored = clock.elapsed() - begun;
    println!("{files} files stored in {stored:.1?}: {} a second", per_second(files, stored));
    let begun = clock.elapsed();
    writer.checkpoint(files, None, at(200), None).unwrap();
    catalog.say_evidence(segment, EvidenceState::Indexed, 0..files, at(201), None).unwrap();
    println!("checkpoint and evidence of all: {:.1?}", clock.elapsed() - begun);
    catalog.set_run_state(&run, RunState::Complete, None, at(202)).unwrap();
    let begun = clock.elapsed();
    assert!(catalog.wait_until_searchable());
    let indexed = clock.elapsed() - begun;
    println!("search index in {indexed:.1?}: {} files a second", per_second(files, indexed));
    println!(
        "bytes a file: catalog {}, search index {}; and at most 64 MiB of log beside each",
        settled_bytes(&folder, "") / files,
        settled_bytes(&folder, ".search") / files
    );
    sizes_by_table(&catalog, files);
    let second = start_run(&catalog, "r2", RunKind::Incremental, 300);
    let begun = clock.elapsed();
    let mut previous = catalog.previous_entries(&set(), &second).unwrap();
    let entries = previous.directory(b"archive/flat").unwrap().len();
    println!("previous entries of a folder with {entries}: {:.1?}", clock.elapsed() - begun);
    let begun = clock.elapsed();
    let table = catalog.run_evidence(&run).unwrap();
    println!("evidence table: {:.1?}, {:?}", clock.elapsed() - begun, table.stored);
    search_times(&catalog, &clock);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let background = scope.spawn(|| write_until(&catalog, &clock, &second, files, &is_over));
        println!("while a run writes:");
        search_times(&catalog, &clock);
        let pages = (0..QUESTIONS)
            .map(|_| {
                let begun = clock.elapsed();
                catalog.children(&set(), b"archive/flat", &AsOf::Now, None, 200).unwrap();
                clock.elapsed() - begun
            })
            .collect();
        percentiles("first page of the largest folder", pages);
        is_over.store(true, Ordering::SeqCst);
        println!("stored meanwhile: {} a second", background.join().unwrap());
    });
    let begun = clock.elapsed();
    catalog.check().unwrap();
    println!("check of the whole file: {:.1?}", clock.elapsed() - begun);
}

fn write_until(
    catalog: &Catalog,
    clock: &Arc<SystemClock>,
    run: &crate::domain::RunId,
    files: u64,
    is_over: &AtomicBool,
) -> u128 {
    let uuid = volume(catalog, 2);
    let segment = catalog.begin_segment(run, uuid, CopyLetter::A).unwrap();
    let mut writer = catalog.run_writer(segment, clock.clone()).unwrap();
    let begun = clock.elapsed();
    let mut n = 0;
    while !is_over.load(Ordering::SeqCst) {
        push(&mut writer, n % files, files);
        n += 1;
        if n % 200_000 == 0 {
            writer.checkpoint(n, None, at(301), None).unwrap();
        }
    }
    per_second(n, clock.elapsed() - begun)
}

fn sizes_by_table(catalog: &Catalog, files: u64) {
    catalog
        .read("test", |reader| {
            let mut statement = reader.prepare(
                "SELECT name, sum(pgsize), sum(unused) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 6",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (name, bytes, unused): (String, u64, u64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                println!("  {name:36} {:>4} bytes a file, {:>2} % empty", bytes / files, unused * 100 / bytes);
            }
            Ok(())
        })
        .unwrap();
}
