//! What other services keep and a catalog backup has to have: asked for on their sockets.

use std::path::PathBuf;

use crate::catalog_backup::{HandedFile, KeptElsewhere, NotHandedOver};
use crate::system::ask_handover;

/// A service that keeps files of the appliance, and its folder in a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Keeping {
    /// The service that mounts network sources.
    Sources,
    /// The gateway.
    Gateway,
}

impl Keeping {
    /// The folder of its files in a backup.
    pub(in crate::app) fn folder(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Gateway => "gateway",
        }
    }
}

/// Where such a service answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct HandoverDoor {
    /// Which.
    pub(in crate::app) keeping: Keeping,
    /// Its socket.
    pub(in crate::app) socket: PathBuf,
}

impl KeptElsewhere for HandoverDoor {
    fn what(&self) -> &str {
        match self.keeping {
            Keeping::Sources => "the passwords of network sources",
            Keeping::Gateway => "the certificate of the gateway",
        }
    }

    fn hand_over(&self) -> Result<Vec<HandedFile>, NotHandedOver> {
        let files = ask_handover(&self.socket).map_err(|error| NotHandedOver(error.to_string()))?;
        // Each has a folder of its own in a backup: none writes another's file.
        let named = |name: &str| format!("{}/{name}", self.keeping.folder());
        let handed = files.into_iter();
        Ok(handed
            .map(|file| HandedFile { name: named(&file.name), content: file.content })
            .collect())
    }
}
