//! A body that is handed on while it comes: a bundle of some hundred megabytes is never in memory.
//!
//! The connection's task reads pieces and gives them to the handler's thread over a short queue. A handler
//! that has heard enough drops its end, and what still comes is not kept.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Pieces on their way to the handler; hyper's are some tens of kilobytes.
const PIECES_MAX: usize = 16;

/// Where a handler reads what comes.
pub(super) struct Upload(Mutex<Option<UploadReader>>);

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload")
    }
}

impl Upload {
    /// Nothing comes.
    pub(super) fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// The reader; only once.
    pub(super) fn take(&self) -> Option<UploadReader> {
        self.0.lock().take()
    }
}

/// What feeds an [`Upload`].
pub(super) struct Pump {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece_time: Duration,
}

/// The two ends. A piece may take `piece_time` to come.
pub(super) fn upload(piece_time: Duration) -> (Upload, Pump) {
    let (pieces, received) = mpsc::channel(PIECES_MAX);
    let reader = UploadReader { received, piece: Bytes::new() };
    (Upload(Mutex::new(Some(reader))), Pump { pieces, piece_time })
}

impl Pump {
    /// Hands on what comes until its end, or until the handler has heard enough.
    pub(super) async fn run(self, body: &mut Incoming) {
        loop {
            let frame = tokio::time::timeout(self.piece_time, body.frame()).await;
            let piece = match frame {
                Ok(None) => return,
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => Ok(bytes),
                    Err(_) => continue,
                },
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            };
            let is_over = piece.is_err();
            if self.pieces.send(piece).await.is_err() || is_over {
                return;
            }
        }
    }
}

/// Reads what comes; blocks until more is there.
pub(super) struct UploadReader {
    received: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for UploadReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.received.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
