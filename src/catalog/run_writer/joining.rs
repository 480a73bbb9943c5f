//! A version that is there already gets a further part, or another copy of the set.
//!
//! The row of a version names its first copy, that of the lowest letter, whichever was written first:
//! search and lists look there, and the order of two drives must not show.

use rusqlite::{Transaction, params};

use super::super::error::CatalogError;
use super::super::ids::CopyId;
use super::firsts::FirstCopy;
use super::inserts::Inserts;
use crate::domain::CopyLetter;

/// The key of a version.
#[derive(Debug)]
pub(super) struct Version<'a> {
    pub(super) dir: i64,
    pub(super) name: &'a [u8],
    pub(super) run: i64,
}

/// What joins it.
#[derive(Debug)]
pub(super) struct Joining {
    pub(super) copy: CopyId,
    pub(super) letter: CopyLetter,
    /// True for the first part and for a file in one piece.
    pub(super) is_beginning: bool,
    /// The digest of the whole file, where it is known.
    pub(super) sha256: Option<[u8; 32]>,
}

/// How what joins compares to what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Joined {
    /// The same content, as far as both are known.
    Same,
    /// Another digest.
    OtherContent,
}

/// What a version says of its first copy; nothing if its first part was not stored.
pub(super) fn first_copy(
    transaction: &Transaction<'_>,
    version: &Version<'_>,
) -> Result<Option<FirstCopy>, CatalogError> {
    let Version { dir, name, run } = *version;
    let mut statement = transaction.prepare_cached(
        "SELECT v.segment_id << 36 | v.sequence, g.copy_number, v.sha256
         FROM versions v JOIN segments g ON g.id = v.segment_id
         WHERE v.dir_id = ?1 AND v.name = ?2 AND v.run_id = ?3",
    )?;
    let mut rows = statement.query(params![dir, name, run])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(FirstCopy { copy: CopyId(row.get(0)?), letter: row.get(1)?, sha256: row.get(2)? }))
}

/// Adds a copy to a version whose first copy is `first`, and keeps that true.
pub(super) fn join_version(
    transaction: &Transaction<'_>,
    insert: &mut Inserts<'_>,
    version: &Version<'_>,
    joining: &Joining,
    first: &mut FirstCopy,
) -> Result<Joined, CatalogError> {
    let Version { dir, name, run } = *version;
    let mut extra = joining.copy;
    if joining.is_beginning && joining.letter < first.letter {
        extra = std::mem::replace(&mut first.copy, joining.copy);
        first.letter = joining.letter;
        let (segment, sequence) = (joining.copy.segment(), joining.copy.sequence());
        transaction
            .prepare_cached(
                "UPDATE versions SET segment_id = ?4, sequence = ?5
                 WHERE dir_id = ?1 AND name = ?2 AND run_id = ?3",
            )?
            .execute(params![dir, name, run, segment.0, sequence])?;
    }
    insert.extra(version, extra)?;
    match (first.sha256, joining.sha256) {
        (Some(known), Some(now)) if known != now => return Ok(Joined::OtherContent),
        (None, Some(now)) => {
            first.sha256 = Some(now);
            transaction
                .prepare_cached(
                    "UPDATE versions SET sha256 = ?4
                     WHERE dir_id = ?1 AND name = ?2 AND run_id = ?3 AND sha256 IS NULL",
                )?
                .execute(params![dir, name, run, now])?;
        }
        _ => {}
    }
    Ok(Joined::Same)
}
