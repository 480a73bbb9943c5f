//! What people have said of cartridges: another name, where one was put, that it must not be written.
//!
//! A file of its own, `cartridges.db`: a catalog that is lost and rebuilt from tapes must lift no lock, end
//! no retention, and still say on which shelf the copy lies. So what is said is kept by the label and, once
//! a drive has read it, by the serial in the cartridge's memory. Whatever matches by either counts: two
//! cartridges with one label are both held, and one that gets another label stays held.
//!
//! All of it is in memory too, since every list of cartridges shows it.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, Row, params};

use crate::domain::{Barcode, Timestamp};

use super::Catalog;
use super::cartridges::CartridgeRecord;
use super::error::{CatalogError, Subject};
use super::ids::{CartridgeId, sql_time, time_from_sql};
use super::side_file::{SideFile, SideFormat, StoreError};
use super::snapshot::CARTRIDGES_FILE;

const FORMAT: SideFormat = SideFormat {
    // "FSLK".
    application_id: 0x4653_4C4B,
    name: "the file of what was said of cartridges",
    migrations: &[include_str!("migrations/cartridges_0001_initial.sql")],
};

/// What people have said of one cartridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CartridgeNote {
    /// Another name for it; no two have the same one.
    pub alias: Option<String>,
    /// Where it was put, while it is in no library: "bank, box 3".
    pub location: Option<String>,
    /// Nothing is written to it while this stands.
    pub lock: Option<CartridgeLock>,
    /// What is on it is not erased before this moment.
    pub retained_until: Option<Timestamp>,
}

/// A person's order not to write to a cartridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeLock {
    /// Since when.
    pub at: Timestamp,
    /// Who gave it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// One thing that is said of a cartridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteChange {
    /// It is called so, or has no other name any more.
    Alias(Option<String>),
    /// It was put there, or nobody knows.
    Location(Option<String>),
    /// It must not be written.
    Lock {
        /// Why.
        reason: Option<String>,
    },
    /// It may be written again.
    Unlock,
    /// It must not be erased before; never earlier than was said before.
    Retain(Timestamp),
    /// It may be erased again.
    Release,
}

impl NoteChange {
    /// The word for it in the cartridge's history.
    fn code(&self) -> &'static str {
        match self {
            Self::Alias(_) => "named",
            Self::Location(_) => "put_away",
            Self::Lock { .. } => "locked",
            Self::Unlock => "unlocked",
            Self::Retain(_) => "retained",
            Self::Release => "released",
        }
    }

    fn sentence(&self, by: &str) -> String {
        match self {
            Self::Alias(Some(alias)) => format!("{by} named it \"{alias}\""),
            Self::Alias(None) => format!("{by} took its other name away"),
            Self::Location(Some(place)) => format!("{by} put it in this place: {place}"),
            Self::Location(None) => format!("{by} took back where it was put"),
            Self::Lock { reason: Some(reason) } => format!("{by} locked it: {reason}"),
            Self::Lock { reason: None } => format!("{by} locked it"),
            Self::Unlock => format!("{by} unlocked it"),
            Self::Retain(until) => format!("{by} ordered it to be kept until {until}"),
            Self::Release => format!("{by} ended its retention before its time"),
        }
    }

    fn apply(&self, note: &mut CartridgeNote, at: Timestamp, by: &str) {
        match self {
            Self::Alias(alias) => note.alias.clone_from(alias),
            Self::Location(location) => note.location.clone_from(location),
            Self::Lock { reason } => {
                note.lock = Some(CartridgeLock { at, by: by.to_owned(), reason: reason.clone() });
            }
            Self::Unlock => note.lock = None,
            Self::Retain(until) => note.retained_until = note.retained_until.max(Some(*until)),
            Self::Release => note.retained_until = None,
        }
    }
}

/// A row of the file.
#[derive(Clone, Debug)]
struct Kept {
    id: i64,
    barcode: Option<Barcode>,
    medium_serial: Option<String>,
    note: CartridgeNote,
}

