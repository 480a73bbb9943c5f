//! A file over there, read and written in pieces of which many are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

use super::close;
use super::connection::Connection;
use super::packet::{Answer, Extension, Question};
use crate::system::sources::served::RemoteFile;

/// Bytes that are asked for, or written, at once. Every server takes that many.
const PIECE_BYTES: usize = 32 * 1024;

/// A file of the folder, open over there. It ends with its connection.
#[derive(Debug)]
pub(super) struct File {
    connection: Arc<Connection>,
    handle: Vec<u8>,
    /// Something was written since the last sync.
    is_written: AtomicBool,
}

impl File {
    pub(super) fn new(connection: Arc<Connection>, handle: Vec<u8>) -> Self {
        Self { connection, handle, is_written: AtomicBool::new(false) }
    }

    /// Exactly `length` bytes, fewer only where the file ends: a server may give less than it was asked for.
    fn read_rest(&self, mut offset: u64, length: usize, got: Vec<u8>) -> Result<Vec<u8>, Errno> {
        let mut bytes = got;
        offset += bytes.len() as u64;
        while bytes.len() < length {
            match self.connection.ask(&self.question(offset, length - bytes.len()))? {
                Answer::Data(more) if !more.is_empty() => {
                    offset += more.len() as u64;
                    bytes.extend(more);
                }
                Answer::Data(_) | Answer::End => break,
                _ => return Err(Errno::PROTO),
            }
        }
        Ok(bytes)
    }

    fn question(&self, offset: u64, length: usize) -> Question<'_> {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Question::Read { handle: &self.handle, offset, length }
    }
}

impl RemoteFile for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let handle = &self.handle;
        let sent: Vec<_> = bytes
            .chunks(PIECE_BYTES)
            .zip((offset..).step_by(PIECE_BYTES))
            .map(|(bytes, offset)| self.connection.send(&Question::Write { handle, offset, bytes }))
            .collect::<Result<_, _>>()?;
        self.is_written.store(true, Ordering::Relaxed);
        for pending in sent {
            match self.connection.wait(pending)? {
                Answer::Done => {}
                _ => return Err(Errno::PROTO),
            }
        }
        Ok(())
    }

    /// A server that cannot be told to is believed to write in its own time.
    fn sync(&self) -> Result<(), Errno> {
        let is_new = self.is_written.swap(false, Ordering::Relaxed);
        if !is_new || !self.connection.can(Extension::Fsync) {
            return Ok(());
        }
        self.connection.tell(&Question::Extended(Extension::Fsync, &self.handle, None))
    }

    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let pieces: Vec<_> = (0..length)
            .step_by(PIECE_BYTES)
            .map(|at| (offset + at as u64, PIECE_BYTES.min(length - at)))
            .collect();
        let asked: Vec<_> = pieces
            .iter()
            .map(|&(at, length)| self.connection.send(&self.question(at, length)))
            .collect::<Result<_, _>>()?;
        let mut bytes = Vec::with_capacity(length);
        for (&(at, length), pending) in pieces.iter().zip(asked) {
            let got = match self.connection.wait(pending)? {
                Answer::Data(got) => self.read_rest(at, length, got)?,
                Answer::End => Vec::new(),
                _ => return Err(Errno::PROTO),
            };
            let is_end = got.len() < length;
            bytes.extend(got);
            if is_end {
                break;
            }
        }
        Ok(bytes)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        close(&self.connection, &self.handle);
    }
}
