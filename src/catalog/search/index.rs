//! The search index: a file of its own beside the catalog, written by a thread of its own.
//!
//! It is made from the catalog and can be made again at any time, so it is never a reason to lose or
//! refuse anything: if it is missing, damaged or of another catalog it is made anew. It takes up copies
//! only up to their segment's checkpoint, in their order, and keeps for each segment how far it has
//! come. Being a second file it costs the run's writer nothing but the processor.
//!
//! A chunk of 65,536 copies is made at once, in memory, and is never changed: a segment that has grown
//! since gets its last chunk anew. Pages of chunks are rows, because that is what makes a torn write
//! impossible; nothing else of SQLite is used.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::super::error::CatalogError;
use super::super::ids::{CopyId, SegmentId};
use super::super::open::{READER_CACHE_KIB, beside, connect};
use super::super::paths::PathSpeller;
use super::chunk::{ChunkBuilder, ChunkSearch, DamagedChunk, PAGE_BITS};
use super::postings::{CHUNK_BITS, CHUNK_FILES};
use super::tokens::{FolderTokens, IndexedFile, Wanted};

/// Folders whose tokens are kept; beyond that the memory is given back and filled anew.
const FOLDERS_KEPT: usize = 50_000;
/// The page cache of the thread that writes the index.
const WRITER_CACHE_KIB: i64 = 4 * 1024;
/// The layout of the index, and of the tokens in it. Another one means: make it anew.
const LAYOUT: &str = "2";