impl Kept {
    fn is_of(&self, barcode: Option<&Barcode>, medium_serial: Option<&str>) -> bool {
        let labels = self.barcode.as_ref().zip(barcode);
        let serials = self.medium_serial.as_deref().zip(medium_serial);
        serials.is_some_and(|(known, found)| known == found)
            || labels.is_some_and(|(known, found)| known.is_same_label(found))
    }
}

/// The open file, and all of it in memory.
#[derive(Debug)]
pub(super) struct CartridgeNotes {
    file: SideFile,
    kept: Mutex<Vec<Kept>>,
}

impl CartridgeNotes {
    /// Opens the file beside the catalog at `catalog`, or makes it.
    pub(super) fn open(catalog: &Path) -> Result<Self, StoreError> {
        let file = SideFile::open(&catalog.with_file_name(CARTRIDGES_FILE), &FORMAT)?;
        let kept = file.read("read what was said of cartridges", all)?;
        Ok(Self { file, kept: Mutex::new(kept) })
    }

    /// Says of each cartridge what people have said of it.
    pub(super) fn add_to(&self, cartridges: &mut [CartridgeRecord]) {
        let kept = self.kept.lock();
        if kept.is_empty() {
            return;
        }
        for cartridge in cartridges {
            cartridge.note =
                note_of(&kept, cartridge.barcode.as_ref(), cartridge.medium_serial.as_deref());
        }
    }

    /// What a sighting changes: a serial that was read for the first time, and a place in a library, which
    /// ends any other.
    pub(super) fn met(
        &self,
        barcode: Option<&Barcode>,
        medium_serial: Option<&str>,
        is_in_library: bool,
    ) -> Result<(), StoreError> {
        let mut kept = self.kept.lock();
        let is_news = |row: &Kept| {
            row.is_of(barcode, medium_serial)
                && (row.medium_serial.is_none() && medium_serial.is_some()
                    || is_in_library && row.note.location.is_some())
        };
        // Asked for every cartridge of every inventory.
        if !kept.iter().any(is_news) {
            return Ok(());
        }
        let mut changed = kept.clone();
        for row in changed.iter_mut().filter(|row| is_news(row)) {
            row.medium_serial = row.medium_serial.take().or(medium_serial.map(str::to_owned));
            row.note.location = row.note.location.take().filter(|_| !is_in_library);
        }
        self.store(&mut kept, changed)
    }

    fn change(
        &self,
        cartridge: &CartridgeRecord,
        change: &NoteChange,
        at: Timestamp,
        by: &str,
    ) -> Result<(), StoreError> {
        let mut kept = self.kept.lock();
        let mut changed = kept.clone();
        let is_it =
            |row: &Kept| row.is_of(cartridge.barcode.as_ref(), cartridge.medium_serial.as_deref());
        if let NoteChange::Alias(Some(alias)) = change {
            let is_same = |row: &&Kept| {
                row.note.alias.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(alias))
            };
            if changed.iter().filter(is_same).any(|row| !is_it(row)) {
                return Err(StoreError::Exists(format!("a cartridge called \"{alias}\"")));
            }
        }
        if !changed.iter().any(is_it) {
            changed.push(Kept {
                id: changed.iter().map(|row| row.id).max().unwrap_or(0) + 1,
                barcode: cartridge.barcode.clone(),
                medium_serial: cartridge.medium_serial.clone(),
                note: CartridgeNote::default(),
            });
        }
        for row in changed.iter_mut().filter(|row| is_it(row)) {
            change.apply(&mut row.note, at, by);
        }
        self.store(&mut kept, changed)
    }

    /// Stores all rows, which are few, and then remembers them.
    fn store(&self, kept: &mut Vec<Kept>, mut changed: Vec<Kept>) -> Result<(), StoreError> {
        changed.retain(|row| row.note != CartridgeNote::default());
        self.file.write("note what was said of a cartridge", |file| {
            file.execute("DELETE FROM notes", [])?;
            changed.iter().try_for_each(|row| insert(file, row))
        })?;
        *kept = changed;
        Ok(())
    }
}

