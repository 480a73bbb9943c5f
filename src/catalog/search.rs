//! Finding files by what their paths hold, their extension, date and size.
//!
//! The index ([`index`]) yields candidates, newest first; each is looked up in the catalog and checked
//! against the whole question, so a stale or missing entry of the index can hide a file for a moment but
//! never show a wrong one. One page looks at a bounded number of candidates and then says how to go on,
//! so no question takes long, however badly it fits the index.
//!
//! A word of the text matches anywhere in a file's path. Case and accents are ignored. A word of one
//! letter does not narrow the candidates, it is only checked.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::domain::{ByteCount, RunId, SetName, Timestamp, VolumeUuid};

use super::Catalog;
use super::error::CatalogError;
use super::evidence::{Effective, EvidenceState};
use super::files::{EvidenceBook, FileKind, FileVersion, VERSION_COLUMNS, VersionRow};
use super::ids::{CopyId, SEQUENCE_LIMIT, SegmentId, sql_time};
use super::paths::{PathSpeller, join_path, normal_path};
use super::runs::run_key;
use super::sets::{set_id, set_name_at};

mod chunk;
mod index;
mod postings;
mod tokens;

pub(super) use index::SearchIndex;
pub use index::SearchStatus;
use tokens::{Conditions, Wanted, fold};

/// What is looked for. Every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct SearchQuery {
    /// Words; each must be in the path.
    pub text: String,
    /// Only in this set.
    pub set: Option<SetName>,
    /// Only what this run stored.
    pub run: Option<RunId>,
    /// Only names that end in `.extension`; without the dot.
    pub extension: Option<String>,
    /// Only what is below this folder.
    pub under: Option<Vec<u8>>,
    /// At least this large.
    pub size_min: Option<ByteCount>,
    /// At most this large.
    pub size_max: Option<ByteCount>,
    /// Modified at this moment or later.
    pub modified_from: Option<Timestamp>,
    /// Modified before this moment.
    pub modified_before: Option<Timestamp>,
    /// Only with at least this evidence.
    pub evidence_min: Option<EvidenceState>,
}

/// A file that was found: its newest version that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// The set.
    pub set: SetName,
    /// Its path there.
    pub path: Vec<u8>,
    /// The version.
    pub version: FileVersion,
    /// All volumes with a copy or part of it.
    pub volumes: Vec<VolumeUuid>,
}

/// Where the next page begins. Good for the same question only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchCursor(pub i64);

/// A page of what was found, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    /// What was found. May be fewer than asked for, also none, while there is a next page.
    pub hits: Vec<SearchHit>,
    /// Where the next page begins; `None` when all candidates have been looked at.
    pub next: Option<SearchCursor>,
}

/// Candidates that one page looks at: some 20 ms of look-ups in a warm cache.
const CANDIDATES_MAX: usize = 2000;

impl Catalog {
    /// Finds files, newest first. What was checkpointed in the last seconds may not be found yet; see
    /// [`Catalog::search_status`].
    ///
    /// # Errors
    /// `NotFound` for an unknown set or run, `BadQuery` if no condition is given.
    pub fn search(
        &self,
        query: &SearchQuery,
        after: Option<SearchCursor>,
        limit: usize,
    ) -> Result<SearchPage, CatalogError> {
        let question = self.read("search", |reader| Question::of(reader, query))?;
        let below = after.map_or(i64::MAX, |cursor| cursor.0);
        self.read("search", |reader| {
            let mut page = SearchPage::default();
            let mut seen = 0;
            let mut judge = Judge {
                reader,
                question: &question,
                book: EvidenceBook::default(),
                speller: PathSpeller::default(),
            };
            for &(low, high) in &question.ranges {
                let high = high.min(below);
                if low >= high {
                    continue;
                }
                let mut visit = |copy: CopyId| {
                    seen += 1;
                    page.hits.extend(judge.hit(copy)?);
                    if page.hits.len() >= limit || seen >= CANDIDATES_MAX {
                        page.next = Some(SearchCursor(copy.0));
                        return Ok(false);
                    }
                    Ok(true)
                };
                let goes_on = if question.wanted.0.is_empty() {
                    all_candidates(reader, low, high, &mut visit)?
                } else {
                    self.inner.search.candidates(&question.wanted, low, high, &mut visit)?
                };
                if !goes_on {
                    break;
                }
            }
            Ok(page)
        })
    }