const SCHEMA: &str = "
    CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE marks (segment_id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
    CREATE TABLE pages (id INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;";

/// The copies of a segment of a set's first copy.
const FIRST_COPIES: &str = "SELECT c.id, c.dir_id, c.name, v.size, v.modified FROM copies c
     JOIN versions v ON v.dir_id = c.dir_id AND v.name = c.name AND v.run_id = ?1
     WHERE c.id >= ?2 AND c.id < ?3 ORDER BY c.id";
/// Those of a segment of another copy. They would only be looked up in vain, unless the first is not
/// safe yet: if that is discarded, the other one becomes the first.
const STAND_INS: &str = "SELECT c.id, c.dir_id, c.name, v.size, v.modified FROM copies c
     JOIN versions v ON v.dir_id = c.dir_id AND v.name = c.name AND v.run_id = ?1
     LEFT JOIN segments f ON f.id = v.segment_id
     WHERE c.id >= ?2 AND c.id < ?3 AND (f.id IS NULL
        OR f.id << 36 | v.sequence = c.id OR v.sequence >= f.checkpoint_sequence)
     ORDER BY c.id";

/// How far the index has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchStatus {
    /// True if everything that was checkpointed when it last looked can be found.
    pub is_current: bool,
    /// Copies that still have to be taken up, as far as counted.
    pub waiting: u64,
    /// What keeps it; it tries again when the next run is checkpointed.
    pub failure: Option<String>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Grows with every reason to look for work.
    wanted: u64,
    /// The value of `wanted` that the last finished round began with.
    done: u64,
    is_stopping: bool,
    /// The thread is no more.
    has_ended: bool,
    status: SearchStatus,
}

#[derive(Debug, Default)]
struct Shared {
    progress: Mutex<Progress>,
    changed: Condvar,
}

/// The index, and the thread that writes it.
#[derive(Debug)]
pub(in super::super) struct SearchIndex {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl SearchIndex {
    /// Opens the index at `path` of the catalog named `catalog_uuid`, or makes it, and starts its thread.
    pub(in super::super) fn open(
        path: &Path,
        catalog: &Path,
        catalog_uuid: &str,
    ) -> Result<Self, CatalogError> {
        let writer = open_or_make(path, catalog_uuid)?;
        let reader = connect(catalog, OpenFlags::SQLITE_OPEN_READ_WRITE, false)?;
        reader.pragma_update(None, "query_only", true)?;
        reader.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        let shared = Arc::new(Shared::default());
        shared.progress.lock().wanted = 1;
        let mut indexer = Indexer {
            writer,
            reader,
            speller: PathSpeller::default(),
            folders: HashMap::new(),
            builder: ChunkBuilder::default(),
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new()
            .name("search-index".to_owned())
            .spawn(move || indexer.run())
            .map_err(|source| CatalogError::Io {
                doing: "start the thread of the search index",
                path: path.to_owned(),
                source,
            })?;
        let readers = Mutex::new(Vec::new());
        Ok(Self { path: path.to_owned(), readers, shared, thread: Some(thread) })
    }

    /// Says that there may be more to take up.
    pub(in super::super) fn wake(&self) {
        let mut progress = self.shared.progress.lock();
        progress.wanted += 1;
        progress.status.is_current = false;
        self.shared.changed.notify_all();
    }

    pub(super) fn status(&self) -> SearchStatus {
        self.shared.progress.lock().status.clone()
    }

    /// Waits until a round that begins now or later has ended; true if it left nothing.
    pub(super) fn wait_until_done(&self) -> bool {
        self.wake();
        let mut progress = self.shared.progress.lock();
        let wanted = progress.wanted;
        while progress.done < wanted && !progress.has_ended {
            self.shared.changed.wait(&mut progress);
        }
        progress.done >= wanted && progress.status.failure.is_none()
    }

    /// Visits the copies with numbers from `low` to before `high` that may have what is wanted, the
    /// highest first, until `visit` says to stop; false if it did.
    pub(super) fn candidates(
        &self,
        wanted: &Wanted,
        low: i64,
        high: i64,
        visit: &mut dyn FnMut(CopyId) -> Result<bool, CatalogError>,
    ) -> Result<bool, CatalogError> {
        let reader = match self.readers.lock().pop() {
            Some(reader) => reader,
            None => {
                let reader = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE, false)?;
                reader.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
                reader
            }
        };
        let result = visit_matches(&reader, &self.path, wanted, low..high, visit);
        self.readers.lock().push(reader);
        result.map_err(|error| error.while_doing("search", &self.path))
    }
}

impl Drop for SearchIndex {
    fn drop(&mut self) {
        self.shared.progress.lock().is_stopping = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so; the index is looked after at the next start.
            let _ = thread.join();
        }
    }
}

fn visit_matches(
    reader: &Connection,
    path: &Path,
    wanted: &Wanted,
    range: Range<i64>,
    visit: &mut dyn FnMut(CopyId) -> Result<bool, CatalogError>,
) -> Result<bool, CatalogError> {
    // One view: the chunk that a segment grows in is replaced while questions are answered.
    let view = reader.unchecked_transaction()?;
    let mut newest = view.prepare_cached("SELECT max(id) FROM pages WHERE id < ?1")?;
    let mut page = view.prepare_cached("SELECT content FROM pages WHERE id = ?1")?;
    let mut search = ChunkSearch::default();
    let mut end = first_page(((range.end - 1) >> CHUNK_BITS) + 1);
    loop {
        let last: Option<i64> = newest.query_row([end], |row| row.get(0))?;
        let Some(chunk) = last.map(|id| id >> PAGE_BITS) else { return Ok(true) };
        if (chunk + 1) << CHUNK_BITS <= range.start {
            return Ok(true);
        }
        end = first_page(chunk);
        let mut pages =
            |number: usize, take: &mut dyn FnMut(&[u8])| -> Result<bool, CatalogError> {
                let mut rows = page.query([end + i64::try_from(number).unwrap_or(i64::MAX)])?;
                let Some(row) = rows.next()? else { return Ok(false) };
                take(row.get_ref(0)?.as_blob().unwrap_or_default());
                Ok(true)
            };
        let files = match search.files(wanted, &mut pages)? {
            Ok(Some(files)) => files,
            Ok(None) => continue,
            Err(DamagedChunk) => {
                let detail =
                    format!("chunk {chunk} of the search index is damaged: remove the file");
                return Err(CatalogError::Corrupt { path: path.to_owned(), detail });
            }
        };
        for place in files.descending() {
            let copy = chunk << CHUNK_BITS | place.cast_signed();
            if range.contains(&copy) && !visit(CopyId(copy))? {
                return Ok(false);
            }
        }
    }
}

/// The number of a chunk's first page, its directory.
fn first_page(chunk: i64) -> i64 {
    chunk << PAGE_BITS
}

/// Opens the index if it is whole and this catalog's; else makes it anew.
fn open_or_make(path: &Path, catalog_uuid: &str) -> Result<Connection, CatalogError> {
    if path.exists() {
        match open_existing(path, catalog_uuid) {
            Ok(Some(writer)) => return Ok(writer),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "the search index is made anew");
            }
        }
        for suffix in ["-wal", "-shm", ""] {
            let part = beside(path, suffix);
            match fs::remove_file(&part) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let doing = "remove the old search index";
                    return Err(CatalogError::Io { doing, path: part, source: error });
                }
                _ => {}
            }
        }
    }
    let writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, true)?;
    let make = || -> Result<(), CatalogError> {
        let transaction = writer.unchecked_transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.execute(
            "INSERT INTO about (key, value) VALUES ('catalog', ?1), ('layout', ?2)",
            [catalog_uuid, LAYOUT],
        )?;
        transaction.commit()?;
        Ok(())
    };
    make().map_err(|error| error.while_doing("make the search index", path))?;
    relax(&writer)?;
    Ok(writer)
}

