//! What would be lost with a volume: files of which no other proven copy is left.
//!
//! Each file on the volume is looked at, in tape order and those of one folder together: some 1.5 µs a file.
//! So this is a question that a person asks, and not one for a page that looks every few seconds.

use std::collections::HashSet;

use rusqlite::{Connection, params};
use smallvec::SmallVec;

use crate::domain::{ByteCount, RunId, VolumeUuid};

use super::Catalog;
use super::error::CatalogError;
use super::evidence::EvidenceState;
use super::files::{CopyStanding, EvidenceBook, FileKind, VERSION_COLUMNS, VersionRow};
use super::folder_copies::FolderCopies;
use super::ids::{CopyId, SegmentId};
use super::paths::PathSpeller;
use super::run_writer::CopyPart;
use super::runs::FileTotals;
use super::volumes::volume_id;

/// Copies that are looked at together.
const PAGE_ROWS: usize = 4_096;

/// What is on a volume, and what of it is nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeLoss {
    /// Versions of files with something on the volume.
    pub all: FileTotals,
    /// Those of which no other whole copy is in an index.
    pub lost: FileTotals,
    /// Those that have another copy, which nobody has read back.
    pub unproven: FileTotals,
    /// The first of both, in tape order.
    pub first: Vec<LostFile>,
}

/// A file without another proven copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFile {
    /// Its path in its set.
    pub path: Vec<u8>,
    /// Its bytes.
    pub size: ByteCount,
    /// The run that stored it.
    pub run: RunId,
    /// How it stands elsewhere.
    pub others: SmallVec<[CopyStanding; 1]>,
}

impl Catalog {
    /// What would be lost with a volume, with the first `limit` files of that.
    ///
    /// # Errors
    /// `NotFound` for an unknown volume.
    pub fn volume_loss(
        &self,
        volume: VolumeUuid,
        limit: usize,
    ) -> Result<VolumeLoss, CatalogError> {
        self.read("see what a volume alone holds", |reader| {
            let id = volume_id(reader, volume)?;
            let segments = reader
                .prepare_cached(
                    "SELECT id, checkpoint_sequence, run_id FROM segments WHERE volume_id = ?1
                     ORDER BY id",
                )?
                .query_map([id], |row| Ok((SegmentId(row.get(0)?), row.get(1)?, row.get(2)?)))?
                .collect::<Result<Vec<(SegmentId, u64, i64)>, _>>()?;
            let mut judge = Judge {
                reader,
                here: segments.iter().map(|(id, ..)| *id).collect(),
                book: EvidenceBook::default(),
                speller: PathSpeller::default(),
                limit,
                loss: VolumeLoss::default(),
            };
            for (segment, checkpoint, run) in segments {
                judge.segment(segment, checkpoint, run)?;
            }
            Ok(judge.loss)
        })
    }
}

struct Judge<'a> {
    reader: &'a Connection,
    here: HashSet<SegmentId>,
    book: EvidenceBook,
    speller: PathSpeller,
    limit: usize,
    loss: VolumeLoss,
}

/// Copies of one folder that follow each other on the tape.
struct Group {
    dir: i64,
    names: (Vec<u8>, Vec<u8>),
    copies: HashSet<CopyId>,
}

impl Judge<'_> {
    fn segment(
        &mut self,
        segment: SegmentId,
        checkpoint: u64,
        run: i64,
    ) -> Result<(), CatalogError> {
        let (mut from, to) = (CopyId::new(segment, 0), CopyId::new(segment, checkpoint));
        loop {
            let (groups, last) = groups(self.reader, from, to)?;
            for group in &groups {
                self.group(group, run)?;
            }
            match last {
                Some(last) => from = CopyId(last.0 + 1),
                None => return Ok(()),
            }
        }
    }

    fn group(&mut self, group: &Group, run: i64) -> Result<(), CatalogError> {
        let sql = format!(
            "SELECT {VERSION_COLUMNS} FROM versions v
             WHERE v.dir_id = ?1 AND v.name BETWEEN ?2 AND ?3 AND v.run_id = ?4 AND v.kind = ?5
             ORDER BY v.name"
        );
        let mut statement = self.reader.prepare_cached(&sql)?;
        let (first, last) = &group.names;
        let rows = statement.query_map(
            params![group.dir, first, last, run, FileKind::File.code()],
            VersionRow::from_row,
        )?;
        let rows: Vec<VersionRow> = rows.collect::<Result<_, _>>()?;
        let known = FolderCopies::of(self.reader, group.dir, &rows)?;
        for row in &rows {
            let copies = known.copies(row);
            let is_here = |copy: &&CopyId| self.here.contains(&copy.segment());
            // Counted at the first of its parts here, so once.
            let first_here = copies.iter().filter(is_here).min();
            if !first_here.is_some_and(|copy| group.copies.contains(copy)) {
                continue;
            }
            let mut others: SmallVec<[(CopyId, Option<CopyPart>); 2]> = SmallVec::new();
            for copy in copies.iter().filter(|copy| !self.here.contains(&copy.segment())) {
                others.push((*copy, known.part(self.reader, *copy)?));
            }
            self.file(group.dir, row, &others)?;
        }
        Ok(())
    }

    fn file(
        &mut self,
        dir: i64,
        row: &VersionRow,
        others: &[(CopyId, Option<CopyPart>)],
    ) -> Result<(), CatalogError> {
        add(&mut self.loss.all, row.size);
        let others = self.book.standing(self.reader, others, row.size)?;
        let is_there =
            |state: EvidenceState| others.iter().any(|copy| copy.evidence.is_at_least(state));
        if is_there(EvidenceState::ReadBack) {
            return Ok(());
        }
        let sum = match is_there(EvidenceState::Indexed) {
            true => &mut self.loss.unproven,
            false => &mut self.loss.lost,
        };
        add(sum, row.size);
        if self.loss.first.len() < self.limit {
            let path = self.speller.file(self.reader, dir, &row.name)?;
            let (size, run) = (ByteCount(row.size), self.book.run(self.reader, row.run)?);
            self.loss.first.push(LostFile { path, size, run, others });
        }
        Ok(())
    }
}

fn add(sum: &mut FileTotals, bytes: u64) {
    sum.files += 1;
    sum.bytes = ByteCount(sum.bytes.0 + bytes);
}

/// The next copies of a range by folder, and the last one if there may be more.
fn groups(
    connection: &Connection,
    from: CopyId,
    to: CopyId,
) -> Result<(Vec<Group>, Option<CopyId>), CatalogError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, dir_id, name FROM copies WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = statement.query(params![from.0, to.0, PAGE_ROWS])?;
    let (mut groups, mut last, mut met): (Vec<Group>, _, _) = (Vec::new(), None, 0);
    while let Some(row) = rows.next()? {
        let (copy, dir, name) = (CopyId(row.get(0)?), row.get(1)?, row.get::<_, Vec<u8>>(2)?);
        (last, met) = (Some(copy), met + 1);
        match groups.last_mut().filter(|group| group.dir == dir) {
            Some(group) => {
                if name < group.names.0 {
                    group.names.0 = name;
                } else if name > group.names.1 {
                    group.names.1 = name;
                }
                group.copies.insert(copy);
            }
            None => groups.push(Group {
                dir,
                names: (name.clone(), name),
                copies: HashSet::from([copy]),
            }),
        }
    }
    Ok((groups, last.filter(|_| met == PAGE_ROWS)))
}
