//! Taking back what the catalog holds beyond a checkpoint.
//!
//! A version whose first copy goes is not lost if another copy of the set has it: that one is then its
//! first. After a kill the drive's buffer is gone, and with it whatever was pushed after the last synced
//! filemark. Those rows say that copies lie where other bytes will lie soon.

use rusqlite::{Transaction, params};

use super::super::error::{CatalogError, Subject};
use super::super::ids::{CopyId, SEQUENCE_LIMIT, SegmentId};
use super::super::runs::Checkpoint;

/// Removes the copies of a segment beyond its checkpoint, their versions, and later outcomes.
pub(in super::super) fn discard_beyond(
    transaction: &Transaction<'_>,
    segment: SegmentId,
    checkpoint: &Checkpoint,
) -> Result<(), CatalogError> {
    let from = CopyId::new(segment, checkpoint.sequence).0;
    let to = CopyId::new(segment, SEQUENCE_LIMIT - 1).0;
    let run: i64 = transaction
        .prepare_cached("SELECT run_id FROM segments WHERE id = ?1")?
        .query_row([segment.0], |row| row.get(0))
        .map_err(|_| CatalogError::NotFound(Subject::Segment(segment)))?;
    hand_over(transaction, run, (from, to))?;
    let beyond = "FROM copies c WHERE c.id BETWEEN ?1 AND ?2";
    for sql in [
        "DELETE FROM details WHERE (dir_id, name, run_id) IN (
                SELECT v.dir_id, v.name, v.run_id FROM copies c JOIN versions v
                    ON v.dir_id = c.dir_id AND v.name = c.name AND v.run_id = ?3
                WHERE c.id BETWEEN ?1 AND ?2 AND (v.segment_id << 36 | v.sequence) = c.id)"
            .to_owned(),
        format!(
            "DELETE FROM versions WHERE run_id = ?3 AND (dir_id, name) IN (
                SELECT c.dir_id, c.name {beyond}) AND (segment_id << 36 | sequence) BETWEEN ?1 AND ?2"
        ),
        format!(
            "DELETE FROM extra_copies WHERE run_id = ?3 AND (dir_id, name) IN (
                SELECT c.dir_id, c.name {beyond}) AND copy_id BETWEEN ?1 AND ?2"
        ),
    ] {
        transaction.prepare_cached(&sql)?.execute(params![from, to, run])?;
    }
    for table in ["copy_codecs", "copy_parts", "copy_paths"] {
        let sql = format!("DELETE FROM {table} WHERE copy_id BETWEEN ?1 AND ?2");
        transaction.prepare_cached(&sql)?.execute([from, to])?;
    }
    transaction
        .prepare_cached("DELETE FROM copies WHERE id BETWEEN ?1 AND ?2")?
        .execute([from, to])?;
    transaction
        .prepare_cached("DELETE FROM segment_marks WHERE segment_id = ?1 AND sequence > ?2")?
        .execute(params![segment.0, checkpoint.sequence])?;
    transaction
        .prepare_cached(
            "DELETE FROM outcomes WHERE run_id = ?1 AND segment_id = ?2 AND ordinal >= ?3",
        )?
        .execute(params![run, segment.0, checkpoint.ordinal])?;
    Ok(())
}

/// Makes another copy the first one of each version whose first copy is to be discarded.
fn hand_over(
    transaction: &Transaction<'_>,
    run: i64,
    (from, to): (i64, i64),
) -> Result<(), CatalogError> {
    let mut heirs = transaction.prepare_cached(
        "SELECT c.dir_id, c.name, e.copy_id, min(g.copy_number) FROM copies c
         JOIN versions v ON v.dir_id = c.dir_id AND v.name = c.name AND v.run_id = ?3
            AND (v.segment_id << 36 | v.sequence) = c.id
         JOIN extra_copies e ON e.dir_id = c.dir_id AND e.name = c.name AND e.run_id = ?3
            AND e.copy_id NOT BETWEEN ?1 AND ?2
         JOIN segments g ON g.id = e.copy_id >> 36
         LEFT JOIN copy_parts p ON p.copy_id = e.copy_id
         WHERE c.id BETWEEN ?1 AND ?2 AND coalesce(p.number, 1) = 1
         GROUP BY c.id",
    )?;
    let heirs = heirs
        .query_map(params![from, to, run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<Vec<(i64, Vec<u8>, i64)>, _>>()?;
    for (dir, name, copy) in heirs {
        let copy = CopyId(copy);
        transaction
            .prepare_cached(
                "UPDATE versions SET segment_id = ?4, sequence = ?5
                 WHERE dir_id = ?1 AND name = ?2 AND run_id = ?3",
            )?
            .execute(params![dir, name, run, copy.segment().0, copy.sequence()])?;
        transaction
            .prepare_cached(
                "DELETE FROM extra_copies
                 WHERE dir_id = ?1 AND name = ?2 AND run_id = ?3 AND copy_id = ?4",
            )?
            .execute(params![dir, name, run, copy.0])?;
    }
    Ok(())
}
