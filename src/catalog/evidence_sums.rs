//! What is proven of whole volumes, and of the files that a run did not store again.
//!
//! What a run has stored is summed up by ranges (`evidence_store`), however many files it is. What an
//! incremental run refers to is scattered over earlier runs, so those files are looked at one by one, in
//! the order of their folders and a page of them at a time.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, params};

use crate::domain::{ByteCount, CopyLetter, RunId, SetName, Timestamp, VolumeUuid};

use super::Catalog;
use super::error::CatalogError;
use super::evidence::{Effective, EvidenceAct, EvidenceState};
use super::evidence_store::segment_totals;
use super::files::{EvidenceBook, FileKind, VERSION_COLUMNS, VersionRow};
use super::folder_copies::FolderCopies;
use super::ids::{CopyId, SEQUENCE_LIMIT, SegmentId, time_from_sql};
use super::runs::{FileTotals, run_key, view_until};

/// Copies and parts, and their bytes, by the volume they are on and by what counts for them.
pub type VolumeSums = BTreeMap<(VolumeUuid, Effective), FileTotals>;

/// What a run refers to in earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferredEvidence {
    /// Each file once, by what counts for the best copy of it.
    pub files: BTreeMap<Effective, FileTotals>,
    /// Each file once for each copy that has something of it, by what counts for it there.
    pub copies: BTreeMap<(CopyLetter, Effective), FileTotals>,
    /// Where they are, each copy and each part counted by itself.
    pub volumes: VolumeSums,
}

/// What was last said of a set's copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetProof {
    /// The newest act of evidence: while it is the same, so are the sums.
    pub newest_act: i64,
    /// When anything of it was last read back.
    pub last_read_back: Option<Timestamp>,
}

impl Catalog {
    /// What is proven of everything on one volume, each copy and each part counted by itself.
    ///
    /// # Errors
    /// `Database` if it cannot be read; an unknown volume holds nothing.
    pub fn volume_evidence(
        &self,
        volume: VolumeUuid,
    ) -> Result<BTreeMap<Effective, FileTotals>, CatalogError> {
        let segments = self.segments_of_volume(volume)?;
        self.read("sum up the evidence of a volume", |reader| {
            let mut book = EvidenceBook::default();
            let mut sums = VolumeSums::new();
            for segment in &segments {
                let run = run_key(reader, &segment.run)?;
                add_segment(reader, &mut book, segment.id, run, &mut sums)?;
            }
            Ok(sums.into_iter().map(|((_, effective), totals)| (effective, totals)).collect())
        })
    }

    /// What a run has put on each volume, each copy and each part counted by itself.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub fn run_volumes(&self, run: &RunId) -> Result<VolumeSums, CatalogError> {
        let segments = self.segments_of_run(run)?;
        self.read("sum up the volumes of a run", |reader| {
            let key = run_key(reader, run)?;
            let mut book = EvidenceBook::default();
            let mut sums = VolumeSums::new();
            for segment in &segments {
                add_segment(reader, &mut book, segment.id, key, &mut sums)?;
            }
            Ok(sums)
        })
    }

    /// When anything of a set was last read back, and what its sums follow from besides its newest run.
    ///
    /// # Errors
    /// `Database` if it cannot be read; of an unknown set nothing was proven.
    pub fn proof_of_set(&self, set: &SetName) -> Result<SetProof, CatalogError> {
        self.read("look for the last proof of a set", |reader| {
            let mut statement = reader.prepare_cached(
                "SELECT coalesce(max(e.id), 0),
                   max(CASE WHEN e.act = ?2 AND e.state IN (?3, ?4) THEN e.at END)
                 FROM sets s JOIN runs r ON r.set_id = s.id JOIN segments g ON g.run_id = r.id
                   JOIN evidence e ON e.segment_id = g.id
                 WHERE s.name = ?1",
            )?;
            let values = params![
                set.as_str(),
                EvidenceAct::Say,
                EvidenceState::ReadBack,
                EvidenceState::Proven
            ];
            Ok(statement.query_row(values, |row| {
                let last_read_back = row.get::<_, Option<i64>>(1)?.map(time_from_sql);
                Ok(SetProof { newest_act: row.get(0)?, last_read_back })
            })?)
        })
    }

    /// The files of a run's tree that earlier runs have stored, and it has not met changed or bad. While
    /// the run is at work this includes files that it has still to store again.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub fn referred_evidence(&self, run: &RunId) -> Result<ReferredEvidence, CatalogError> {
        self.read("sum up what a run refers to", |reader| {
            let key = run_key(reader, run)?;
            let set = reader
                .prepare_cached("SELECT set_id FROM runs WHERE id = ?1")?
                .query_row([key], |row| row.get(0))?;
            let base = view_until(reader, set, key)?.base;
            let left_out =
                names_of(reader, "SELECT dir_id, name FROM outcomes WHERE run_id = ?1", key)?;
            let sql = format!(
                "SELECT {VERSION_COLUMNS}, v.dir_id, max(v.run_id)
                 FROM dirs d CROSS JOIN versions v ON v.dir_id = d.id
                 WHERE d.set_id = ?1 AND v.run_id <= ?2
                 GROUP BY v.dir_id, v.name
                 HAVING max(v.run_id) >= ?3 AND v.run_id < ?2 AND v.kind = ?4"
            );
            let mut statement = reader.prepare_cached(&sql)?;
            let mut rows = statement.query(params![set, key, base, FileKind::File.code()])?;
            let mut judge = Judge::of(reader, left_out);
            while let Some(row) = rows.next()? {
                judge.take(row.get(10)?, VersionRow::from_row(row)?)?;
            }
            judge.end_page()?;
            Ok(judge.referred)
        })
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, FileTotals>, place: K, files: u64, bytes: u64) {
    let sum = sums.entry(place).or_default();
    sum.files += files;
    sum.bytes = ByteCount(sum.bytes.0 + bytes);
}