    /// How far the search index has come, and what keeps it if something does.
    #[must_use]
    pub fn search_status(&self) -> SearchStatus {
        self.inner.search.status()
    }

    /// Waits until everything that is checkpointed now can be found; false if it cannot be indexed.
    #[must_use]
    pub fn wait_until_searchable(&self) -> bool {
        self.inner.search.wait_until_done()
    }
}

/// Visits copies without the index, for questions that it cannot narrow.
fn all_candidates(
    connection: &Connection,
    low: i64,
    high: i64,
    visit: &mut dyn FnMut(CopyId) -> Result<bool, CatalogError>,
) -> Result<bool, CatalogError> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM copies WHERE id >= ?1 AND id < ?2 ORDER BY id DESC")?;
    let mut rows = statement.query([low, high])?;
    while let Some(row) = rows.next()? {
        if !visit(CopyId(row.get(0)?))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A query made ready: numbers for names, folded words, what the index shall find.
struct Question {
    words: Vec<String>,
    set: Option<i64>,
    run: Option<i64>,
    extension: Option<String>,
    under: Option<Vec<u8>>,
    sizes: (u64, u64),
    /// Nanoseconds; the second is not included.
    modified: (i64, i64),
    evidence_min: Option<EvidenceState>,
    wanted: Wanted,
    /// Ranges of copy numbers, the newest first; the upper end is not included.
    ranges: Vec<(i64, i64)>,
}

impl Question {
    fn of(connection: &Connection, query: &SearchQuery) -> Result<Self, CatalogError> {
        let words: Vec<String> = query.text.split_whitespace().map(fold).collect();
        let extension = query.extension.as_deref().map(|text| fold(text.trim_start_matches('.')));
        let sizes = (query.size_min.map_or(0, |s| s.0), query.size_max.map_or(u64::MAX, |s| s.0));
        let modified = (
            query.modified_from.map_or(i64::MIN, sql_time),
            query.modified_before.map_or(i64::MAX, sql_time),
        );
        let set = query.set.as_ref().map(|set| set_id(connection, set)).transpose()?;
        let run = query.run.as_ref().map(|run| run_key(connection, run)).transpose()?;
        let under = query.under.as_deref().map(|path| normal_path(path).map(<[u8]>::to_vec));
        let under = under.transpose()?.filter(|path| !path.is_empty());
        let is_anything = words.is_empty()
            && extension.is_none()
            && sizes == (0, u64::MAX)
            && modified == (i64::MIN, i64::MAX)
            && query.evidence_min.is_none();
        if is_anything && set.is_none() && run.is_none() && under.is_none() {
            return Err(CatalogError::BadQuery("give a word or another condition".to_owned()));
        }
        let conditions = Conditions {
            words: &words,
            extension: extension.as_deref(),
            under: under.as_deref(),
            set,
            sizes,
            modified,
        };
        let wanted = Wanted::by(&conditions);
        let ranges = match run {
            Some(run) => segment_ranges(connection, run)?,
            None => vec![(0, i64::MAX)],
        };
        let evidence_min = query.evidence_min;
        Ok(Self {
            words,
            set,
            run,
            extension,
            under,
            sizes,
            modified,
            evidence_min,
            wanted,
            ranges,
        })
    }

    fn fits_row(&self, row: &VersionRow) -> bool {
        row.copy.is_some()
            && (self.sizes.0..=self.sizes.1).contains(&row.size)
            && (self.modified.0..self.modified.1).contains(&row.modified)
            && self.run.is_none_or(|run| run == row.run)
            && (self.sizes == (0, u64::MAX) || row.kind != FileKind::Directory.code())
    }

    fn fits_path(&self, path: &[u8], name: &[u8]) -> bool {
        if let Some(under) = &self.under {
            let rest = path.strip_prefix(under.as_slice());
            if rest.is_none_or(|rest| rest.first() != Some(&b'/')) {
                return false;
            }
        }
        if let Some(extension) = &self.extension
            && tokens::extension_of(&fold(&String::from_utf8_lossy(name))) != Some(extension)
        {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let folded = fold(&String::from_utf8_lossy(path));
        self.words.iter().all(|word| folded.contains(word.as_str()))
    }
}

/// The copy numbers of a run's segments, the newest first.
fn segment_ranges(connection: &Connection, run: i64) -> Result<Vec<(i64, i64)>, CatalogError> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM segments WHERE run_id = ?1 ORDER BY id DESC")?;
    let ids = statement.query_map([run], |row| row.get(0).map(SegmentId))?;
    ids.map(|id| {
        let id = id?;
        Ok((CopyId::new(id, 0).0, CopyId::new(id, SEQUENCE_LIMIT - 1).0))
    })
    .collect()
}

/// Looks candidates up and decides.
struct Judge<'a> {
    reader: &'a Connection,
    question: &'a Question,
    book: EvidenceBook,
    speller: PathSpeller,
}

