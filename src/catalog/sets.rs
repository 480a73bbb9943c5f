//! Sets: the things that are protected, each with its own tree of folders.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::domain::{SetName, Timestamp};

use super::Catalog;
use super::error::{CatalogError, Subject};
use super::ids::{sql_time, time_from_sql};
use super::settings::{decode_json, encode_json};

/// A set that the catalog knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRecord {
    /// Its name.
    pub name: SetName,
    /// What is protected and how: JSON that `jobs` understands.
    pub spec: serde_json::Value,
    /// When it was made.
    pub created: Timestamp,
}

impl Catalog {
    /// Makes a set, or gives a known one a new specification.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn put_set(
        &self,
        name: &SetName,
        spec: &serde_json::Value,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        let text = encode_json("a set's specification", spec)?;
        self.write("store a set", |transaction| {
            ensure_set(transaction, name, at)?;
            transaction
                .prepare_cached("UPDATE sets SET spec = ?2 WHERE name = ?1")?
                .execute([name.as_str(), &text])?;
            Ok(())
        })
    }

    /// One set.
    ///
    /// # Errors
    /// `NotFound` if the catalog does not know it.
    pub fn set(&self, name: &SetName) -> Result<SetRecord, CatalogError> {
        let found = self.select_sets("WHERE name = ?1", params![name.as_str()])?.pop();
        found.ok_or_else(|| CatalogError::NotFound(Subject::Set(name.clone())))
    }

    /// All sets, by name.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn sets(&self) -> Result<Vec<SetRecord>, CatalogError> {
        self.select_sets("ORDER BY name", params![])
    }

    fn select_sets(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<SetRecord>, CatalogError> {
        self.read("list sets", |reader| {
            let sql = format!("SELECT name, spec, created FROM sets {condition}");
            let mut statement = reader.prepare_cached(&sql)?;
            let rows = statement.query_map(values, |row| {
                Ok((set_name_at(row, 0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
            })?;
            rows.map(|row| {
                let (name, spec, created) = row?;
                let spec = decode_json("a set's specification", &spec)?;
                Ok(SetRecord { name, spec, created: time_from_sql(created) })
            })
            .collect()
        })
    }
}

/// The row of a set.
pub(super) fn set_id(connection: &Connection, name: &SetName) -> Result<i64, CatalogError> {
    find_set(connection, name)?.ok_or_else(|| CatalogError::NotFound(Subject::Set(name.clone())))
}

/// The row of a set, which is made with an empty specification if there is none.
pub(super) fn ensure_set(
    connection: &Connection,
    name: &SetName,
    at: Timestamp,
) -> Result<i64, CatalogError> {
    if let Some(id) = find_set(connection, name)? {
        return Ok(id);
    }
    connection
        .prepare_cached(
            "INSERT INTO sets (name, root_dir_id, spec, created) VALUES (?1, 0, '{}', ?2)",
        )?
        .execute(params![name.as_str(), sql_time(at)])?;
    let id = connection.last_insert_rowid();
    connection
        .prepare_cached("INSERT INTO dirs (set_id, parent_id, name) VALUES (?1, 0, ?2)")?
        .execute(params![id, name.as_str().as_bytes()])?;
    let root = connection.last_insert_rowid();
    connection
        .prepare_cached("UPDATE sets SET root_dir_id = ?2 WHERE id = ?1")?
        .execute(params![id, root])?;
    Ok(id)
}

/// A set's name in a column.
pub(super) fn set_name_at(row: &Row<'_>, column: usize) -> rusqlite::Result<SetName> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::<crate::domain::ids::SetNameError>::new(error),
        )
    })
}

fn find_set(connection: &Connection, name: &SetName) -> Result<Option<i64>, CatalogError> {
    Ok(connection
        .prepare_cached("SELECT id FROM sets WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?)
}
