//! Cartridges: the objects with a barcode, wherever they are.
//!
//! A library shows barcodes; a drive reads the serial that the maker put into the cartridge's memory
//! (MAM 0401h). Two cartridges may carry one barcode, and one cartridge may get another label, so the
//! serial decides where it is known and the barcode only where it is not.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::domain::{Barcode, LibrarySerial, LtoGeneration, Timestamp};

use super::Catalog;
use super::cartridge_notes::CartridgeNote;
use super::equipment::{barcode_from, generation_from, library_id};
use super::error::{CatalogError, Subject};
use super::ids::{CartridgeId, sql_time, time_from_sql};
use super::text_enum::text_enum;

text_enum! {
    /// What a cartridge is made for.
    CartridgeKind {
        /// Rewritable.
        Data = "data",
        /// Write once, read many.
        Worm = "worm",
        /// Cleans heads, holds no data.
        Cleaning = "cleaning",
    }
}

text_enum! {
    /// What a cartridge may be used for.
    CartridgeState {
        /// Reading and writing.
        Usable = "usable",
        /// Reading; it has shown errors, so nothing new is put on it.
        Suspect = "suspect",
        /// Nothing until a person has looked: it is not what it should be.
        Quarantined = "quarantined",
        /// Nothing any more.
        Retired = "retired",
    }
}

/// A cartridge as somebody has just met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeSighting {
    /// The label that the library or the cartridge's memory shows.
    pub barcode: Option<Barcode>,
    /// The serial in its memory; only a drive knows it.
    pub medium_serial: Option<String>,
    /// Its generation, if known.
    pub generation: Option<LtoGeneration>,
    /// Its kind, if known.
    pub kind: Option<CartridgeKind>,
    /// The position of its write-protect switch, if known.
    pub is_write_protected: Option<bool>,
    /// Where it is: library and element.
    pub place: Option<(LibrarySerial, u16)>,
}

/// A cartridge that the catalog knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeRecord {
    /// Its number.
    pub id: CartridgeId,
    /// The label it was last seen with.
    pub barcode: Option<Barcode>,
    /// The serial in its memory, once a drive has read it.
    pub medium_serial: Option<String>,
    /// Its generation, if known.
    pub generation: Option<LtoGeneration>,
    /// Its kind; data until something else is known.
    pub kind: CartridgeKind,
    /// What it may be used for.
    pub state: CartridgeState,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// The position of its write-protect switch when last loaded.
    pub is_write_protected: bool,
    /// Library and element where it was last seen; `None` once it has left.
    pub place: Option<(LibrarySerial, u16)>,
    /// What people have said of it.
    pub note: CartridgeNote,
    /// How often it was loaded by us.
    pub load_count: u64,
    /// When it was met first.
    pub first_seen: Timestamp,
    /// When it was met last.
    pub last_seen: Timestamp,
}

/// Which cartridge a sighting was taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighted {
    /// The cartridge.
    pub id: CartridgeId,
    /// Other cartridges known under the same label: one of them is mislabelled or a replacement.
    pub same_barcode: Vec<CartridgeId>,
}

impl Catalog {
    /// Notes a cartridge that was met, and says which one it is.
    ///
    /// With a serial it is the cartridge of that serial; else the one last seen under the barcode. A
    /// serial read for the first time is given to the cartridge of that barcode that has none yet.
    ///
    /// # Errors
    /// `Misuse` if neither barcode nor serial is given, `NotFound` for a library never noted.
    pub fn saw_cartridge(
        &self,
        sighting: &CartridgeSighting,
        at: Timestamp,
    ) -> Result<Sighted, CatalogError> {
        if sighting.barcode.is_none() && sighting.medium_serial.is_none() {
            return Err(CatalogError::Misuse("a cartridge without label and serial".to_owned()));
        }
        let (barcode, serial) = (sighting.barcode.as_ref(), sighting.medium_serial.as_deref());
        self.inner.notes.met(barcode, serial, sighting.place.is_some())?;
        self.write("note a cartridge", |transaction| {
            let known = match identify(transaction, sighting)? {
                Some(id) => id,
                None => insert(transaction, sighting, at)?,
            };
            update(transaction, known, sighting, at)?;
            let same_barcode = match &sighting.barcode {
                Some(barcode) => others_with(transaction, barcode, known)?,
                None => Vec::new(),
            };
            Ok(Sighted { id: known, same_barcode })
        })
    }

