//! Volumes: the LTFS content on cartridges, known by UUID, and the generations of their indexes.
//!
//! ```text
//!            format                first write             full or finished
//!  (nothing) ──────▶ blank ───────────▶ open ──────────────────▶ closed
//!  a tape of others ──▶ foreign ──adopted (key trusted)──▶ open, closed
//!  any ⇄ quarantined (something is not as it should be), any ⇄ missing (nobody finds it)
//!  any ──▶ erased (its cartridge was formatted again): the end
//! ```
//!
//! From quarantined and missing the way leads back only to the former state or to closed. Erasing
//! takes back all evidence of the copies on the volume in the same transaction.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::domain::{
    Barcode, BlockNumber, ByteCount, CopyLetter, Partition, Position, SetName, Sha256Digest,
    Timestamp, VolumeUuid,
};

use super::Catalog;
use super::cartridge_history::insert_event;
use super::equipment::barcode_from;
use super::error::{CatalogError, Subject};
use super::evidence::EvidenceState;
use super::ids::{CartridgeId, sql_time, time_from_sql};
use super::text_enum::text_enum;

text_enum! {
    /// Where a volume stands in its life.
    VolumeState {
        /// Formatted, nothing written yet.
        Blank = "blank",
        /// May be appended to.
        Open = "open",
        /// Complete: read only from now on.
        Closed = "closed",
        /// Made by somebody whose key we do not know: readable, never written.
        Foreign = "foreign",
        /// Not what it should be: nothing until a person has looked.
        Quarantined = "quarantined",
        /// Declared lost.
        Missing = "missing",
        /// Its cartridge has been formatted again. The bytes are gone.
        Erased = "erased",
    }
}

impl VolumeState {
    /// True if a volume in this state may come to `next`; `former` is the state before quarantine or
    /// loss.
    #[must_use]
    pub fn can_become(self, next: Self, former: Option<Self>) -> bool {
        match (self, next) {
            (Self::Erased, _) | (_, Self::Blank | Self::Foreign) => {
                matches!(self, Self::Quarantined | Self::Missing) && former == Some(next)
            }
            (_, Self::Quarantined | Self::Missing | Self::Erased) => true,
            (Self::Blank | Self::Open | Self::Foreign, Self::Open | Self::Closed) => true,
            (Self::Closed, Self::Closed) => true,
            (Self::Closed, Self::Open) => false,
            (Self::Quarantined | Self::Missing, Self::Closed) => true,
            (Self::Quarantined | Self::Missing, Self::Open) => former == Some(Self::Open),
        }
    }
}

/// A volume that was formatted or met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVolume {
    /// The UUID in its labels.
    pub uuid: VolumeUuid,
    /// The cartridge it is on, if that is known.
    pub cartridge: Option<CartridgeId>,
    /// The state it enters the catalog with.
    pub state: VolumeState,
    /// The barcode in its VOL1 label.
    pub barcode: Option<Barcode>,
    /// Its name.
    pub name: String,
    /// Bytes in a block.
    pub block_size: u32,
    /// The partition that holds the last index.
    pub index_partition: Partition,
    /// The partition that holds the data.
    pub data_partition: Partition,
    /// Capacity of the data partition.
    pub capacity: ByteCount,
    /// When it was formatted.
    pub formatted: Timestamp,
}

/// A volume's place in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetPlace {
    /// The set.
    pub set: SetName,
    /// The copy of it that the volume belongs to.
    pub copy: CopyLetter,
    /// Its number in that copy, counted from 1.
    pub sequence: u32,
}

/// A volume that the catalog knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRecord {
    /// What was noted when it was met.
    pub volume: NewVolume,
    /// Its set and its place in it.
    pub set: Option<SetPlace>,
    /// The state before quarantine or loss.
    pub former_state: Option<VolumeState>,
    /// Why it is in its state.
    pub state_reason: Option<String>,
    /// The newest generation of its index.
    pub generation: u64,
    /// Bytes used in the data partition.
    pub used: ByteCount,
    /// When something was last written to it.
    pub last_written: Option<Timestamp>,
    /// When it was last read back.
    pub last_verified: Option<Timestamp>,
}

/// One written index, and where its copy off the tape is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexGeneration {
    /// The generation.
    pub generation: u64,
    /// Where on the tape it begins.
    pub position: Position,
    /// Its length.
    pub bytes: ByteCount,
    /// Files in it.
    pub files: u64,
    /// When it was written.
    pub written: Timestamp,
    /// Path and digest of the copy kept off the tape.
    pub copy: Option<(String, Sha256Digest)>,
}

