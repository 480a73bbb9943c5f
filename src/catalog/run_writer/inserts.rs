//! The statements that run for every row of a batch: looking each up among the prepared ones would cost as
//! much as some of them do.

use rusqlite::{CachedStatement, Transaction, params};

use super::super::error::CatalogError;
use super::super::ids::CopyId;
use super::joining::Version;

/// Statements of one transaction.
pub(super) struct Inserts<'t> {
    /// Number, folder, name, extents.
    pub(super) copy: CachedStatement<'t>,
    /// A version, unless it has a first copy of another letter: that is the last parameter.
    pub(super) version: CachedStatement<'t>,
    extra: CachedStatement<'t>,
}

impl<'t> Inserts<'t> {
    pub(super) fn prepare(transaction: &'t Transaction<'_>) -> Result<Self, CatalogError> {
        let copy = transaction.prepare_cached(
            "INSERT INTO copies (id, dir_id, name, extents) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let version = transaction.prepare_cached(
            "INSERT INTO versions (dir_id, name, run_id, kind, size, modified, changed, inode, sha256,
                attributes_id, segment_id, sequence)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (dir_id, name, run_id) DO UPDATE SET kind = excluded.kind,
                size = excluded.size, modified = excluded.modified, changed = excluded.changed,
                inode = excluded.inode, sha256 = excluded.sha256,
                attributes_id = excluded.attributes_id, segment_id = excluded.segment_id,
                sequence = excluded.sequence
             WHERE segment_id IS NULL
                OR ?13 = (SELECT copy_number FROM segments g WHERE g.id = versions.segment_id)",
        )?;
        let extra = transaction.prepare_cached(
            "INSERT OR REPLACE INTO extra_copies (dir_id, name, run_id, copy_id)
             VALUES (?1, ?2, ?3, ?4)",
        )?;
        Ok(Self { copy, version, extra })
    }

    /// Adds a copy beside the first.
    pub(super) fn extra(
        &mut self,
        version: &Version<'_>,
        copy: CopyId,
    ) -> Result<(), CatalogError> {
        self.extra.execute(params![version.dir, version.name, version.run, copy.0])?;
        Ok(())
    }
}