impl Judge<'_> {
    /// What there is to show of a candidate, if it fits and no newer version of its path does.
    fn hit(&mut self, copy: CopyId) -> Result<Option<SearchHit>, CatalogError> {
        let place: Option<(i64, Vec<u8>)> = self
            .reader
            .prepare_cached("SELECT dir_id, name FROM copies WHERE id = ?1")?
            .query_row([copy.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((dir, name)) = place else { return Ok(None) };
        let spelled = self.speller.dir(self.reader, dir)?;
        let path = join_path(&spelled.path, &name);
        let is_in_set = self.question.set.is_none_or(|set| set == spelled.set);
        if !is_in_set || !self.question.fits_path(&path, &name) {
            return Ok(None);
        }
        let run = self.book.segment(self.reader, copy.segment())?.run;
        let sql = format!(
            "SELECT {VERSION_COLUMNS} FROM versions v
             WHERE v.dir_id = ?1 AND v.name = ?2 AND v.run_id >= ?3 ORDER BY v.run_id DESC"
        );
        let rows = self
            .reader
            .prepare_cached(&sql)?
            .query_map(params![dir, name, run], VersionRow::from_row)?
            .collect::<Result<Vec<_>, _>>()?;
        for row in rows {
            if !self.question.fits_row(&row) {
                continue;
            }
            let is_candidate = row.copy == Some(copy);
            let volumes = self.volumes(dir, &row)?;
            let version = row.into_version(self.reader, &mut self.book, dir)?;
            let Some(version) = version.filter(|version| self.is_proven(&version.evidence)) else {
                continue;
            };
            if !is_candidate {
                return Ok(None);
            }
            let set = self
                .reader
                .prepare_cached("SELECT name FROM sets WHERE id = ?1")?
                .query_row([spelled.set], |row| set_name_at(row, 0))?;
            return Ok(Some(SearchHit { set, path, version, volumes }));
        }
        Ok(None)
    }

    fn is_proven(&self, evidence: &Effective) -> bool {
        self.question.evidence_min.is_none_or(|state| evidence.is_at_least(state))
    }

    fn volumes(&mut self, dir: i64, row: &VersionRow) -> Result<Vec<VolumeUuid>, CatalogError> {
        let mut volumes = Vec::new();
        for copy in super::copies::copy_ids(self.reader, dir, row)? {
            let volume = self.book.segment(self.reader, copy.segment())?.volume;
            if !volumes.contains(&volume) {
                volumes.push(volume);
            }
        }
        Ok(volumes)
    }
}

#[cfg(test)]
mod tests;
