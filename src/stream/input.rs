//! A file of a source, open, as the engines see it: readable at any offset from any thread.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustix::fs::{Mode, OFlags, fcntl_getfl};

use super::plan::{FileOutcome, PlannedFile};
use crate::domain::SourcePath;
use crate::source::{FileStamp, Source, SourceError, SourceErrorKind, SourceFile};

/// An open file. Local ones are read by descriptor, all others through the source, one at a time.
#[derive(Debug)]
pub(super) struct Input {
    path: SourcePath,
    local: Option<Arc<File>>,
    /// Opened when it is first asked for.
    direct: OnceLock<Option<File>>,
    opened: Mutex<Box<dyn SourceFile>>,
}

impl Input {
    /// Opens a planned file.
    pub(super) fn open(source: &dyn Source, file: &PlannedFile) -> Result<Self, SourceError> {
        let opened = source.open(&file.path)?;
        let local = opened.descriptor().and_then(|fd| fd.try_clone_to_owned().ok());
        Ok(Self {
            path: file.path.clone(),
            local: local.map(|fd| Arc::new(File::from(fd))),
            direct: OnceLock::new(),
            opened: Mutex::new(opened),
        })
    }

    /// The descriptor, for engines that use it themselves.
    pub(super) fn local(&self) -> Option<&Arc<File>> {
        self.local.as_ref()
    }

    /// The same file with `O_DIRECT`, if it has a descriptor and a file system that allows it.
    pub(super) fn direct(&self) -> Option<&File> {
        self.direct.get_or_init(|| open_direct(self.local()?)).as_ref()
    }

    /// What the file is now.
    pub(super) fn stamp(&self) -> Result<FileStamp, SourceError> {
        self.opened.lock().stamp()
    }

    /// Reads until the buffer is full or the file ends. Blocks.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, SourceError> {
        match &self.local {
            Some(file) => read_full_at(file, buffer, offset).map_err(|e| self.error(e)),
            None => self.opened.lock().read_at(buffer, offset),
        }
    }

    /// The error for a failed read of this file.
    pub(super) fn error(&self, error: std::io::Error) -> SourceError {
        SourceError::of_io(&self.path, "read it", error)
    }
}

/// Opens the file behind a descriptor once more, for reading past the kernel's cache.
fn open_direct(file: &File) -> Option<File> {
    let kept = fcntl_getfl(file).ok()? & OFlags::NOATIME;
    let flags = OFlags::RDONLY | OFlags::DIRECT | OFlags::CLOEXEC | kept;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::open(path, flags, Mode::empty()).ok().map(File::from)
}

/// Reads until the buffer is full or the file ends.
pub(super) fn read_full_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The outcome of a file whose source failed with `error`.
pub(super) fn outcome_of(error: &SourceError) -> FileOutcome {
    match error.kind() {
        SourceErrorKind::Vanished => FileOutcome::Vanished,
        kind => FileOutcome::Unreadable {
            reason: with_causes(error),
            is_permission: kind == SourceErrorKind::PermissionDenied,
        },
    }
}

/// An error and its causes in one line.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