/// What counts for a cartridge: the first name and place that match, and every order not to write.
fn note_of(kept: &[Kept], barcode: Option<&Barcode>, medium_serial: Option<&str>) -> CartridgeNote {
    let mut note = CartridgeNote::default();
    for row in kept.iter().filter(|row| row.is_of(barcode, medium_serial)) {
        let CartridgeNote { alias, location, lock, retained_until } = &row.note;
        note.alias = note.alias.or_else(|| alias.clone());
        note.location = note.location.or_else(|| location.clone());
        note.lock = note.lock.or_else(|| lock.clone());
        note.retained_until = note.retained_until.max(*retained_until);
    }
    note
}

fn all(file: &Connection) -> Result<Vec<Kept>, StoreError> {
    let mut statement = file.prepare_cached(
        "SELECT id, barcode, medium_serial, alias, location, locked, locked_by, lock_reason,
            retained_until FROM notes ORDER BY id",
    )?;
    let rows = statement.query_map([], kept_from)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn kept_from(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let time = |column| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(time_from_sql))
    };
    let (by, reason): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
    let lock = time(5)?.map(|at| CartridgeLock { at, by: by.unwrap_or_default(), reason });
    Ok(Kept {
        id: row.get(0)?,
        barcode: row.get::<_, Option<String>>(1)?.and_then(|text| text.parse().ok()),
        medium_serial: row.get(2)?,
        note: CartridgeNote {
            alias: row.get(3)?,
            location: row.get(4)?,
            lock,
            retained_until: time(8)?,
        },
    })
}

fn insert(file: &Connection, row: &Kept) -> Result<(), StoreError> {
    let lock = row.note.lock.as_ref();
    file.prepare_cached(
        "INSERT INTO notes (id, barcode, medium_serial, alias, location, locked, locked_by,
            lock_reason, retained_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        row.id,
        row.barcode.as_ref().map(Barcode::as_str),
        row.medium_serial,
        row.note.alias,
        row.note.location,
        lock.map(|lock| sql_time(lock.at)),
        lock.map(|lock| &lock.by),
        lock.and_then(|lock| lock.reason.as_ref()),
        row.note.retained_until.map(sql_time),
    ])?;
    Ok(())
}