    /// Says which elements of a library hold a known cartridge no more: all cartridges last seen in
    /// `library` before `at` lose their place.
    ///
    /// # Errors
    /// `NotFound` for a library never noted.
    pub fn inventory_ended(
        &self,
        library: &LibrarySerial,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("close an inventory", |transaction| {
            let library = library_id(transaction, library)?;
            transaction
                .prepare_cached(
                    "UPDATE cartridges SET library_id = NULL, element = NULL
                     WHERE library_id = ?1 AND last_seen < ?2",
                )?
                .execute(params![library, sql_time(at)])?;
            Ok(())
        })
    }

    /// Says what a cartridge may be used for, and why.
    ///
    /// # Errors
    /// `NotFound` if there is no such cartridge.
    pub fn set_cartridge_state(
        &self,
        id: CartridgeId,
        state: CartridgeState,
        reason: Option<&str>,
    ) -> Result<(), CatalogError> {
        self.update_cartridge(
            id,
            "UPDATE cartridges SET state = ?2, state_reason = ?3 WHERE id = ?1",
            params![id.0, state, reason],
        )
    }

    /// One cartridge.
    ///
    /// # Errors
    /// `NotFound` if there is no such cartridge.
    pub fn cartridge(&self, id: CartridgeId) -> Result<CartridgeRecord, CatalogError> {
        let mut found = self.select_cartridges("WHERE c.id = ?1", params![id.0])?;
        found.pop().ok_or_else(|| CatalogError::NotFound(Subject::Cartridge(id.to_string())))
    }

