//! Why a library cannot be served to the kernel.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of serving. The message names the file; [`next_step`](TcmuError::next_step) what to do.
#[derive(Debug, thiserror::Error)]
pub enum TcmuError {
    /// The kernel's target subsystem is not there.
    #[error("the kernel has no target subsystem at {}", path.display())]
    NoTarget {
        /// Where it was expected.
        path: PathBuf,
    },
    /// A file of the target subsystem or of the device cannot be used.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// Completes "cannot".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The kernel made no device for a backstore.
    #[error("the kernel made no device for {name}")]
    NoDevice {
        /// The backstore.
        name: String,
    },
    /// The ring is not one that we understand.
    #[error("the command ring of {name} is of version {version}, not 2")]
    Version {
        /// The device.
        name: String,
        /// What the kernel says.
        version: u16,
    },
}

impl TcmuError {
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    /// What a person can do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NoTarget { .. } => {
                "Run as root: modprobe -a target_core_user tcm_loop; mount -t configfs none \
                 /sys/kernel/config"
            }
            Self::File { .. } | Self::NoDevice { .. } => {
                "Run as root, and look whether a library is served already and what dmesg says."
            }
            Self::Version { .. } => "Use a kernel from 4.1 on.",
        }
    }
}