/// Whole files of a segment by ranges, parts of split files one by one.
fn add_segment(
    connection: &Connection,
    book: &mut EvidenceBook,
    segment: SegmentId,
    run: i64,
    sums: &mut VolumeSums,
) -> Result<(), CatalogError> {
    let known = book.segment(connection, segment)?;
    for (effective, totals) in segment_totals(connection, book, segment, run)? {
        add(sums, (known.volume, effective), totals.files, totals.bytes.0);
    }
    let mut statement = connection
        .prepare_cached("SELECT copy_id, size FROM copy_parts WHERE copy_id BETWEEN ?1 AND ?2")?;
    let (first, last) = (CopyId::new(segment, 0), CopyId::new(segment, SEQUENCE_LIMIT - 1));
    let mut rows = statement.query([first.0, last.0])?;
    while let Some(row) = rows.next()? {
        let effective = known.effective(CopyId(row.get(0)?).sequence());
        add(sums, (known.volume, effective), 1, row.get(1)?);
    }
    Ok(())
}

type Names = HashSet<(i64, Vec<u8>)>;

fn names_of(connection: &Connection, sql: &str, run: i64) -> Result<Names, CatalogError> {
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Versions that are looked at together.
const PAGE_ROWS: usize = 4096;

/// Sums up versions by what counts for them, a page of a folder at a time.
struct Judge<'a> {
    reader: &'a Connection,
    book: EvidenceBook,
    /// Names that the run could not store: what it refers to is not what they are.
    left_out: Names,
    dir: i64,
    page: Vec<VersionRow>,
    referred: ReferredEvidence,
}

impl<'a> Judge<'a> {
    fn of(reader: &'a Connection, left_out: Names) -> Self {
        Self {
            reader,
            book: EvidenceBook::default(),
            left_out,
            dir: 0,
            page: Vec::new(),
            referred: ReferredEvidence::default(),
        }
    }

    /// Counts a version; one that never had a copy is none of those that a run can refer to.
    fn take(&mut self, dir: i64, version: VersionRow) -> Result<(), CatalogError> {
        if self.dir != dir || self.page.len() >= PAGE_ROWS {
            self.end_page()?;
            self.dir = dir;
        }
        let is_left_out =
            !self.left_out.is_empty() && self.left_out.contains(&(dir, version.name.clone()));
        if version.copy.is_some() && !is_left_out {
            self.page.push(version);
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), CatalogError> {
        let Self { reader, book, dir, referred, .. } = self;
        let known = FolderCopies::of(reader, *dir, &self.page)?;
        for version in self.page.drain(..) {
            let size = version.size;
            for copy in known.copies(&version) {
                let segment = book.segment(reader, copy.segment())?;
                let bytes = known.part(reader, copy)?.map_or(size, |part| part.size.0);
                let place = (segment.volume, segment.effective(copy.sequence()));
                add(&mut referred.volumes, place, 1, bytes);
            }
            let mut best = None;
            for standing in known.standing(reader, book, &version)? {
                best = best.max(Some(standing.evidence.clone()));
                add(&mut referred.copies, (standing.copy, standing.evidence), 1, size);
            }
            if let Some(effective) = best {
                add(&mut referred.files, effective, 1, size);
            }
        }
        Ok(())
    }
}