    /// All cartridges known under a label, the one seen last first. A label reported with and without
    /// its media suffix counts as one.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn cartridges_by_barcode(
        &self,
        barcode: &Barcode,
    ) -> Result<Vec<CartridgeRecord>, CatalogError> {
        let all = self.select_cartridges(
            "WHERE substr(c.barcode, 1, length(?1)) = ?1 OR c.barcode = ?2
             ORDER BY c.last_seen DESC, c.id DESC",
            params![barcode.as_str(), barcode.serial()],
        )?;
        let same = |c: &CartridgeRecord| {
            c.barcode.as_ref().is_some_and(|other| other.is_same_label(barcode))
        };
        Ok(all.into_iter().filter(same).collect())
    }

    /// All cartridges, by barcode.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn cartridges(&self) -> Result<Vec<CartridgeRecord>, CatalogError> {
        self.select_cartridges("ORDER BY c.barcode, c.id", params![])
    }

    fn select_cartridges(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<CartridgeRecord>, CatalogError> {
        let mut records: Vec<CartridgeRecord> = self.read("list cartridges", |reader| {
            let sql = format!(
                "SELECT c.id, c.barcode, c.medium_serial, c.generation, c.kind, c.state,
                    c.state_reason, c.is_write_protected, l.serial, c.element, c.load_count,
                    c.first_seen, c.last_seen
                 FROM cartridges c LEFT JOIN libraries l ON l.id = c.library_id {condition}"
            );
            let mut statement = reader.prepare_cached(&sql)?;
            let rows = statement.query_map(values, record_from)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        self.inner.notes.add_to(&mut records);
        Ok(records)
    }

    fn update_cartridge(
        &self,
        id: CartridgeId,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<(), CatalogError> {
        self.write("update a cartridge", |transaction| {
            if transaction.prepare_cached(sql)?.execute(values)? == 0 {
                return Err(CatalogError::NotFound(Subject::Cartridge(id.to_string())));
            }
            Ok(())
        })
    }
}

/// The cartridge that a sighting is of, if it is known.
fn identify(
    connection: &Connection,
    sighting: &CartridgeSighting,
) -> Result<Option<CartridgeId>, CatalogError> {
    if let Some(serial) = &sighting.medium_serial {
        let known = connection
            .prepare_cached("SELECT id FROM cartridges WHERE medium_serial = ?1")?
            .query_row([serial], |row| row.get(0).map(CartridgeId))
            .optional()?;
        if known.is_some() {
            return Ok(known);
        }
    }
    let Some(barcode) = &sighting.barcode else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT id, barcode FROM cartridges
         WHERE (substr(barcode, 1, length(?1)) = ?1 OR barcode = ?2)
           AND (?3 OR medium_serial IS NULL)
         ORDER BY last_seen DESC, id DESC",
    )?;
    let is_serial_unknown = sighting.medium_serial.is_none();
    let mut rows =
        statement.query(params![barcode.as_str(), barcode.serial(), is_serial_unknown])?;
    while let Some(row) = rows.next()? {
        if barcode_from(row, 1)?.is_some_and(|known| known.is_same_label(barcode)) {
            return Ok(Some(CartridgeId(row.get(0)?)));
        }
    }
    Ok(None)
}

fn insert(
    connection: &Connection,
    sighting: &CartridgeSighting,
    at: Timestamp,
) -> Result<CartridgeId, CatalogError> {
    let kind = sighting.kind.unwrap_or(match &sighting.barcode {
        Some(barcode) if barcode.is_cleaning() => CartridgeKind::Cleaning,
        _ => CartridgeKind::Data,
    });
    connection
        .prepare_cached(
            "INSERT INTO cartridges (kind, state, first_seen, last_seen) VALUES (?1, ?2, ?3, ?3)",
        )?
        .execute(params![kind, CartridgeState::Usable, sql_time(at)])?;
    Ok(CartridgeId(connection.last_insert_rowid()))
}

fn update(
    connection: &Connection,
    id: CartridgeId,
    sighting: &CartridgeSighting,
    at: Timestamp,
) -> Result<(), CatalogError> {
    let generation =
        sighting.generation.or(sighting.barcode.as_ref().and_then(Barcode::generation));
    let place = match &sighting.place {
        Some((library, element)) => Some((library_id(connection, library)?, *element)),
        None => None,
    };
    connection
        .prepare_cached(
            "UPDATE cartridges SET barcode = coalesce(?2, barcode),
                medium_serial = coalesce(?3, medium_serial), generation = coalesce(?4, generation),
                kind = coalesce(?5, kind), is_write_protected = coalesce(?6, is_write_protected),
                library_id = coalesce(?7, library_id), element = coalesce(?8, element),
                last_seen = ?9
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            sighting.barcode.as_ref().map(Barcode::as_str),
            sighting.medium_serial,
            generation.map(LtoGeneration::name),
            sighting.kind,
            sighting.is_write_protected,
            place.map(|(library, _)| library),
            place.map(|(_, element)| element),
            sql_time(at)
        ])?;
    if let Some((library, element)) = place {
        // One element holds one cartridge: whoever was there before has left.
        connection
            .prepare_cached(
                "UPDATE cartridges SET library_id = NULL, element = NULL
                 WHERE library_id = ?1 AND element = ?2 AND id <> ?3",
            )?
            .execute(params![library, element, id.0])?;
    }
    Ok(())
}

fn others_with(
    connection: &Connection,
    barcode: &Barcode,
    except: CartridgeId,
) -> Result<Vec<CartridgeId>, CatalogError> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM cartridges WHERE barcode = ?1 AND id <> ?2 ORDER BY id")?;
    let rows = statement
        .query_map(params![barcode.as_str(), except.0], |row| row.get(0).map(CartridgeId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record_from(row: &Row<'_>) -> rusqlite::Result<CartridgeRecord> {
    let library: Option<String> = row.get(8)?;
    let element: Option<u16> = row.get(9)?;
    Ok(CartridgeRecord {
        id: CartridgeId(row.get(0)?),
        barcode: barcode_from(row, 1)?,
        medium_serial: row.get(2)?,
        generation: generation_from(row, 3)?,
        kind: row.get(4)?,
        state: row.get(5)?,
        state_reason: row.get(6)?,
        is_write_protected: row.get(7)?,
        place: library.map(LibrarySerial).zip(element),
        note: CartridgeNote::default(),
        load_count: row.get(10)?,
        first_seen: time_from_sql(row.get(11)?),
        last_seen: time_from_sql(row.get(12)?),
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{at, empty};
    use super::*;

    fn sighting(barcode: Option<&str>, serial: Option<&str>) -> CartridgeSighting {
        CartridgeSighting {
            barcode: barcode.map(|text| text.parse().unwrap()),
            medium_serial: serial.map(str::to_owned),
            generation: None,
            kind: None,
            is_write_protected: None,
            place: None,
        }
    }

    #[test]
    fn a_second_cartridge_under_the_same_barcode_is_another_cartridge_and_is_named() {
        let (catalog, _folder) = empty();
        let first = catalog.saw_cartridge(&sighting(Some("FSP001L9"), None), at(1)).unwrap();
        let known = catalog.saw_cartridge(&sighting(Some("FSP001L9"), Some("A1")), at(2)).unwrap();
        assert_eq!(known.id, first.id, "the serial is given to the cartridge that had none");
        let other = catalog.saw_cartridge(&sighting(Some("FSP001L9"), Some("B2")), at(3)).unwrap();
        assert_ne!(other.id, first.id);
        assert_eq!(other.same_barcode, [first.id]);
        let relabelled =
            catalog.saw_cartridge(&sighting(Some("FSP009"), Some("A1")), at(4)).unwrap();
        assert_eq!(relabelled.id, first.id);
        assert_eq!(catalog.cartridge(first.id).unwrap().barcode.unwrap().as_str(), "FSP009");
    }

    #[test]
    fn a_barcode_reported_without_its_suffix_is_the_same_label() {
        let (catalog, _folder) = empty();
        let long = catalog.saw_cartridge(&sighting(Some("FSP001L9"), None), at(1)).unwrap();
        let short = catalog.saw_cartridge(&sighting(Some("FSP001"), None), at(2)).unwrap();
        assert_eq!(long.id, short.id);
        let found = catalog.cartridges_by_barcode(&"FSP001L9".parse().unwrap()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].generation, Some(LtoGeneration::Lto9));
    }

    #[test]
    fn an_element_holds_one_cartridge_and_an_inventory_clears_what_left() {
        let (catalog, _folder) = empty();
        let library = LibrarySerial("LIB1".to_owned());
        catalog.saw_library(&library, &Default::default(), at(1)).unwrap();
        let mut first = sighting(Some("FSP001L9"), None);
        first.place = Some((library.clone(), 1001));
        let mut second = sighting(Some("FSP002L9"), None);
        second.place = Some((library.clone(), 1001));
        let a = catalog.saw_cartridge(&first, at(2)).unwrap().id;
        let b = catalog.saw_cartridge(&second, at(3)).unwrap().id;
        assert_eq!(catalog.cartridge(a).unwrap().place, None);
        assert_eq!(catalog.cartridge(b).unwrap().place, Some((library.clone(), 1001)));
        catalog.inventory_ended(&library, at(4)).unwrap();
        assert_eq!(catalog.cartridge(b).unwrap().place, None);
    }

    #[test]
    fn a_cleaning_label_makes_a_cleaning_cartridge() {
        let (catalog, _folder) = empty();
        let id = catalog.saw_cartridge(&sighting(Some("CLN001L1"), None), at(1)).unwrap().id;
        assert_eq!(catalog.cartridge(id).unwrap().kind, CartridgeKind::Cleaning);
        let nothing = catalog.saw_cartridge(&sighting(None, None), at(1));
        assert!(matches!(nothing, Err(CatalogError::Misuse(_))));
    }
}
