//! The catalog backups in a folder, for those who choose one.

use std::path::Path;

use super::Service;
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{CatalogBackupView, Signed};
use crate::catalog_backup::{CatalogBackupError, Found, find};
use crate::domain::ByteCount;
use crate::keys::SignatureVerdict;

impl Service {
    pub(super) fn found_backups(
        &self,
        folder: &Path,
    ) -> Result<Vec<CatalogBackupView>, EngineError> {
        if !folder.is_absolute() {
            let message = format!("\"{}\" is not an absolute path.", folder.display());
            let next_step = "Name the folder from the top: folder=/srv/safe.";
            return Err(EngineError::new(Kind::Invalid, "path_relative", message, next_step));
        }
        self.sources.ensure_mounted(folder)?;
        let found = find(folder, &self.parts.keys).map_err(|error| unreadable(folder, &error))?;
        Ok(found.into_iter().map(view).collect())
    }
}

fn view(found: Found) -> CatalogBackupView {
    let Found { path, description, verdict, is_own } = found;
    let (signed, signed_by) = match verdict {
        SignatureVerdict::Trusted { key_id } if is_own => (Signed::Own, key_id),
        SignatureVerdict::Trusted { key_id } => (Signed::Trusted, key_id),
        SignatureVerdict::Foreign { key_id } => (Signed::Foreign, key_id),
        SignatureVerdict::Bad { key_id } => (Signed::Bad, key_id),
    };
    CatalogBackupView {
        path: path.display().to_string(),
        made: description.made,
        state_bytes: ByteCount(description.state_bytes()),
        host: description.host,
        release: description.release,
        sealed_bytes: description.sealed_bytes,
        kits: description.kits,
        signed_by,
        signed,
    }
}

fn unreadable(folder: &Path, error: &CatalogBackupError) -> EngineError {
    let is_missing = matches!(
        error, CatalogBackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound
    );
    let (kind, code) = if is_missing {
        (Kind::NotFound, "path_missing")
    } else {
        (Kind::Conflict, "path_unreadable")
    };
    let message = format!("The engine cannot list {}: {error}.", folder.display());
    EngineError::new(kind, code, message, error.next_step())
}
