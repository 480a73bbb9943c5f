//! The real drives of this machine.
//!
//! Nodes are only looked through: a drive is known by the serial number that it has when it was opened.

use std::io;
use std::sync::Arc;

use super::{Drive, DriveError, Operation};
use crate::domain::{Clock, DriveSerial};
use crate::scsi::sg::{Node, NodeKind, SgDevice, find_nodes};

impl Drive {
    /// Opens every drive that is attached to this machine, each for this process alone. One that cannot
    /// be opened (another program has it, it is powered off) is an error of its own and does not hide
    /// the others.
    ///
    /// # Errors
    /// If the system's list of devices cannot be read.
    pub fn open_attached(clock: &Arc<dyn Clock>) -> io::Result<Vec<Result<Self, DriveError>>> {
        let drives = find_nodes()?.into_iter().filter(|node| node.kind == NodeKind::Drive);
        let open = |node: Node| match SgDevice::open(&node.path) {
            Ok(device) => Self::open(Box::new(device), Arc::clone(clock)),
            Err(source) => Err(DriveError::Transport {
                drive: DriveSerial(node.path.display().to_string()),
                operation: Operation::Named("open it"),
                source,
            }),
        };
        Ok(drives.map(open).collect())
    }
}
