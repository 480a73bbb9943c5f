//! The body of an answer: one document, a file in pieces, or events while somebody listens.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

/// A piece of a file: few of them are on the way at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Pieces that were read and not sent yet.
const PIECES_AHEAD: usize = 4;

/// What hyper sends.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// A document; `None` once it was sent.
    Whole(Option<Bytes>),
    /// Pieces until the sender is dropped.
    Live(mpsc::Receiver<Bytes>),
    /// Pieces of a file, and how many bytes are still to come. One that cannot be read to its end breaks
    /// the connection, so that nobody takes a part for the whole.
    File(mpsc::Receiver<Bytes>, u64),
}

impl AnswerBody {
    pub(super) fn whole(bytes: Vec<u8>) -> Self {
        Self::Whole(Some(Bytes::from(bytes)).filter(|bytes| !bytes.is_empty()))
    }

    /// The first `length` bytes of a file, read by a thread of its own as they are sent.
    pub(super) fn file(mut file: File, length: u64) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        tokio::task::spawn_blocking(move || {
            let mut left = length;
            while left > 0 {
                let wanted = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
                let mut piece = vec![0; wanted];
                if let Err(error) = file.read_exact(&mut piece) {
                    tracing::error!(%error, "a file that is sent cannot be read to its end");
                    return;
                }
                left -= wanted as u64;
                // Refused by one who has gone.
                if sender.blocking_send(Bytes::from(piece)).is_err() {
                    return;
                }
            }
        });
        Self::File(pieces, length)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Live(pieces) => {
                pieces.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::File(pieces, left) => pieces.poll_recv(context).map(|piece| {
                piece.map(|bytes| {
                    *left = left.saturating_sub(bytes.len() as u64);
                    Ok(Frame::data(bytes))
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::File(_, 0))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Live(_) => SizeHint::default(),
            Self::File(_, left) => SizeHint::with_exact(*left),
        }
    }
}
