//! Copies of versions: which there are, where their bytes lie, and how they were made.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::domain::{ByteCount, CopyLetter, Sha256Digest, VolumeUuid};

use super::error::CatalogError;
use super::evidence::Effective;
use super::extents::{CopyExtent, decode_extents};
use super::files::{EvidenceBook, VersionRow};
use super::ids::CopyId;
use super::run_writer::CopyPart;

/// One copy of a version, or one part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRecord {
    /// Its number.
    pub id: CopyId,
    /// The volume it is on.
    pub volume: VolumeUuid,
    /// The copy of the set that it belongs to.
    pub letter: CopyLetter,
    /// Which part of the file it is, if the file is split.
    pub part: Option<CopyPart>,
    /// Where its bytes lie.
    pub extents: Vec<CopyExtent>,
    /// How they were made from the file's bytes, if they differ.
    pub codec: Option<StoredCodec>,
    /// Its path on the volume, if that is not `/<set>/<run>/<path>`.
    pub stored_path: Option<String>,
    /// What counts for it.
    pub evidence: Effective,
}

/// How the bytes on a volume were made from a file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCodec {
    /// The name of the codec in the manifest (`zstd`).
    pub name: String,
    /// Bytes on the tape.
    pub stored_size: ByteCount,
    /// Their digest.
    pub stored_sha256: Sha256Digest,
}

/// All copies and parts of a version, the first one first.
pub(super) fn copy_ids(
    connection: &Connection,
    dir: i64,
    version: &VersionRow,
) -> Result<Vec<CopyId>, CatalogError> {
    let mut copies: Vec<CopyId> = version.copy.into_iter().collect();
    let mut statement = connection.prepare_cached(
        "SELECT copy_id FROM extra_copies WHERE dir_id = ?1 AND name = ?2 AND run_id = ?3
         ORDER BY copy_id",
    )?;
    let extra = statement
        .query_map(params![dir, version.name, version.run], |row| row.get(0).map(CopyId))?;
    for copy in extra {
        copies.push(copy?);
    }
    Ok(copies)
}

pub(super) fn part_of(
    connection: &Connection,
    copy: CopyId,
) -> Result<Option<CopyPart>, CatalogError> {
    Ok(connection
        .prepare_cached(
            "SELECT number, of_parts, offset, size, sha256 FROM copy_parts WHERE copy_id = ?1",
        )?
        .query_row([copy.0], |row| part_at(row, row.get(0)?, 1))
        .optional()?)
}

/// A part whose number is known, from its other columns beginning with `at`.
fn part_at(row: &Row<'_>, number: u32, at: usize) -> rusqlite::Result<CopyPart> {
    Ok(CopyPart {
        number,
        of: row.get(at)?,
        offset: row.get(at + 1)?,
        size: ByteCount(row.get(at + 2)?),
        sha256: row.get::<_, Option<[u8; 32]>>(at + 3)?.map(Sha256Digest),
    })
}

/// A copy and the file that it is of.
#[derive(Debug)]
pub(super) struct PlacedCopy {
    /// The folder.
    pub dir: i64,
    /// The name in it.
    pub name: Vec<u8>,
    /// All that is known of the copy.
    pub record: CopyRecord,
}

/// Columns that [`PlacedCopy::from_row`] reads, of a table or query called `c` with [`COPY_JOINS`].
pub(super) const COPY_COLUMNS: &str = "c.id, c.dir_id, c.name, c.extents, w.stored_path,
    k.codec, k.stored_size, k.stored_sha256, p.number, p.of_parts, p.offset, p.size, p.sha256";

/// What only some copies have.
pub(super) const COPY_JOINS: &str = "LEFT JOIN copy_paths w ON w.copy_id = c.id
    LEFT JOIN copy_codecs k ON k.copy_id = c.id
    LEFT JOIN copy_parts p ON p.copy_id = c.id";

impl PlacedCopy {
    /// From the columns beginning with `at`.
    pub(super) fn from_row(
        row: &Row<'_>,
        at: usize,
        connection: &Connection,
        book: &mut EvidenceBook,
    ) -> Result<Self, CatalogError> {
        let codec = match row.get(at + 5)? {
            None => None,
            Some(name) => Some(StoredCodec {
                name,
                stored_size: ByteCount(row.get(at + 6)?),
                stored_sha256: Sha256Digest(row.get(at + 7)?),
            }),
        };
        let part = match row.get(at + 8)? {
            None => None,
            Some(number) => Some(part_at(row, number, at + 9)?),
        };
        let id = CopyId(row.get(at)?);
        let segment = book.segment(connection, id.segment())?;
        let extents = row.get_ref(at + 3)?.as_blob().map_err(rusqlite::Error::from)?;
        let record = CopyRecord {
            id,
            volume: segment.volume,
            letter: segment.copy,
            part,
            extents: decode_extents(extents)?,
            codec,
            stored_path: row.get(at + 4)?,
            evidence: segment.effective(id.sequence()),
        };
        Ok(Self { dir: row.get(at + 1)?, name: row.get(at + 2)?, record })
    }
}

/// One copy with all that is known of it, by one look; `None` if there is no such copy.
pub(super) fn placed_copy(
    connection: &Connection,
    book: &mut EvidenceBook,
    id: CopyId,
) -> Result<Option<PlacedCopy>, CatalogError> {
    let sql = format!("SELECT {COPY_COLUMNS} FROM copies c {COPY_JOINS} WHERE c.id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id.0])?;
    let row = rows.next()?;
    row.map(|row| PlacedCopy::from_row(row, 0, connection, book)).transpose()
}
