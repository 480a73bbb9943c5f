//! The rows of a batch, within one transaction.

use rusqlite::{Transaction, params};

use super::super::error::CatalogError;
use super::super::files::FileKind;
use super::super::gone::bury;
use super::super::ids::CopyId;
use super::super::paths::split_path;
use super::RunWriter;
use super::batch::{Batch, PendingCopy, PendingOutcome};

/// Different attribute texts whose numbers are remembered.
const ATTRIBUTES_KEPT: usize = 65_536;

impl RunWriter {
    /// Writes the batch; returns the segment's new totals.
    pub(super) fn store_batch(
        &mut self,
        transaction: &Transaction<'_>,
    ) -> Result<(u64, u64), CatalogError> {
        let mut totals = self.totals;
        let batch = std::mem::take(&mut self.batch);
        let stored = self.store_rows(transaction, &batch, &mut totals);
        self.batch = batch;
        stored?;
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO segment_marks (segment_id, sequence, files, bytes)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![self.segment.0, self.next_sequence, totals.0, totals.1])?;
        Ok(totals)
    }

    fn store_rows(
        &mut self,
        transaction: &Transaction<'_>,
        batch: &Batch,
        totals: &mut (u64, u64),
    ) -> Result<(), CatalogError> {
        let mut insert_copy = transaction.prepare_cached(
            "INSERT INTO copies (id, dir_id, name, extents) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut insert_version = transaction.prepare_cached(
            "INSERT INTO versions (dir_id, name, run_id, kind, size, modified, changed, inode, sha256,
                attributes_id, segment_id, sequence)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (dir_id, name, run_id) DO UPDATE SET kind = excluded.kind,
                size = excluded.size, modified = excluded.modified, changed = excluded.changed,
                inode = excluded.inode, sha256 = excluded.sha256,
                attributes_id = excluded.attributes_id, segment_id = excluded.segment_id,
                sequence = excluded.sequence",
        )?;
        for copy in &batch.copies {
            let (dir, name) = split_path(&batch.bytes[copy.path.clone()]);
            let dir = self.cursor.enter(transaction, dir)?;
            let id = CopyId::new(self.segment, copy.sequence).0;
            insert_copy.execute(params![id, dir, name, &batch.bytes[copy.extents.clone()]])?;
            let is_first = self.is_first_copy && copy.part.is_none_or(|part| part.number == 1);
            if is_first {
                let attributes = self.attributes_id(transaction, batch, copy)?;
                insert_version.execute(params![
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
                    copy.sequence
                ])?;
            } else {
                add_extra_copy(transaction, dir, name, self.run, id, copy.sha256)?;
            }
            store_rarities(transaction, batch, copy, id, (dir, name, self.run))?;
            if copy.kind == FileKind::File && copy.part.is_none() {
                totals.0 += 1;
                totals.1 += copy.size;
            }
        }
        drop((insert_copy, insert_version));
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
                "INSERT OR REPLACE INTO outcomes (run_id, ordinal, segment_id, dir_id, name, state,
                    reason, size)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.run,
                outcome.ordinal,
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

/// Notes a further part or a second copy, and the digest that only the last part knows.
fn add_extra_copy(
    transaction: &Transaction<'_>,
    dir: i64,
    name: &[u8],
    run: i64,
    copy: i64,
    sha256: Option<[u8; 32]>,
) -> Result<(), CatalogError> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO extra_copies (dir_id, name, run_id, copy_id)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![dir, name, run, copy])?;
    if sha256.is_some() {
        transaction
            .prepare_cached(
                "UPDATE versions SET sha256 = ?4
                 WHERE dir_id = ?1 AND name = ?2 AND run_id = ?3 AND sha256 IS NULL",
            )?
            .execute(params![dir, name, run, sha256])?;
    }
    Ok(())
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
