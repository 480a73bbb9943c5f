//! Libraries and drives that were seen, and the journal of moves.
//!
//! What a library holds now is asked of the library; here is what was met, by serial number, and each
//! move as it was ordered. A move is written down before the robot is told. One that is still open
//! after a restart may have happened, half happened or not: `jobs` looks again and closes it.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::domain::{Barcode, DriveSerial, JobId, LibrarySerial, LtoGeneration, Timestamp};

use super::Catalog;
use super::error::{CatalogError, Subject};
use super::ids::{sql_time, time_from_sql};

/// What a device says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductIdentity {
    /// INQUIRY's VENDOR IDENTIFICATION, trimmed.
    pub vendor: String,
    /// INQUIRY's PRODUCT IDENTIFICATION, trimmed.
    pub product: String,
    /// INQUIRY's PRODUCT REVISION LEVEL, trimmed.
    pub revision: String,
}

/// A library that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryRecord {
    /// Its serial.
    pub serial: LibrarySerial,
    /// What it says of itself.
    pub identity: ProductIdentity,
    /// When it was met first.
    pub first_seen: Timestamp,
    /// When it was met last.
    pub last_seen: Timestamp,
}

/// A drive that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveRecord {
    /// Its serial.
    pub serial: DriveSerial,
    /// What it says of itself.
    pub identity: ProductIdentity,
    /// Its generation, if known.
    pub generation: Option<LtoGeneration>,
    /// The library and element it stands in, if it stands in one.
    pub place: Option<(LibrarySerial, u16)>,
    /// When it was met first.
    pub first_seen: Timestamp,
    /// When it was met last.
    pub last_seen: Timestamp,
}

/// A move as it was ordered. Elements are addresses as the changer reports them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveOrder {
    /// The library whose robot moves.
    pub library: LibrarySerial,
    /// The cartridge, if its barcode is known.
    pub barcode: Option<Barcode>,
    /// Where it is taken from.
    pub from_element: u16,
    /// Where it is put.
    pub to_element: u16,
    /// The job that wants it.
    pub job: Option<JobId>,
}

/// How a move ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveEnd {
    /// "done", or what went wrong, in words.
    pub outcome: String,
    /// Where the cartridge was found afterwards.
    pub found_at: Option<u16>,
}

/// A move as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRecord {
    /// Its number.
    pub number: i64,
    /// What was wanted.
    pub order: MoveOrder,
    /// How it ended; nothing if the power failed before.
    pub end: Option<MoveEnd>,
}