fn open_existing(path: &Path, catalog_uuid: &str) -> Result<Option<Connection>, CatalogError> {
    let writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, false)?;
    let about = |key: &str| -> Result<Option<String>, CatalogError> {
        Ok(writer
            .query_row("SELECT value FROM about WHERE key = ?1", [key], |row| row.get(0))
            .optional()?)
    };
    let is_ours = about("catalog")?.as_deref() == Some(catalog_uuid)
        && about("layout")?.as_deref() == Some(LAYOUT);
    if !is_ours {
        return Ok(None);
    }
    writer.query_row("SELECT count(*) FROM marks", [], |_| Ok(()))?;
    relax(&writer)?;
    Ok(Some(writer))
}

/// A power cut may cost the last chunks of the index, never its consistency: they are made again. Pages
/// are written once, in their order, so hardly any need to be remembered.
fn relax(writer: &Connection) -> Result<(), CatalogError> {
    writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(writer.pragma_update(None, "synchronous", "normal")?)
}

/// The thread's side.
struct Indexer {
    writer: Connection,
    reader: Connection,
    speller: PathSpeller,
    folders: HashMap<i64, Arc<FolderTokens>>,
    builder: ChunkBuilder,
    shared: Arc<Shared>,
}

/// Says that the thread is no more, also after a panic: nobody may wait for it.
impl Drop for Indexer {
    fn drop(&mut self) {
        self.shared.progress.lock().has_ended = true;
        self.shared.changed.notify_all();
    }
}

impl Indexer {
    fn run(&mut self) {
        loop {
            let round = {
                let mut progress = self.shared.progress.lock();
                while progress.wanted == progress.done && !progress.is_stopping {
                    self.shared.changed.wait(&mut progress);
                }
                if progress.is_stopping {
                    return;
                }
                progress.wanted
            };
            let result = self.take_up_all();
            let mut progress = self.shared.progress.lock();
            progress.done = round;
            progress.status.failure = result.as_ref().err().map(ToString::to_string);
            progress.status.is_current = result.is_ok() && progress.wanted == round;
            if let Err(error) = &result {
                tracing::error!(%error, "the search index could not be brought up to date");
            }
            self.shared.changed.notify_all();
        }
    }

