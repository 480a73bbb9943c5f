//! What counts for copies and files while they are read: evidence, kept for as long as a question lasts.
//!
//! Nearly every file has one copy and is not split, so two things are remembered that spare each file
//! its look-ups: whether a folder has files with several copies, and whether a segment has parts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};

use crate::domain::{RunId, VolumeUuid};

use super::error::CatalogError;
use super::evidence::{Effective, SegmentEvidence, effective_of_file};
use super::evidence_store::load_evidence;
use super::files::{VersionRow, copy_ids, part_of};
use super::ids::{CopyId, SEQUENCE_LIMIT, SegmentId};
use super::volumes::{VolumeState, uuid_at};

/// What is needed again and again while versions are read: the evidence of segments, names of runs.
#[derive(Debug, Default)]
pub(super) struct EvidenceBook {
    segments: HashMap<SegmentId, Arc<KnownSegment>>,
    runs: HashMap<i64, RunId>,
    /// The folder asked for last, and whether anything in it has more than one copy or part.
    extras: Option<(i64, bool)>,
}

/// A segment as versions need it.
#[derive(Debug)]
pub(super) struct KnownSegment {
    pub volume_id: i64,
    pub volume: VolumeUuid,
    pub run: i64,
    pub copy_number: u32,
    pub volume_state: VolumeState,
    pub evidence: SegmentEvidence,
    /// False if no copy of it is a part of a split file: then nothing has to be looked up.
    has_parts: bool,
}

impl KnownSegment {
    /// What counts for a copy. One whose volume cannot be used is as good as failed, until it can.
    pub(super) fn effective(&self, sequence: u64) -> Effective {
        match unusable(self.volume, self.volume_state) {
            Some(reason) => Effective::Failed { reason },
            None => self.evidence.effective(sequence),
        }
    }
}

/// Why nothing on a volume in this state can be relied on.
pub(super) fn unusable(volume: VolumeUuid, state: VolumeState) -> Option<String> {
    match state {
        VolumeState::Missing => Some(format!("volume {volume} is missing")),
        VolumeState::Quarantined => Some(format!("volume {volume} is quarantined")),
        VolumeState::Erased => Some(format!("volume {volume} was erased")),
        VolumeState::Blank | VolumeState::Open | VolumeState::Closed | VolumeState::Foreign => None,
    }
}

impl EvidenceBook {
    pub(super) fn segment(
        &mut self,
        connection: &Connection,
        id: SegmentId,
    ) -> Result<Arc<KnownSegment>, CatalogError> {
        if let Some(known) = self.segments.get(&id) {
            return Ok(Arc::clone(known));
        }
        let mut known = connection
            .prepare_cached(
                "SELECT g.volume_id, v.uuid, g.run_id, g.copy_number, v.state
                 FROM segments g JOIN volumes v ON v.id = g.volume_id WHERE g.id = ?1",
            )?
            .query_row([id.0], |row| {
                Ok(KnownSegment {
                    volume_id: row.get(0)?,
                    volume: uuid_at(row, 1)?,
                    run: row.get(2)?,
                    copy_number: row.get(3)?,
                    volume_state: row.get(4)?,
                    evidence: SegmentEvidence::default(),
                    has_parts: false,
                })
            })?;
        known.has_parts = connection
            .prepare_cached("SELECT 1 FROM copy_parts WHERE copy_id BETWEEN ?1 AND ?2 LIMIT 1")?
            .exists([CopyId::new(id, 0).0, CopyId::new(id, SEQUENCE_LIMIT - 1).0])?;
        known.evidence = load_evidence(connection, id)?;
        let known = Arc::new(known);
        self.segments.insert(id, Arc::clone(&known));
        Ok(known)
    }

    pub(super) fn run(&mut self, connection: &Connection, key: i64) -> Result<RunId, CatalogError> {
        if let Some(run) = self.runs.get(&key) {
            return Ok(run.clone());
        }
        let run = connection
            .prepare_cached("SELECT run FROM runs WHERE id = ?1")?
            .query_row([key], |row| row.get(0).map(RunId))?;
        self.runs.insert(key, run.clone());
        Ok(run)
    }

    pub(super) fn of_copy(
        &mut self,
        connection: &Connection,
        copy: CopyId,
    ) -> Result<Effective, CatalogError> {
        Ok(self.segment(connection, copy.segment())?.effective(copy.sequence()))
    }

    fn has_extras(&mut self, connection: &Connection, dir: i64) -> Result<bool, CatalogError> {
        if let Some((_, has)) = self.extras.filter(|(known, _)| *known == dir) {
            return Ok(has);
        }
        let has = connection
            .prepare_cached("SELECT 1 FROM extra_copies WHERE dir_id = ?1 LIMIT 1")?
            .exists([dir])?;
        self.extras = Some((dir, has));
        Ok(has)
    }

    /// What counts for a whole file: of each part the best copy, of the parts the worst.
    pub(super) fn of_version(
        &mut self,
        connection: &Connection,
        dir: i64,
        version: &VersionRow,
    ) -> Result<Effective, CatalogError> {
        if let Some(only) = version.copy
            && !self.has_extras(connection, dir)?
            && !self.segment(connection, only.segment())?.has_parts
        {
            return self.of_copy(connection, only);
        }
        let copies = copy_ids(connection, dir, version)?;
        let mut parts: BTreeMap<u64, (u64, Vec<Effective>)> = BTreeMap::new();
        let mut is_split = false;
        for &copy in &copies {
            let part = part_of(connection, copy)?;
            is_split |= part.is_some();
            let (offset, size) = part.map_or((0, u64::MAX), |part| (part.offset, part.size.0));
            let entry = parts.entry(offset).or_insert((size, Vec::new()));
            entry.0 = entry.0.max(size);
            entry.1.push(self.of_copy(connection, copy)?);
        }
        if !is_split {
            let copies = parts.pop_first().map(|(_, (_, copies))| copies);
            return Ok(effective_of_file(&[copies.unwrap_or_default()]));
        }
        let whole = match copies.first() {
            Some(&copy) => stored_size(connection, copy)?.unwrap_or(version.size),
            None => version.size,
        };
        Ok(effective_of_file(&chain_of(parts, whole)))
    }
}

/// The copies of each part in the order of the file; where a part is missing the chain ends with an
/// empty one.
fn chain_of(mut parts: BTreeMap<u64, (u64, Vec<Effective>)>, whole: u64) -> Vec<Vec<Effective>> {
    let mut chain = Vec::new();
    let mut next = 0_u64;
    while next < whole {
        let Some((size, copies)) = parts.remove(&next).filter(|(size, _)| *size > 0) else {
            chain.push(Vec::new());
            break;
        };
        chain.push(copies);
        next = next.saturating_add(size);
    }
    chain
}

/// Bytes of the stored form, if a codec made them differ from the file's.
fn stored_size(connection: &Connection, copy: CopyId) -> Result<Option<u64>, CatalogError> {
    Ok(connection
        .prepare_cached("SELECT stored_size FROM copy_codecs WHERE copy_id = ?1")?
        .query_row([copy.0], |row| row.get(0))
        .optional()?)
}
