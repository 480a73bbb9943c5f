//! The rows of a batch, within one transaction.

use rusqlite::{Transaction, params};

use super::super::error::CatalogError;
use super::super::evidence::{EvidenceAct, EvidenceRecord, EvidenceState};
use super::super::evidence_store::append;
use super::super::files::FileKind;
use super::super::gone::bury;
use super::super::ids::CopyId;
use super::super::paths::split_path;
use super::RunWriter;
use super::batch::{Batch, PendingCopy, PendingOutcome};
use super::firsts::FirstCopy;
use super::inserts::Inserts;
use super::joining::{self, Joined, Joining, Version};

/// Why a copy is called failed whose bytes are another file's than those of the copy before it.
const OTHER_CONTENT: &str =
    "the file was another one when this copy was read: its SHA-256 is not that of the first copy";
/// Different attribute texts whose numbers are remembered.
const ATTRIBUTES_KEPT: usize = 65_536;

impl RunWriter {
    /// Writes a batch; returns the segment's new totals.
    pub(super) fn store_batch(
        &mut self,
        transaction: &Transaction<'_>,
        batch: &Batch,
    ) -> Result<(u64, u64), CatalogError> {
        let mut totals = self.totals;
        self.store_rows(transaction, batch, &mut totals)?;
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO segment_marks (segment_id, sequence, files, bytes)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![self.segment.0, batch.until, totals.0, totals.1])?;
        Ok(totals)
    }

    fn store_rows(
        &mut self,
        transaction: &Transaction<'_>,
        batch: &Batch,
        totals: &mut (u64, u64),
    ) -> Result<(), CatalogError> {
        self.store_copies(transaction, batch, totals)?;
        for outcome in &batch.outcomes {
            self.store_outcome(transaction, batch, outcome)?;
        }
        for path in &batch.gone {
            let (dir, name) = split_path(&batch.bytes[path.clone()]);
            let dir = self.cursor.enter(transaction, dir)?;
            bury(transaction, dir, name, self.run)?;
        }
        Ok(())
    }

    fn store_copies(
        &mut self,
        transaction: &Transaction<'_>,
        batch: &Batch,
        totals: &mut (u64, u64),
    ) -> Result<(), CatalogError> {
        let mut insert = Inserts::prepare(transaction)?;
        let catalog = self.catalog.clone();
        let mut firsts = catalog.inner.firsts.lock();
        let firsts = firsts.of_run(self.run);
        firsts.begin_batch();
        for copy in &batch.copies {
            let (dir, name) = split_path(&batch.bytes[copy.path.clone()]);
            let dir = self.cursor.enter(transaction, dir)?;
            let id = self.id_of(copy);
            insert.copy.execute(params![id.0, dir, name, &batch.bytes[copy.extents.clone()]])?;
            // A version is made by its first part, of whichever copy comes first.
            let is_beginning = copy.part.is_none_or(|part| part.number == 1);
            let known = if is_beginning && self.has_others {
                firsts.find(copy.ordinal, (dir, name), self.letter)
            } else {
                None
            };
            if let Some(first) = known {
                self.join_version(transaction, &mut insert, (dir, name), copy, first)?;
            } else if is_beginning
                && self.make_version(transaction, &mut insert, batch, (dir, name), copy)?
            {
                if self.has_others && copy.part.is_none() {
                    let (letter, sha256) = (self.letter, copy.sha256);
                    firsts.add(copy.ordinal, (dir, name), FirstCopy { copy: id, letter, sha256 });
                }
            } else {
                self.find_and_join(transaction, &mut insert, (dir, name), copy)?;
            }
            store_rarities(transaction, batch, copy, id.0, (dir, name, self.run))?;
            if copy.kind == FileKind::File && copy.part.is_none() {
                totals.0 += 1;
                totals.1 += copy.size;
            }
        }
        Ok(())
    }

    /// Makes a version whose first copy this is; false if another copy has made it.
    fn make_version(
        &mut self,
        transaction: &Transaction<'_>,
        insert: &mut Inserts<'_>,
        batch: &Batch,
        (dir, name): (i64, &[u8]),
        copy: &PendingCopy,
    ) -> Result<bool, CatalogError> {
        let attributes = self.attributes_id(transaction, batch, copy)?;
        let changed = insert.version.execute(params![
            dir,
            name,
            self.run,
            copy.kind.code(),
            copy.size,
            copy.modified,
            copy.changed,
            copy.inode,
            copy.sha256,
            attributes,
            self.segment.0,
            copy.sequence,
            self.letter
        ])?;
        Ok(changed > 0)
    }

    /// As [`Self::join_version`], where it is not remembered what the version says.
    fn find_and_join(
        &self,
        transaction: &Transaction<'_>,
        insert: &mut Inserts<'_>,
        (dir, name): (i64, &[u8]),
        copy: &PendingCopy,
    ) -> Result<(), CatalogError> {
        match joining::first_copy(transaction, &Version { dir, name, run: self.run })? {
            Some(mut first) => {
                self.join_version(transaction, insert, (dir, name), copy, &mut first)
            }
            // A part whose first one was not stored waits for its version.
            None => insert.extra(&Version { dir, name, run: self.run }, self.id_of(copy)),
        }
    }

    /// Adds a further part, or another copy of the set, to a version that is there.
    fn join_version(
        &self,
        transaction: &Transaction<'_>,
        insert: &mut Inserts<'_>,
        (dir, name): (i64, &[u8]),
        copy: &PendingCopy,
        first: &mut FirstCopy,
    ) -> Result<(), CatalogError> {
        let joining = Joining {
            copy: self.id_of(copy),
            letter: self.letter,
            is_beginning: copy.part.is_none_or(|part| part.number == 1),
            sha256: copy.sha256,
        };
        let version = Version { dir, name, run: self.run };
        let joined = joining::join_version(transaction, insert, &version, &joining, first)?;
        match joined {
            Joined::Same => Ok(()),
            Joined::OtherContent => {
                let record = EvidenceRecord {
                    act: EvidenceAct::Fail,
                    state: EvidenceState::Planned,
                    range: copy.sequence..copy.sequence + 1,
                    job: None,
                    reason: Some(OTHER_CONTENT.to_owned()),
                };
                append(transaction, self.segment, &record, self.clock.now())
            }
        }
    }

    fn id_of(&self, copy: &PendingCopy) -> CopyId {
        CopyId::new(self.segment, copy.sequence)
    }

    fn store_outcome(
        &mut self,
        transaction: &Transaction<'_>,
        batch: &Batch,
        outcome: &PendingOutcome,
    ) -> Result<(), CatalogError> {
        let (dir, name) = split_path(&batch.bytes[outcome.path.clone()]);
        let dir = self.cursor.enter(transaction, dir)?;
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO outcomes (run_id, ordinal, copy_number, segment_id, dir_id,
                    name, state, reason, size)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                self.run,
                outcome.ordinal,
                self.letter,
                self.segment.0,
                dir,
                name,
                outcome.state,
                batch.text(&outcome.reason),
                outcome.size
            ])?;
        Ok(())
    }

    fn attributes_id(
        &mut self,
        transaction: &Transaction<'_>,
        batch: &Batch,
        copy: &PendingCopy,
    ) -> Result<Option<i64>, CatalogError> {
        let content = &batch.bytes[copy.attributes.clone()];
        if content.is_empty() {
            return Ok(None);
        }
        if let Some(&id) = self.attributes.get(content) {
            return Ok(Some(id));
        }
        transaction
            .prepare_cached("INSERT INTO attributes (content) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([content])?;
        let id = transaction
            .prepare_cached("SELECT id FROM attributes WHERE content = ?1")?
            .query_row([content], |row| row.get(0))?;
        if self.attributes.len() >= ATTRIBUTES_KEPT {
            self.attributes.clear();
        }
        self.attributes.insert(content.to_owned(), id);
        Ok(Some(id))
    }
}

fn store_rarities(
    transaction: &Transaction<'_>,
    batch: &Batch,
    copy: &PendingCopy,
    id: i64,
    (dir, name, run): (i64, &[u8], i64),
) -> Result<(), CatalogError> {
    if let Some(detail) = &copy.detail {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO details (dir_id, name, run_id, content)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![dir, name, run, &batch.bytes[detail.clone()]])?;
    }
    if let Some((codec, stored_size, stored_sha256)) = &copy.codec {
        transaction
            .prepare_cached(
                "INSERT INTO copy_codecs (copy_id, codec, stored_size, stored_sha256)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![id, batch.text(codec), stored_size, stored_sha256])?;
    }
    if let Some(part) = &copy.part {
        transaction
            .prepare_cached(
                "INSERT INTO copy_parts (copy_id, number, of_parts, offset, size, sha256)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                id,
                part.number,
                part.of,
                part.offset,
                part.size.0,
                part.sha256.map(|digest| digest.0)
            ])?;
    }
    if let Some(path) = &copy.stored_path {
        transaction
            .prepare_cached("INSERT INTO copy_paths (copy_id, stored_path) VALUES (?1, ?2)")?
            .execute(params![id, batch.text(path)])?;
    }
    Ok(())
}