    /// Takes up everything up to the checkpoints, in batches, until nothing is left or it shall stop.
    fn take_up_all(&mut self) -> Result<(), CatalogError> {
        loop {
            let waiting = self.waiting_segments()?;
            let total = waiting.iter().map(|(_, from, to)| to - from).sum();
            {
                let mut progress = self.shared.progress.lock();
                progress.status.waiting = total;
                if progress.is_stopping {
                    return Ok(());
                }
            }
            let Some(&(segment, from, to)) = waiting.first() else { return Ok(()) };
            self.take_up(segment, from, to)?;
        }
    }

    /// Segments with copies to take up: from where, and up to where.
    fn waiting_segments(&self) -> Result<Vec<(SegmentId, u64, u64)>, CatalogError> {
        let mut statement = self.reader.prepare_cached(
            "SELECT id, checkpoint_sequence FROM segments
             WHERE checkpoint_sequence > 0 ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| Ok((SegmentId(row.get(0)?), row.get(1)?)))?;
        let mut mark =
            self.writer.prepare_cached("SELECT sequence FROM marks WHERE segment_id = ?1")?;
        let mut waiting = Vec::new();
        for row in rows {
            let (segment, to): (SegmentId, u64) = row?;
            let from = mark.query_row([segment.0], |row| row.get(0)).optional()?.unwrap_or(0);
            if from < to {
                waiting.push((segment, from, to));
            }
        }
        Ok(waiting)
    }

    /// Makes the chunk of the copy `from` up to its end, or to before `to`.
    fn take_up(&mut self, segment: SegmentId, from: u64, to: u64) -> Result<(), CatalogError> {
        let first = from - from % CHUNK_FILES;
        let to = to.min(first + CHUNK_FILES);
        let Self { writer, reader, speller, folders, builder, .. } = self;
        {
            let view = reader.unchecked_transaction()?;
            let (run, is_first): (i64, bool) = view
                .prepare_cached("SELECT run_id, copy_number = 0 FROM segments WHERE id = ?1")?
                .query_row([segment.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut statement =
                view.prepare_cached(if is_first { FIRST_COPIES } else { STAND_INS })?;
            let range = (CopyId::new(segment, first).0, CopyId::new(segment, to).0);
            let mut rows = statement.query(params![run, range.0, range.1])?;
            while let Some(row) = rows.next()? {
                let folder = folder(&view, speller, folders, row.get(1)?)?;
                let file = IndexedFile {
                    name: row.get_ref(2)?.as_blob().unwrap_or_default(),
                    size: row.get(3)?,
                    modified: row.get(4)?,
                };
                let place = row.get::<_, i64>(0)? - range.0;
                builder.add(u16::try_from(place).unwrap_or(u16::MAX), &folder, &file);
            }
        }
        let pages = builder.finish();
        let transaction = writer.unchecked_transaction()?;
        {
            let chunk = CopyId::new(segment, first).0 >> CHUNK_BITS;
            let (id, next) = (first_page(chunk), first_page(chunk + 1));
            transaction
                .prepare_cached("DELETE FROM pages WHERE id >= ?1 AND id < ?2")?
                .execute([id, next])?;
            let mut insert =
                transaction.prepare_cached("INSERT INTO pages (id, content) VALUES (?1, ?2)")?;
            // A directory alone says that there is nothing to be found.
            let pages = if pages.len() > 1 { pages.as_slice() } else { &[] };
            for (id, page) in (id..next).zip(pages) {
                insert.execute(params![id, page])?;
            }
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO marks (segment_id, sequence) VALUES (?1, ?2)",
                )?
                .execute(params![segment.0, to])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

fn folder(
    reader: &Connection,
    speller: &mut PathSpeller,
    folders: &mut HashMap<i64, Arc<FolderTokens>>,
    id: i64,
) -> Result<Arc<FolderTokens>, CatalogError> {
    if let Some(known) = folders.get(&id) {
        return Ok(Arc::clone(known));
    }
    let spelled = speller.dir(reader, id)?;
    let folder = Arc::new(FolderTokens::of(&spelled.path, spelled.set));
    if folders.len() >= FOLDERS_KEPT {
        folders.clear();
    }
    folders.insert(id, Arc::clone(&folder));
    Ok(folder)
}
