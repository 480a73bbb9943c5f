//! Why something of the machine cannot be read or changed.

use std::io;
use std::path::PathBuf;

/// Why something of the machine cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// A file of the boot state or of the data partition.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// `read`, `write`, `copy`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The state file is damaged.
    #[error("{} is not usable", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: serde_json::Error,
    },
    /// This system was not started from a slot.
    #[error("this machine was not started from an image with slots")]
    NoSlots,
    /// A program that does the work did not start.
    #[error("cannot run {program}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It said no.
    #[error("{program}: {why}")]
    Refused {
        /// Its name.
        program: &'static str,
        /// The last line that it printed.
        why: String,
    },
}

impl SystemError {
    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::File { .. } => "Look whether the data partition is mounted and not full.",
            Self::Syntax { .. } => "Move the file away; the history of updates begins anew.",
            Self::NoSlots => "Update the package of this machine instead.",
            Self::Program { .. } => "Install it, or use the image, which has it.",
            Self::Refused { .. } => "Fetch the bundle again from where it is published.",
        }
    }

    pub(super) fn file(verb: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::File { verb, path: path.to_owned(), source }
    }
}
