//! How large the catalog is, and which tables make it so.

use std::fs;

use rusqlite::Connection;

use super::Catalog;
use super::error::CatalogError;
use super::open::beside;
use crate::domain::ByteCount;

/// Bytes on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogSizes {
    /// The main file.
    pub catalog: ByteCount,
    /// The search index.
    pub search: ByteCount,
    /// Tables and indexes of the main file, the largest first.
    pub tables: Vec<(String, ByteCount)>,
}

impl Catalog {
    /// Sizes of the files once their logs are copied back, and of the tables. Looks at every page.
    ///
    /// # Errors
    /// `Database` or `Io` if a file cannot be read.
    pub fn sizes(&self) -> Result<CatalogSizes, CatalogError> {
        let of = |suffix: &str| -> Result<ByteCount, CatalogError> {
            let path = beside(self.path(), suffix);
            let doing = "look at the size of the catalog";
            let connection = Connection::open(&path)?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            let file = fs::metadata(&path);
            Ok(ByteCount(file.map_err(|source| CatalogError::Io { doing, path, source })?.len()))
        };
        let tables = self.read("look at the sizes of tables", |reader| {
            let mut statement = reader
                .prepare("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, ByteCount(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        Ok(CatalogSizes { catalog: of("")?, search: of(".search")?, tables })
    }
}