const COLUMNS: &str = "v.uuid, v.cartridge_id, v.state, v.barcode, v.name, v.block_size,
    v.index_partition, v.data_partition, v.capacity, v.formatted, s.name, v.sequence,
    v.former_state, v.state_reason, v.generation, v.used, v.last_written, v.last_verified,
    v.copy_number
    FROM volumes v LEFT JOIN sets s ON s.id = v.set_id";

impl Catalog {
    /// Notes a volume that was met, keyed by its UUID. If it is known, cartridge, barcode and name are
    /// brought up to date and its state stays what it is.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn saw_volume(&self, volume: &NewVolume) -> Result<(), CatalogError> {
        self.write("note a volume", |transaction| upsert_volume(transaction, volume))
    }

    /// Notes that a cartridge was formatted: `volume` is on it now, and what was there is erased with
    /// all evidence of it.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn volume_formatted(&self, volume: &NewVolume, at: Timestamp) -> Result<(), CatalogError> {
        self.write("note a formatted volume", |transaction| {
            if let Some(cartridge) = volume.cartridge {
                let mut statement = transaction.prepare_cached(
                    "SELECT uuid FROM volumes
                     WHERE cartridge_id = ?1 AND uuid <> ?2 AND state <> 'erased'",
                )?;
                let former = statement
                    .query_map(params![cartridge.0, volume.uuid.0.as_bytes()], uuid_from)?
                    .collect::<Result<Vec<_>, _>>()?;
                for uuid in former {
                    let reason = format!("its cartridge was formatted as volume {}", volume.uuid);
                    set_state(transaction, uuid, VolumeState::Erased, Some(&reason), at)?;
                }
            }
            upsert_volume(transaction, volume)
        })
    }

    /// One volume.
    ///
    /// # Errors
    /// `NotFound` if the catalog does not know it.
    pub fn volume(&self, uuid: VolumeUuid) -> Result<VolumeRecord, CatalogError> {
        self.find_volume(uuid)?.ok_or_else(|| CatalogError::NotFound(Subject::Volume(uuid)))
    }

    /// One volume, or `None` if the catalog does not know it.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn find_volume(&self, uuid: VolumeUuid) -> Result<Option<VolumeRecord>, CatalogError> {
        let key = uuid.0.as_bytes().as_slice();
        Ok(self.select_volumes("WHERE v.uuid = ?1", params![key])?.pop())
    }

    /// All volumes, oldest first.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn volumes(&self) -> Result<Vec<VolumeRecord>, CatalogError> {
        self.select_volumes("ORDER BY v.formatted, v.id", params![])
    }

    /// Volumes that are or were on a cartridge, the newest first. The first one that is not erased is
    /// what a load should find.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn volumes_of_cartridge(
        &self,
        cartridge: CartridgeId,
    ) -> Result<Vec<VolumeRecord>, CatalogError> {
        self.select_volumes(
            "WHERE v.cartridge_id = ?1 ORDER BY v.formatted DESC, v.id DESC",
            params![cartridge.0],
        )
    }

    /// The volumes of a set, copy by copy, each in its sequence.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn volumes_of_set(&self, set: &SetName) -> Result<Vec<VolumeRecord>, CatalogError> {
        self.select_volumes(
            "WHERE s.name = ?1 ORDER BY v.copy_number, v.sequence",
            params![set.as_str()],
        )
    }

    /// Moves a volume to another state.
    ///
    /// # Errors
    /// `Transition` if its state machine does not have that step, `NotFound` if it is not known.
    pub fn set_volume_state(
        &self,
        uuid: VolumeUuid,
        next: VolumeState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("change the state of a volume", |transaction| {
            set_state(transaction, uuid, next, reason, at)
        })
    }

    /// Makes a volume the next one of a copy of a set; returns its place, counted from 1. A volume that
    /// is in that copy already keeps its place.
    ///
    /// # Errors
    /// `Exists` if it belongs to another set or copy, `NotFound` if volume or set is not known.
    pub fn join_set(
        &self,
        uuid: VolumeUuid,
        set: &SetName,
        copy: CopyLetter,
    ) -> Result<u32, CatalogError> {
        self.write("add a volume to a set", |transaction| {
            let set_id = super::sets::set_id(transaction, set)?;
            let volume_id = volume_id(transaction, uuid)?;
            let (known_set, known_copy, known_sequence): (Option<i64>, CopyLetter, Option<u32>) =
                transaction
                    .prepare_cached(
                        "SELECT set_id, copy_number, sequence FROM volumes WHERE id = ?1",
                    )?
                    .query_row([volume_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            match (known_set, known_sequence) {
                (Some(known), Some(sequence)) if (known, known_copy) == (set_id, copy) => {
                    return Ok(sequence);
                }
                (Some(known), _) if (known, known_copy) != (set_id, copy) => {
                    return Err(CatalogError::Exists(Subject::Volume(uuid)));
                }
                _ => {}
            }
            let sequence: u32 = transaction
                .prepare_cached(
                    "SELECT coalesce(max(sequence), 0) + 1 FROM volumes
                     WHERE set_id = ?1 AND copy_number = ?2",
                )?
                .query_row(params![set_id, copy], |row| row.get(0))?;
            transaction
                .prepare_cached(
                    "UPDATE volumes SET set_id = ?2, copy_number = ?3, sequence = ?4 WHERE id = ?1",
                )?
                .execute(params![volume_id, set_id, copy, sequence])?;
            Ok(sequence)
        })
    }

    /// Notes an index that is on the tape (idempotent), and with it what the volume now holds.
    ///
    /// # Errors
    /// `NotFound` if the volume is not known.
    pub fn index_written(
        &self,
        uuid: VolumeUuid,
        index: &IndexGeneration,
        used: ByteCount,
    ) -> Result<(), CatalogError> {
        self.write("note an index", |transaction| {
            let id = volume_id(transaction, uuid)?;
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO index_generations (volume_id, generation, partition,
                        block, bytes, files, written, copy_path, copy_sha256)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    id,
                    index.generation,
                    index.position.partition.0,
                    index.position.block.0,
                    index.bytes.0,
                    index.files,
                    sql_time(index.written),
                    index.copy.as_ref().map(|(path, _)| path),
                    index.copy.as_ref().map(|(_, sha256)| sha256.0),
                ])?;
            transaction
                .prepare_cached(
                    "UPDATE volumes SET generation = max(generation, ?2), used = ?3, last_written = ?4
                     WHERE id = ?1",
                )?
                .execute(params![id, index.generation, used.0, sql_time(index.written)])?;
            Ok(())
        })
    }

    /// The indexes of a volume, newest first.
    ///
    /// # Errors
    /// `NotFound` if the volume is not known.
    pub fn index_generations(
        &self,
        uuid: VolumeUuid,
    ) -> Result<Vec<IndexGeneration>, CatalogError> {
        self.read("list indexes", |reader| {
            let id = volume_id(reader, uuid)?;
            let mut statement = reader.prepare_cached(
                "SELECT generation, partition, block, bytes, files, written, copy_path, copy_sha256
                 FROM index_generations WHERE volume_id = ?1
                 ORDER BY generation DESC, partition DESC",
            )?;
            let rows = statement.query_map([id], |row| {
                let path: Option<String> = row.get(6)?;
                let sha256: Option<[u8; 32]> = row.get(7)?;
                Ok(IndexGeneration {
                    generation: row.get(0)?,
                    position: Position {
                        partition: Partition(row.get(1)?),
                        block: BlockNumber(row.get(2)?),
                    },
                    bytes: ByteCount(row.get(3)?),
                    files: row.get(4)?,
                    written: time_from_sql(row.get(5)?),
                    copy: path.zip(sha256.map(Sha256Digest)),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Notes that a volume was read back as a whole.
    ///
    /// # Errors
    /// `NotFound` if the volume is not known.
    pub fn volume_verified(&self, uuid: VolumeUuid, at: Timestamp) -> Result<(), CatalogError> {
        self.write("note a verified volume", |transaction| {
            let id = volume_id(transaction, uuid)?;
            transaction
                .prepare_cached("UPDATE volumes SET last_verified = ?2 WHERE id = ?1")?
                .execute(params![id, sql_time(at)])?;
            Ok(())
        })
    }

    fn select_volumes(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<VolumeRecord>, CatalogError> {
        self.read("list volumes", |reader| {
            let mut statement = reader.prepare_cached(&format!("SELECT {COLUMNS} {condition}"))?;
            let rows = statement.query_map(values, record_from)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// The row of a volume.
pub(super) fn volume_id(connection: &Connection, uuid: VolumeUuid) -> Result<i64, CatalogError> {
    connection
        .prepare_cached("SELECT id FROM volumes WHERE uuid = ?1")?
        .query_row([uuid.0.as_bytes()], |row| row.get(0))
        .optional()?
        .ok_or(CatalogError::NotFound(Subject::Volume(uuid)))
}

/// A volume's UUID in the first column.
pub(super) fn uuid_from(row: &Row<'_>) -> rusqlite::Result<VolumeUuid> {
    uuid_at(row, 0)
}

/// A volume's UUID in a column.
pub(super) fn uuid_at(row: &Row<'_>, column: usize) -> rusqlite::Result<VolumeUuid> {
    Ok(VolumeUuid(Uuid::from_bytes(row.get(column)?)))
}

/// Inserts a volume, or brings what was noted of it up to date.
pub(super) fn upsert_volume(
    connection: &Connection,
    volume: &NewVolume,
) -> Result<(), CatalogError> {
    connection
        .prepare_cached(
            "INSERT INTO volumes (uuid, cartridge_id, state, barcode, name, block_size,
                index_partition, data_partition, capacity, formatted)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (uuid) DO UPDATE SET
                cartridge_id = coalesce(excluded.cartridge_id, cartridge_id),
                barcode = coalesce(excluded.barcode, barcode), name = excluded.name,
                capacity = excluded.capacity",
        )?
        .execute(params![
            volume.uuid.0.as_bytes(),
            volume.cartridge.map(|id| id.0),
            volume.state,
            volume.barcode.as_ref().map(Barcode::as_str),
            volume.name,
            volume.block_size,
            volume.index_partition.0,
            volume.data_partition.0,
            volume.capacity.0,
            sql_time(volume.formatted)
        ])?;
    Ok(())
}

fn set_state(
    connection: &Connection,
    uuid: VolumeUuid,
    next: VolumeState,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), CatalogError> {
    let id = volume_id(connection, uuid)?;
    let (current, former, cartridge): (VolumeState, Option<VolumeState>, Option<i64>) = connection
        .prepare_cached("SELECT state, former_state, cartridge_id FROM volumes WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if current != next && !current.can_become(next, former) {
        return Err(CatalogError::Transition {
            subject: Subject::Volume(uuid),
            from: current.as_str(),
            to: next.as_str(),
        });
    }
    let is_aside = |state| matches!(state, VolumeState::Quarantined | VolumeState::Missing);
    let former = match (is_aside(current), is_aside(next)) {
        (false, true) => Some(current),
        (true, true) => former,
        (_, false) => None,
    };
    connection
        .prepare_cached(
            "UPDATE volumes SET state = ?2, former_state = ?3, state_reason = ?4 WHERE id = ?1",
        )?
        .execute(params![id, next, former, reason])?;
    if let Some(cartridge) = cartridge.filter(|_| current != next) {
        let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let message = format!("its volume became {}{why}", next.as_str());
        insert_event(connection, CartridgeId(cartridge), next.as_str(), &message, None, at)?;
    }
    if next == VolumeState::Erased && current != next {
        let why = reason.unwrap_or("the volume was erased");
        connection
            .prepare_cached(
                "INSERT INTO evidence (segment_id, act, state, from_sequence, to_sequence, at, reason)
                 SELECT id, 'revoke', ?2, 0, checkpoint_sequence, ?3, ?4
                 FROM segments WHERE volume_id = ?1 AND checkpoint_sequence > 0",
            )?
            .execute(params![id, EvidenceState::Planned, sql_time(at), why])?;
    }
    Ok(())
}

fn record_from(row: &Row<'_>) -> rusqlite::Result<VolumeRecord> {
    let set: Option<String> = row.get(10)?;
    let sequence: Option<u32> = row.get(11)?;
    let optional_time = |column| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(time_from_sql))
    };
    Ok(VolumeRecord {
        volume: NewVolume {
            uuid: uuid_from(row)?,
            cartridge: row.get::<_, Option<i64>>(1)?.map(CartridgeId),
            state: row.get(2)?,
            barcode: barcode_from(row, 3)?,
            name: row.get(4)?,
            block_size: row.get(5)?,
            index_partition: Partition(row.get(6)?),
            data_partition: Partition(row.get(7)?),
            capacity: ByteCount(row.get(8)?),
            formatted: time_from_sql(row.get(9)?),
        },
        set: match (set.and_then(|name| name.parse().ok()), sequence) {
            (Some(set), Some(sequence)) => Some(SetPlace { set, copy: row.get(18)?, sequence }),
            _ => None,
        },
        former_state: row.get(12)?,
        state_reason: row.get(13)?,
        generation: row.get(14)?,
        used: ByteCount(row.get(15)?),
        last_written: optional_time(16)?,
        last_verified: optional_time(17)?,
    })
}