impl Catalog {
    /// Notes that a library was met.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn saw_library(
        &self,
        serial: &LibrarySerial,
        identity: &ProductIdentity,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("note a library", |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO libraries (serial, vendor, product, revision, first_seen, last_seen)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                     ON CONFLICT (serial) DO UPDATE SET vendor = excluded.vendor,
                        product = excluded.product, revision = excluded.revision,
                        last_seen = excluded.last_seen",
                )?
                .execute(params![
                    serial.0,
                    identity.vendor,
                    identity.product,
                    identity.revision,
                    sql_time(at)
                ])?;
            Ok(())
        })
    }

    /// Notes that a drive was met; `place` is its library (already noted) and element there.
    ///
    /// # Errors
    /// `NotFound` if the library was never noted.
    pub fn saw_drive(
        &self,
        serial: &DriveSerial,
        identity: &ProductIdentity,
        generation: Option<LtoGeneration>,
        place: Option<(&LibrarySerial, u16)>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("note a drive", |transaction| {
            let library = place.map(|(library, _)| library_id(transaction, library)).transpose()?;
            transaction
                .prepare_cached(
                    "INSERT INTO drives (serial, vendor, product, revision, generation, library_id,
                        element, first_seen, last_seen)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
                     ON CONFLICT (serial) DO UPDATE SET vendor = excluded.vendor,
                        product = excluded.product, revision = excluded.revision,
                        generation = coalesce(excluded.generation, generation),
                        library_id = excluded.library_id, element = excluded.element,
                        last_seen = excluded.last_seen",
                )?
                .execute(params![
                    serial.0,
                    identity.vendor,
                    identity.product,
                    identity.revision,
                    generation.map(LtoGeneration::name),
                    library,
                    place.map(|(_, element)| element),
                    sql_time(at)
                ])?;
            Ok(())
        })
    }

    /// All libraries that were met, by serial.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn libraries(&self) -> Result<Vec<LibraryRecord>, CatalogError> {
        self.read("list libraries", |reader| {
            let mut statement = reader.prepare_cached(
                "SELECT serial, vendor, product, revision, first_seen, last_seen
                 FROM libraries ORDER BY serial",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(LibraryRecord {
                    serial: LibrarySerial(row.get(0)?),
                    identity: identity_from(row, 1)?,
                    first_seen: time_from_sql(row.get(4)?),
                    last_seen: time_from_sql(row.get(5)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// All drives that were met, by serial.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn drives(&self) -> Result<Vec<DriveRecord>, CatalogError> {
        self.read("list drives", |reader| {
            let mut statement = reader.prepare_cached(
                "SELECT d.serial, d.vendor, d.product, d.revision, d.generation, l.serial,
                    d.element, d.first_seen, d.last_seen
                 FROM drives d LEFT JOIN libraries l ON l.id = d.library_id ORDER BY d.serial",
            )?;
            let rows = statement.query_map([], |row| {
                let library: Option<String> = row.get(5)?;
                let element: Option<u16> = row.get(6)?;
                Ok(DriveRecord {
                    serial: DriveSerial(row.get(0)?),
                    identity: identity_from(row, 1)?,
                    generation: generation_from(row, 4)?,
                    place: library.map(LibrarySerial).zip(element),
                    first_seen: time_from_sql(row.get(7)?),
                    last_seen: time_from_sql(row.get(8)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Writes a move down before the robot is told; returns its number.
    ///
    /// # Errors
    /// `NotFound` if the library was never noted.
    pub fn begin_move(&self, order: &MoveOrder, at: Timestamp) -> Result<i64, CatalogError> {
        self.write("journal a move", |transaction| {
            let library = library_id(transaction, &order.library)?;
            transaction
                .prepare_cached(
                    "INSERT INTO moves (library_id, barcode, from_element, to_element, job_id, started)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    library,
                    order.barcode.as_ref().map(Barcode::as_str),
                    order.from_element,
                    order.to_element,
                    order.job.map(|job| job.0),
                    sql_time(at)
                ])?;
            Ok(transaction.last_insert_rowid())
        })
    }

    /// Writes down how a move ended.
    ///
    /// # Errors
    /// `NotFound` if there is no such open move.
    pub fn end_move(&self, number: i64, end: &MoveEnd, at: Timestamp) -> Result<(), CatalogError> {
        self.write("close a move", |transaction| {
            let changed = transaction
                .prepare_cached(
                    "UPDATE moves SET ended = ?2, outcome = ?3, found_at = ?4
                     WHERE id = ?1 AND ended IS NULL",
                )?
                .execute(params![number, sql_time(at), end.outcome, end.found_at])?;
            if changed == 0 {
                return Err(CatalogError::NotFound(Subject::Move(number)));
            }
            Ok(())
        })
    }

    /// The last move that was begun for a job.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn last_move_of(&self, job: JobId) -> Result<Option<MoveRecord>, CatalogError> {
        self.read("look up a move", |reader| {
            let mut statement = reader.prepare_cached(
                "SELECT m.id, l.serial, m.barcode, m.from_element, m.to_element, m.outcome, m.found_at
                 FROM moves m JOIN libraries l ON l.id = m.library_id
                 WHERE m.job_id = ?1 ORDER BY m.id DESC LIMIT 1",
            )?;
            let read = |row: &rusqlite::Row<'_>| {
                let order = MoveOrder {
                    library: LibrarySerial(row.get(1)?),
                    barcode: barcode_from(row, 2)?,
                    from_element: row.get(3)?,
                    to_element: row.get(4)?,
                    job: Some(job),
                };
                let found_at = row.get(6)?;
                let outcome = row.get::<_, Option<String>>(5)?;
                let end = outcome.map(|outcome| MoveEnd { outcome, found_at });
                Ok(MoveRecord { number: row.get(0)?, order, end })
            };
            Ok(statement.query_row([job.0], read).optional()?)
        })
    }
}

/// The row of a library.
pub(super) fn library_id(
    connection: &rusqlite::Connection,
    serial: &LibrarySerial,
) -> Result<i64, CatalogError> {
    connection
        .prepare_cached("SELECT id FROM libraries WHERE serial = ?1")?
        .query_row([&serial.0], |row| row.get(0))
        .optional()?
        .ok_or_else(|| CatalogError::NotFound(Subject::Library(serial.0.clone())))
}

fn identity_from(row: &Row<'_>, first: usize) -> rusqlite::Result<ProductIdentity> {
    Ok(ProductIdentity {
        vendor: row.get(first)?,
        product: row.get(first + 1)?,
        revision: row.get(first + 2)?,
    })
}

/// A barcode column. One that cannot be a barcode is shown as none: the tape decides, not we.
pub(super) fn barcode_from(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Barcode>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// A generation column.
pub(super) fn generation_from(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<LtoGeneration>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| LtoGeneration::from_name(&text)))
}
