//! Bodies on their way through: counted and timed towards the engine, as they come towards the client.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Sleep;

use super::server::stopped;

/// Why a request's body did not reach the engine whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UploadFault {
    /// More bytes than are let through.
    TooLarge,
    /// The next piece did not come in time.
    TooSlow,
    /// The client's connection broke.
    Broken,
}

impl fmt::Display for UploadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the body is too large",
            Self::TooSlow => "the body came too slowly",
            Self::Broken => "the client's connection broke",
        })
    }
}

impl std::error::Error for UploadFault {}

/// A request's body. A fault is kept where the proxy finds it: hyper wraps errors of bodies.
#[derive(Debug)]
pub(super) struct Upload {
    inner: Incoming,
    left_bytes: u64,
    stall_time: Duration,
    deadline: Pin<Box<Sleep>>,
    fault: Arc<OnceLock<UploadFault>>,
}

impl Upload {
    pub(super) fn new(
        inner: Incoming,
        bytes_max: u64,
        stall_time: Duration,
    ) -> (Self, Arc<OnceLock<UploadFault>>) {
        let fault = Arc::new(OnceLock::new());
        let deadline = Box::pin(tokio::time::sleep(stall_time));
        let shared = Arc::clone(&fault);
        (Self { inner, left_bytes: bytes_max, stall_time, deadline, fault }, shared)
    }

    fn fail(&self, fault: UploadFault) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        Poll::Ready(Some(Err(*self.fault.get_or_init(|| fault))))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadFault>>> {
        let this = self.get_mut();
        let frame = match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Pending => {
                return match this.deadline.as_mut().poll(context) {
                    Poll::Ready(()) => this.fail(UploadFault::TooSlow),
                    Poll::Pending => Poll::Pending,
                };
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(_))) => return this.fail(UploadFault::Broken),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let length = frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
        let Some(left) = this.left_bytes.checked_sub(length) else {
            return this.fail(UploadFault::TooLarge);
        };
        this.left_bytes = left;
        this.deadline.as_mut().reset(tokio::time::Instant::now() + this.stall_time);
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body.
#[derive(Debug)]
pub(super) enum Reply {
    /// Made here; `None` once it was sent.
    Whole(Option<Bytes>),
    /// From the engine, with the place that its request takes there.
    Engine { body: Incoming, _slot: OwnedSemaphorePermit },
    /// Events from the engine without an end of their own: they end when the gateway does.
    Events { body: Incoming, stop: Stopping, _slot: OwnedSemaphorePermit },
}

/// Done once the gateway stops.
pub(super) struct Stopping(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Stopping {
    pub(super) fn of(mut stop: watch::Receiver<bool>) -> Self {
        Self(Box::pin(async move { stopped(&mut stop).await }))
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopping")
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Engine { body, .. } => Pin::new(body).poll_frame(context),
            Self::Events { body, stop, .. } => match stop.0.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => Pin::new(body).poll_frame(context),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Engine { body, .. } | Self::Events { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(length as u64)
            }
            Self::Engine { body, .. } | Self::Events { body, .. } => body.size_hint(),
        }
    }
}
