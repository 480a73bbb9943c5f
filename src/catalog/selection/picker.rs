//! Which copies of a version there are to be read, and which of them is the best.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Transaction, params};

use crate::domain::{CopyLetter, JobId, VolumeUuid};

use super::super::error::CatalogError;
use super::super::evidence::{Effective, EvidenceState};
use super::super::files::{EvidenceBook, FileKind, VersionRow, unusable};
use super::version_copies::{CopyPlace, VersionCopies};
use super::{ItemKey, ItemState};

/// Looks copies up, with what is known of their volumes.
#[derive(Debug, Default)]
pub(super) struct Picker {
    pub(super) book: EvidenceBook,
    pub(super) missing: BTreeSet<VolumeUuid>,
    pub(super) at_hand: BTreeSet<VolumeUuid>,
}

/// One copy of a set, as far as it has something of a version.
#[derive(Debug)]
pub(super) struct CopyOption {
    pub(super) letter: CopyLetter,
    /// The best of each part, in the order of the file.
    pub(super) parts: Vec<PartOption>,
    /// True if the parts are all of the file.
    is_whole: bool,
}

/// One part, or a file in one piece.
#[derive(Debug)]
pub(super) struct PartOption {
    /// The name of the item for it.
    pub(super) key: ItemKey,
    offset: u64,
    size: u64,
    volume: VolumeUuid,
    is_there: bool,
    is_at_hand: bool,
    pub(super) evidence: Effective,
}

impl Picker {
    /// What the copies of a version are good for, the first letter first.
    pub(super) fn options(
        &mut self,
        connection: &Connection,
        row: &VersionRow,
        copies: VersionCopies,
    ) -> Result<Vec<CopyOption>, CatalogError> {
        let mut letters: BTreeMap<CopyLetter, BTreeMap<u64, PartOption>> = BTreeMap::new();
        for CopyPlace { copy, part, block, offset: block_offset } in copies {
            let (offset, size) = part.unwrap_or((0, row.size));
            let segment = self.book.segment(connection, copy.segment())?;
            let volume = segment.volume;
            let found = PartOption {
                key: ItemKey { volume: segment.volume_id, block, offset: block_offset, copy },
                offset,
                size,
                volume,
                is_there: !self.missing.contains(&volume)
                    && unusable(volume, segment.volume_state).is_none(),
                is_at_hand: self.at_hand.contains(&volume),
                evidence: segment.effective(copy.sequence()),
            };
            let parts = letters.entry(segment.copy).or_default();
            match parts.get(&offset) {
                Some(known) if known.rank() >= found.rank() => {}
                _ => {
                    parts.insert(offset, found);
                }
            }
        }
        let option = |(letter, parts): (CopyLetter, BTreeMap<u64, PartOption>)| {
            let parts: Vec<PartOption> = parts.into_values().collect();
            let mut next = 0;
            let is_chain = parts.iter().all(|part| {
                let is_next = part.offset == next;
                next = part.offset.saturating_add(part.size);
                is_next
            });
            CopyOption { letter, parts, is_whole: is_chain && next >= row.size }
        };
        Ok(letters.into_iter().map(option).collect())
    }
}

impl CopyOption {
    /// The larger, the better to be read.
    /// Ties go to the first letter, so that a restore does not load two copies where one will do.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let health = (self.is_there(), self.is_whole, self.is_healthy());
        (health, self.is_at_hand(), self.weakest(), Reverse(self.letter))
    }

    /// True if it can be read now, as far as is known.
    pub(super) fn is_readable(&self) -> bool {
        self.is_there() && self.is_whole && self.is_healthy()
    }

    fn is_there(&self) -> bool {
        self.parts.iter().all(|part| part.is_there)
    }

    fn is_healthy(&self) -> bool {
        self.parts.iter().all(|part| matches!(part.evidence, Effective::State(_)))
    }

    fn is_at_hand(&self) -> bool {
        self.parts.iter().all(|part| part.is_at_hand)
    }

    fn weakest(&self) -> EvidenceState {
        let states = self.parts.iter().map(|part| part.evidence.state());
        states.min().unwrap_or(EvidenceState::Planned)
    }
}

impl PartOption {
    fn rank(&self) -> (bool, &Effective) {
        (self.is_there, &self.evidence)
    }

    /// The item for it.
    pub(super) fn item(&self, row: &VersionRow) -> NewItem {
        NewItem {
            key: self.key,
            // What a link or a folder is called has no bytes to be read.
            size: if row.kind == FileKind::File.code() { self.size } else { 0 },
            missing: (!self.is_there).then(|| format!("volume {} is not there", self.volume)),
        }
    }
}

/// An item on its way into the selection.
#[derive(Debug)]
pub(super) struct NewItem {
    key: ItemKey,
    size: u64,
    /// `None` if it can be read; else why not.
    missing: Option<String>,
}

impl NewItem {
    /// Adds items to the selection of a job.
    pub(super) fn insert(
        items: &[Self],
        transaction: &Transaction<'_>,
        job: JobId,
    ) -> Result<(), CatalogError> {
        let mut statement = transaction.prepare_cached(
            "INSERT OR IGNORE INTO selections (job_id, volume_id, block, offset, copy_id, size,
                state, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for Self { key: ItemKey { volume, block, offset, copy }, size, missing } in items {
            let state = if missing.is_some() { ItemState::Missing } else { ItemState::Waiting };
            let values = params![job.0, volume, block, offset, copy.0, size, state, missing];
            statement.execute(values)?;
        }
        Ok(())
    }
}
