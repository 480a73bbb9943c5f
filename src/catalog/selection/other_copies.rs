//! Another copy of the set in place of one that cannot be read.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use crate::domain::{JobId, VolumeUuid};

use super::super::Catalog;
use super::super::error::CatalogError;
use super::super::files::{VERSION_COLUMNS, VersionRow};
use super::super::ids::CopyId;
use super::super::volumes::volume_id;
use super::picker::{CopyOption, NewItem, Picker};
use super::version_copies::copies_of;
use super::{BATCH_ITEMS, ItemKey};

/// Folder, name and run: the key of a version.
type VersionKey = (i64, Vec<u8>, i64);

/// The items of one version that go, and those that come.
struct Exchange {
    goes: Vec<ItemKey>,
    comes: Vec<NewItem>,
}

impl Catalog {
    /// Chooses another copy for every file of a job's selection whose chosen copy was found bad, or lies
    /// on one of the `lost` volumes. Returns how many files have got another one; for the rest there is
    /// none, and they stay as they are.
    ///
    /// # Errors
    /// `NotFound` for an unknown volume, `Database` if the change cannot be stored.
    pub fn choose_other_copies(
        &self,
        job: JobId,
        lost: &[VolumeUuid],
    ) -> Result<u64, CatalogError> {
        let mut picker = Picker { missing: lost.iter().copied().collect(), ..Picker::default() };
        let (mut after, mut count) = (None, 0);
        loop {
            let (exchanges, last) = self.read("look for other copies", |reader| {
                let (affected, last) = affected(reader, job, lost, after)?;
                let mut exchanges = Vec::new();
                for key in affected {
                    exchanges.extend(exchange(reader, &mut picker, job, key)?);
                }
                Ok((exchanges, last))
            })?;
            self.write("choose other copies", |transaction| {
                for exchange in &exchanges {
                    for key in &exchange.goes {
                        delete(transaction, job, *key)?;
                    }
                    NewItem::insert(&exchange.comes, transaction, job)?;
                }
                Ok(())
            })?;
            count += exchanges.len() as u64;
            match last {
                Some(last) => after = Some(last),
                None => return Ok(count),
            }
        }
    }
}

type Affected = (BTreeSet<VersionKey>, Option<ItemKey>);

/// Versions with an item that failed, or that cannot be read any more, and the last item looked at.
fn affected(
    connection: &Connection,
    job: JobId,
    lost: &[VolumeUuid],
    after: Option<ItemKey>,
) -> Result<Affected, CatalogError> {
    let lost: BTreeSet<i64> =
        lost.iter().map(|volume| volume_id(connection, *volume)).collect::<Result<_, _>>()?;
    let after =
        after.map_or((i64::MIN, 0, 0, 0), |key| (key.volume, key.block, key.offset, key.copy.0));
    let mut statement = connection.prepare_cached(
        "SELECT s.volume_id, s.block, s.offset, s.copy_id, s.state = 'failed', c.dir_id, c.name,
            g.run_id
         FROM selections s JOIN copies c ON c.id = s.copy_id
         JOIN segments g ON g.id = s.copy_id >> 36
         WHERE s.job_id = ?1 AND (s.volume_id, s.block, s.offset, s.copy_id) > (?2, ?3, ?4, ?5)
            AND s.state <> 'done'
         ORDER BY s.volume_id, s.block, s.offset, s.copy_id LIMIT ?6",
    )?;
    let values = params![job.0, after.0, after.1, after.2, after.3, BATCH_ITEMS];
    let mut rows = statement.query(values)?;
    let (mut versions, mut last, mut met) = (BTreeSet::new(), None, 0);
    while let Some(row) = rows.next()? {
        let key = ItemKey {
            volume: row.get(0)?,
            block: row.get(1)?,
            offset: row.get(2)?,
            copy: CopyId(row.get(3)?),
        };
        (last, met) = (Some(key), met + 1);
        let has_failed: bool = row.get(4)?;
        // What has no bytes needs no tape.
        if key.block >= 0 && (has_failed || lost.contains(&key.volume)) {
            versions.insert((row.get(5)?, row.get(6)?, row.get(7)?));
        }
    }
    Ok((versions, last.filter(|_| met == BATCH_ITEMS)))
}

/// What is exchanged for a version; nothing if its chosen copy is good, or no other one is.
fn exchange(
    connection: &Connection,
    picker: &mut Picker,
    job: JobId,
    (dir, name, run): VersionKey,
) -> Result<Option<Exchange>, CatalogError> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM versions v
         WHERE v.dir_id = ?1 AND v.name = ?2 AND v.run_id = ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query_map(params![dir, name, run], VersionRow::from_row)?;
    let Some(row) = rows.next().transpose()? else { return Ok(None) };
    let copies = copies_of(connection, dir, std::slice::from_ref(&row))?.pop().unwrap_or_default();
    let options = picker.options(connection, &row, copies)?;
    let goes = chosen(connection, job, &options)?;
    let is_chosen = |option: &CopyOption| {
        option.parts.iter().any(|part| goes.iter().any(|key| key.copy == part.key.copy))
    };
    if options.iter().any(|option| is_chosen(option) && option.is_readable()) {
        return Ok(None);
    }
    let others = options.iter().filter(|option| option.is_readable());
    let Some(best) = others.max_by_key(|option| option.rank()) else { return Ok(None) };
    let comes = best.parts.iter().map(|part| part.item(&row)).collect();
    Ok(Some(Exchange { goes, comes }))
}

/// The items that the selection of a job has of a version.
fn chosen(
    connection: &Connection,
    job: JobId,
    options: &[CopyOption],
) -> Result<Vec<ItemKey>, CatalogError> {
    let mut keys = Vec::new();
    for part in options.iter().flat_map(|option| &option.parts) {
        let ItemKey { volume, block, offset, copy } = part.key;
        let is_chosen = connection
            .prepare_cached(
                "SELECT 1 FROM selections WHERE job_id = ?1 AND volume_id = ?2 AND block = ?3
                    AND offset = ?4 AND copy_id = ?5",
            )?
            .exists(params![job.0, volume, block, offset, copy.0])?;
        if is_chosen {
            keys.push(part.key);
        }
    }
    Ok(keys)
}

fn delete(connection: &Connection, job: JobId, key: ItemKey) -> Result<(), CatalogError> {
    connection
        .prepare_cached(
            "DELETE FROM selections WHERE job_id = ?1 AND volume_id = ?2 AND block = ?3
                AND offset = ?4 AND copy_id = ?5",
        )?
        .execute(params![job.0, key.volume, key.block, key.offset, key.copy.0])?;
    Ok(())
}
