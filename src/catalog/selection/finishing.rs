//! Notes what became of items.
//!
//! A restore notes ten thousand at once, and nearly all are done and lie one behind another. Such a run is one
//! statement; to look each of them up by its key costs several times as much.

use rusqlite::types::Value;
use rusqlite::{Transaction, params, params_from_iter};

use crate::domain::JobId;

use super::super::Catalog;
use super::super::error::CatalogError;
use super::{ItemKey, ItemState};

/// An item, what became of it, and why.
type Outcome = (ItemKey, ItemState, Option<String>);

/// A run of at most so many items is noted one by one.
const FEW: usize = 4;

impl Catalog {
    /// Notes what became of items, in one transaction. Of what is said twice the last is true.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn finish_items(&self, job: JobId, outcomes: &[Outcome]) -> Result<(), CatalogError> {
        let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
        sorted.sort_by_key(|(key, ..)| *key);
        sorted.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                *kept = *later;
            }
            is_same
        });
        let is_run = |one: &&Outcome, next: &&Outcome| {
            one.0.volume == next.0.volume && (one.1, &one.2) == (next.1, &next.2)
        };
        self.write("note what was restored", |transaction| {
            sorted.chunk_by(is_run).try_for_each(|run| finish(transaction, job, run))
        })
    }
}

/// Notes items of one volume that have come to the same end.
fn finish(transaction: &Transaction<'_>, job: JobId, run: &[&Outcome]) -> Result<(), CatalogError> {
    let ([(first, state, reason), ..], [.., (last, ..)]) = (run, run) else { return Ok(()) };
    if run.len() <= FEW {
        return run.iter().try_for_each(|(key, state, reason)| {
            let mut one = transaction.prepare_cached(
                "UPDATE selections SET state = ?6, reason = ?7 WHERE job_id = ?1 AND volume_id = ?2
                    AND block = ?3 AND offset = ?4 AND copy_id = ?5",
            )?;
            one.execute(params![
                job.0, key.volume, key.block, key.offset, key.copy.0, state, reason
            ])?;
            Ok(())
        });
    }
    let between = "job_id = ?1 AND volume_id = ?2
        AND (block, offset, copy_id) >= (?3, ?4, ?5) AND (block, offset, copy_id) <= (?6, ?7, ?8)";
    let from = [first.volume, first.block, first.offset, first.copy.0];
    let to = [last.block, last.offset, last.copy.0];
    let ends = [job.0].into_iter().chain(from).chain(to);
    let mut all =
        transaction.prepare_cached(&format!("SELECT count(*) FROM selections WHERE {between}"))?;
    let count: usize = all.query_row(params_from_iter(ends.clone()), |row| row.get(0))?;
    if count != run.len() {
        // Others lie between them.
        let (before, behind) = run.split_at(run.len() / 2);
        finish(transaction, job, before)?;
        return finish(transaction, job, behind);
    }
    let sql = format!("UPDATE selections SET state = ?9, reason = ?10 WHERE {between}");
    let end = [Value::from(state.as_str().to_owned()), Value::from(reason.clone())];
    let values = ends.map(Value::from).chain(end);
    transaction.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    Ok(())
}
