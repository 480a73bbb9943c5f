//! What is proven of whole volumes, and of the files that a run did not store again.
//!
//! What a run has stored is summed up by ranges (`evidence_store`), however many files it is. What an
//! incremental run refers to is scattered over earlier runs, so those files are looked at one by one:
//! some 2 µs each, 20 s for ten million.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, params};

use crate::domain::{ByteCount, CopyLetter, RunId, VolumeUuid};

use super::Catalog;
use super::copies::{copy_ids, part_of};
use super::error::CatalogError;
use super::evidence::Effective;
use super::evidence_store::segment_totals;
use super::files::{EvidenceBook, FileKind, VERSION_COLUMNS, VersionRow};
use super::ids::{CopyId, SEQUENCE_LIMIT, SegmentId};
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
            let mut judge = Judge::new(reader)?;
            while let Some(row) = rows.next()? {
                let (version, dir) = (VersionRow::from_row(row)?, row.get(10)?);
                if left_out.contains(&(dir, version.name.clone())) {
                    continue;
                }
                judge.add(reader, dir, version)?;
            }
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

/// Sums up versions by what counts for them. Almost every file has one copy in one piece; only the others are
/// looked up.
struct Judge {
    book: EvidenceBook,
    /// Files of which some version has several copies or parts.
    several: Names,
    /// Copies that are a part of a file.
    parts: HashSet<i64>,
    referred: ReferredEvidence,
}

impl Judge {
    fn new(connection: &Connection) -> Result<Self, CatalogError> {
        let sql = "SELECT DISTINCT dir_id, name FROM extra_copies WHERE run_id <> ?1";
        let several = names_of(connection, sql, 0)?;
        let mut statement = connection.prepare_cached("SELECT copy_id FROM copy_parts")?;
        let parts = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let (book, referred) = (EvidenceBook::default(), ReferredEvidence::default());
        Ok(Self { book, several, parts, referred })
    }

    /// Counts a version; one that never had a copy is none of those that a run can refer to.
    fn add(
        &mut self,
        connection: &Connection,
        dir: i64,
        version: VersionRow,
    ) -> Result<(), CatalogError> {
        let (Some(copy), size) = (version.copy, version.size) else { return Ok(()) };
        let is_whole = !self.parts.contains(&copy.0);
        if is_whole && !self.several.contains(&(dir, version.name.clone())) {
            let segment = self.book.segment(connection, copy.segment())?;
            let effective = segment.effective(copy.sequence());
            add(&mut self.referred.volumes, (segment.volume, effective.clone()), 1, size);
            add(&mut self.referred.copies, (segment.copy, effective.clone()), 1, size);
            add(&mut self.referred.files, effective, 1, size);
            return Ok(());
        }
        for copy in copy_ids(connection, dir, &version)? {
            let segment = self.book.segment(connection, copy.segment())?;
            let bytes = part_of(connection, copy)?.map_or(size, |part| part.size.0);
            let place = (segment.volume, segment.effective(copy.sequence()));
            add(&mut self.referred.volumes, place, 1, bytes);
        }
        if let Some(whole) = version.into_version(connection, &mut self.book, dir)? {
            for copy in whole.copies {
                add(&mut self.referred.copies, (copy.copy, copy.evidence), 1, size);
            }
            add(&mut self.referred.files, whole.evidence, 1, size);
        }
        Ok(())
    }
}
