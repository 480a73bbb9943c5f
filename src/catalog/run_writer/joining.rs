//! A version that is there already gets a further part, or another copy of the set.
//!
//! The row of a version names its first copy, that of the lowest letter, whichever was written first:
//! search and lists look there, and the order of two drives must not show.

use rusqlite::{Transaction, params};

use super::super::error::CatalogError;
use super::super::ids::CopyId;
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

/// Adds a copy to a version.
pub(super) fn join_version(
    transaction: &Transaction<'_>,
    version: &Version<'_>,
    joining: &Joining,
) -> Result<Joined, CatalogError> {
    let Version { dir, name, run } = *version;
    let mut statement = transaction.prepare_cached(
        "SELECT v.segment_id << 36 | v.sequence, g.copy_number, v.sha256
         FROM versions v JOIN segments g ON g.id = v.segment_id
         WHERE v.dir_id = ?1 AND v.name = ?2 AND v.run_id = ?3",
    )?;
    let mut rows = statement.query(params![dir, name, run])?;
    let first = match rows.next()? {
        Some(row) => Some((row.get(0)?, row.get::<_, CopyLetter>(1)?, row.get(2)?)),
        None => None,
    };
    drop(rows);
    let mut extra = joining.copy.0;
    let mut known: Option<[u8; 32]> = None;
    if let Some((copy, letter, sha256)) = first {
        known = sha256;
        if joining.is_beginning && joining.letter < letter {
            extra = copy;
            let (segment, sequence) = (joining.copy.segment(), joining.copy.sequence());
            transaction
                .prepare_cached(
                    "UPDATE versions SET segment_id = ?4, sequence = ?5
                     WHERE dir_id = ?1 AND name = ?2 AND run_id = ?3",
                )?
                .execute(params![dir, name, run, segment.0, sequence])?;
        }
    }
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO extra_copies (dir_id, name, run_id, copy_id)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![dir, name, run, extra])?;
    match (known, joining.sha256) {
        (Some(known), Some(now)) if known != now => return Ok(Joined::OtherContent),
        (None, Some(now)) => {
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
