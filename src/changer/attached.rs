//! The real changers of this machine.
//!
//! Nodes are only looked through: a library is known by the serial number that its changer has when it
//! was opened.

use std::io;

use super::{Changer, ChangerError};
use crate::domain::LibrarySerial;
use crate::scsi::sg::{Node, NodeKind, SgDevice, find_nodes};

impl Changer {
    /// Opens every changer that is attached to this machine, each for this process alone. One that
    /// cannot be opened is an error of its own and does not hide the others.
    ///
    /// # Errors
    /// If the system's list of devices cannot be read.
    pub fn open_attached() -> io::Result<Vec<Result<Self, ChangerError>>> {
        let changers = find_nodes()?.into_iter().filter(|node| node.kind == NodeKind::Changer);
        let open = |node: Node| match SgDevice::open(&node.path) {
            Ok(device) => Self::open(Box::new(device)),
            Err(source) => Err(ChangerError::Transport {
                library: LibrarySerial(node.path.display().to_string()),
                operation: "open it",
                source,
            }),
        };
        Ok(changers.map(open).collect())
    }
}
