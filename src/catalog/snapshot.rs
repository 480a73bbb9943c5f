//! Consistent copies of the SQLite files while they are in use, and the names of those files.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::OpenFlags;

use super::error::CatalogError;
use super::open::connect;

/// The catalog's file in the data folder.
pub const CATALOG_FILE: &str = "catalog.db";
/// The users' and keys' file.
pub const PEOPLE_FILE: &str = "people.db";
/// The audit log's file.
pub const AUDIT_FILE: &str = "audit.db";
/// The file of what was said of cartridges.
pub const CARTRIDGES_FILE: &str = "cartridges.db";
/// The alerts' file.
pub const ALERTS_FILE: &str = "alerts.db";

/// Only the engine's user reads a copy: it has what the file has.
const COPY_MODE: u32 = 0o600;

/// Writes a complete copy of one of the files to `to`, which must not exist: all that was committed when it
/// began, and nothing else, without the room of what was removed. Work goes on meanwhile.
///
/// # Errors
/// `Io` or `Database` if the file cannot be read or the copy not written.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), CatalogError> {
    let io = |source| CatalogError::Io { doing: "write a copy", path: to.to_owned(), source };
    // Made here for its mode; SQLite takes an empty file for none.
    OpenOptions::new().write(true).create_new(true).mode(COPY_MODE).open(to).map_err(io)?;
    // Its own connection: a reader of the pool may not write, not even elsewhere.
    let own = connect(from, OpenFlags::SQLITE_OPEN_READ_WRITE, false)?;
    let copied = own.execute("VACUUM INTO ?1", [to.to_string_lossy().as_ref()]);
    copied.map(|_| ()).map_err(|source| CatalogError::Database {
        doing: "write a copy of it",
        path: from.to_owned(),
        source,
    })
}
