//! What other services of the appliance keep, put back where they keep it: sources with their passwords, a person's
//! own certificate.
//!
//! Each file is copied into the service's folder under a hidden name, given to whom the folder belongs, and renamed;
//! what stood there goes into a folder beside it. A service that has its files in memory would write over them, so the
//! one that keeps the sources must not run; the gateway only reads.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{FOLDER_MODE, give, io, unusable};
use crate::app::engine::Keeping;
use crate::app::error::AppError;
use crate::app::serve::CERTIFICATE_FOLDER;
use crate::domain::{Clock, Timestamp};
use crate::durable;
use crate::system::certificate::{CERTIFICATE_FILE, CertificateKeeper, KEY_FILE};
use crate::system::sources::{KEPT_FILES, Keeper, SOURCES_FILE, hold};

const FILE_MODE: u32 = 0o600;

/// The folders of the services beside the engine.
#[derive(Clone, Debug)]
pub(in crate::app) struct ServiceFolders {
    /// Of the service that mounts network sources.
    pub(in crate::app) sources: PathBuf,
    /// Of the gateway.
    pub(in crate::app) gateway: PathBuf,
}

impl ServiceFolders {
    fn of(&self, keeping: Keeping) -> &Path {
        match keeping {
            Keeping::Sources => &self.sources,
            Keeping::Gateway => &self.gateway,
        }
    }
}

/// In the order in which they are put into place: a certificate whose key is not there yet could not be used.
const CERTIFICATE_FILES: [&str; 2] = [KEY_FILE, CERTIFICATE_FILE];

/// Opens what was taken out as its services would.
pub(super) fn ensure_usable(stage: &Path, clock: &Arc<dyn Clock>) -> Result<(), AppError> {
    let sources = stage.join(Keeping::Sources.folder());
    if sources.join(SOURCES_FILE).exists() {
        Keeper::open(&sources).map_err(unusable("network sources"))?;
    }
    let tls = stage.join(Keeping::Gateway.folder()).join(CERTIFICATE_FOLDER);
    if tls.join(CERTIFICATE_FILE).exists() {
        CertificateKeeper::open_or_make(&tls, Arc::clone(clock))
            .map_err(unusable("certificate"))?;
    }
    Ok(())
}

/// Puts the files of the stage into the services' folders and takes them away from the stage; what was put there.
pub(super) fn put(
    stage: &Path,
    folders: &ServiceFolders,
    now: Timestamp,
) -> Result<Vec<PathBuf>, AppError> {
    // Held until the end: nobody changes sources while they are replaced.
    let _alone = hold_sources(stage, folders)?;
    let mut placed = Vec::new();
    let sources = KEPT_FILES.map(|name| (Keeping::Sources, "", name));
    let certificate = CERTIFICATE_FILES.map(|name| (Keeping::Gateway, CERTIFICATE_FOLDER, name));
    for (keeping, below, name) in sources.into_iter().chain(certificate) {
        let from = stage.join(keeping.folder()).join(below).join(name);
        if !from.exists() {
            continue;
        }
        let folder = folders.of(keeping).join(below);
        make_folder(&folder)?;
        let owner = folder.metadata().map_err(io("read", &folder))?;
        let hidden = folder.join(format!(".{name}.restoring"));
        write(&from, &hidden)?;
        if nix::unistd::geteuid().is_root() {
            give(&hidden, owner.uid(), owner.gid())?;
        }
        let to = folder.join(name);
        if to.exists() {
            let aside = folder.join(format!("replaced-{}", now.seconds));
            make_folder(&aside)?;
            fs::rename(&to, aside.join(name)).map_err(io("move aside", &to))?;
        }
        durable::put_in_place(&hidden, &to).map_err(io("put into place", &to))?;
        placed.push(to);
    }
    for keeping in [Keeping::Sources, Keeping::Gateway] {
        let folder = stage.join(keeping.folder());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(io("remove", &folder))?;
        }
    }
    Ok(placed)
}

/// The service that keeps the sources does not run.
fn hold_sources(stage: &Path, folders: &ServiceFolders) -> Result<Option<File>, AppError> {
    let brings = stage.join(Keeping::Sources.folder()).join(SOURCES_FILE).exists();
    // A service that has started once has made its folder.
    if !brings || !folders.sources.is_dir() {
        return Ok(None);
    }
    hold(&folders.sources).map(Some).map_err(|error| {
        AppError::offline("the network sources cannot be put back", &error, error.next_step())
    })
}

/// Makes a folder that belongs to whom the one above it belongs to.
fn make_folder(folder: &Path) -> Result<(), AppError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    DirBuilder::new().mode(FOLDER_MODE).create(folder).map_err(io("make", folder))?;
    let Some(above) = folder.parent().filter(|_| nix::unistd::geteuid().is_root()) else {
        return Ok(());
    };
    let owner = above.metadata().map_err(io("read", above))?;
    give(folder, owner.uid(), owner.gid())
}

fn write(from: &Path, to: &Path) -> Result<(), AppError> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(io("remove", to)(error));
        }
        _ => {}
    }
    let written = || {
        let mut source = File::open(from)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(to)?;
        std::io::copy(&mut source, &mut file)?;
        file.sync_all()
    };
    written().map_err(io("write", to))
}