impl Catalog {
    /// Keeps what a person says of a cartridge, and writes it into its history.
    ///
    /// # Errors
    /// `NotFound` if there is no such cartridge, `Exists` if another one has that name already,
    /// `Notes` if it cannot be stored: then nothing has changed.
    pub fn note_cartridge(
        &self,
        id: CartridgeId,
        change: &NoteChange,
        at: Timestamp,
        by: &str,
    ) -> Result<(), CatalogError> {
        let cartridge = self.cartridge(id)?;
        match self.inner.notes.change(&cartridge, change, at, by) {
            Err(StoreError::Exists(what)) => {
                return Err(CatalogError::Exists(Subject::Cartridge(what)));
            }
            other => other?,
        }
        self.note_cartridge_event(id, change.code(), &change.sentence(by), None, at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{at, empty, file_in, reopen};
    use super::super::{CartridgeSighting, ProductIdentity};
    use super::*;
    use crate::domain::LibrarySerial;

    fn sighting(barcode: &str, serial: Option<&str>) -> CartridgeSighting {
        CartridgeSighting {
            barcode: barcode.parse().ok(),
            medium_serial: serial.map(str::to_owned),
            generation: None,
            kind: None,
            is_write_protected: None,
            place: None,
        }
    }

    fn note(catalog: &Catalog, barcode: &str) -> CartridgeNote {
        let mut found = catalog.cartridges_by_barcode(&barcode.parse().unwrap()).unwrap();
        found.remove(0).note
    }

    fn retain(until: i64) -> NoteChange {
        NoteChange::Retain(at(until))
    }

    #[test]
    fn what_was_said_of_a_cartridge_outlives_the_catalog_and_a_new_label() {
        let (catalog, folder) = empty();
        let id = catalog.saw_cartridge(&sighting("FSP001L9", None), at(1)).unwrap().id;
        let lock = NoteChange::Lock { reason: Some("evidence in a case".to_owned()) };
        catalog.note_cartridge(id, &lock, at(2), "ada").unwrap();
        catalog.note_cartridge(id, &retain(900), at(3), "ada").unwrap();
        // A drive reads its memory: from now on it is known by that too.
        catalog.saw_cartridge(&sighting("FSP001L9", Some("M1")), at(4)).unwrap();

        drop(catalog);
        Catalog::set_aside(&file_in(&folder), at(5)).unwrap();
        let catalog = Catalog::open(&file_in(&folder), super::super::OpenCheck::Whole).unwrap();
        catalog.saw_cartridge(&sighting("FSP007L9", Some("M1")), at(6)).unwrap();
        let held = note(&catalog, "FSP007L9");
        assert_eq!(held.retained_until, Some(at(900)));
        assert_eq!(held.lock.unwrap().reason.as_deref(), Some("evidence in a case"));
    }

    #[test]
    fn a_retention_is_only_ever_made_longer_until_it_is_ended() {
        let (catalog, folder) = empty();
        let id = catalog.saw_cartridge(&sighting("FSP001L9", None), at(1)).unwrap().id;
        catalog.note_cartridge(id, &retain(900), at(2), "ada").unwrap();
        catalog.note_cartridge(id, &retain(500), at(3), "ada").unwrap();
        let catalog = reopen(catalog, &folder);
        assert_eq!(note(&catalog, "FSP001L9").retained_until, Some(at(900)));
        catalog.note_cartridge(id, &NoteChange::Release, at(4), "ada").unwrap();
        let catalog = reopen(catalog, &folder);
        assert_eq!(note(&catalog, "FSP001L9"), CartridgeNote::default());
    }

    #[test]
    fn a_place_ends_when_the_cartridge_is_in_a_library_again_and_a_name_does_not() {
        let (catalog, _folder) = empty();
        let id = catalog.saw_cartridge(&sighting("FSP001L9", None), at(1)).unwrap().id;
        let say = |change| catalog.note_cartridge(id, &change, at(2), "ada").unwrap();
        say(NoteChange::Location(Some("bank, box 3".to_owned())));
        say(NoteChange::Alias(Some("wedding".to_owned())));
        assert_eq!(note(&catalog, "FSP001L9").location.as_deref(), Some("bank, box 3"));
        let library = LibrarySerial("LIB1".to_owned());
        catalog.saw_library(&library, &ProductIdentity::default(), at(3)).unwrap();
        let here = CartridgeSighting { place: Some((library, 5)), ..sighting("FSP001L9", None) };
        catalog.saw_cartridge(&here, at(3)).unwrap();
        let left = note(&catalog, "FSP001L9");
        assert_eq!((left.location, left.alias.as_deref()), (None, Some("wedding")));
    }

    #[test]
    fn no_two_cartridges_have_one_name() {
        let (catalog, _folder) = empty();
        let name = NoteChange::Alias(Some("Wedding".to_owned()));
        let first = catalog.saw_cartridge(&sighting("FSP001L9", None), at(1)).unwrap().id;
        catalog.note_cartridge(first, &name, at(2), "ada").unwrap();
        catalog.note_cartridge(first, &name, at(2), "ada").unwrap();
        let second = catalog.saw_cartridge(&sighting("FSP002L9", None), at(1)).unwrap().id;
        let same = NoteChange::Alias(Some("wedding".to_owned()));
        let refused = catalog.note_cartridge(second, &same, at(3), "ada").unwrap_err();
        assert!(matches!(refused, CatalogError::Exists(_)), "{refused}");
    }
}
