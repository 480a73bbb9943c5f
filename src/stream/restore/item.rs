//! One item on a worker: stored bytes in, in order; hash, open, decode, write; one outcome at the end.

use std::sync::Arc;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::{FileOut, FileOuts, ItemOutcome, ItemResult, ReadItem, Target};
use crate::domain::Sha256Digest;
use crate::keys::KeyId;
use crate::keys::sealed::{KeySource, Opener};
use crate::stream::error::EdgeError;
use crate::stream::hash::RunningSha256;
use crate::stream::plan::Codec;

/// Largest window of a frame, as a power of two: our frames hold 4 MiB. Bounds what a damaged or
/// hostile frame can make us allocate.
const WINDOW_LOG_MAX: u32 = 23;
/// Decoded bytes handed on at once.
const DECODED_BYTES: usize = 128 * 1024;
const MORE: &str = "it decodes to more bytes than the file had";
const FEWER: &str = "it decodes to fewer bytes than the file had";
/// Zeroes that stand for a hole when it is hashed.
static ZEROES: [u8; 64 * 1024] = [0; 64 * 1024];

/// An item being handled.
pub(super) struct ItemWork {
    item: ReadItem,
    out: Option<Box<dyn FileOut>>,
    hasher: RunningSha256,
    /// Of the stored bytes, where they are not the file's own.
    stored_hasher: Option<RunningSha256>,
    sealing: Sealing,
    decoding: Option<Box<Decoding>>,
    /// The file's own bytes so far.
    size_bytes: u64,
    failure: Option<ItemOutcome>,
}

/// What lies between the stored bytes and what was sealed.
enum Sealing {
    /// Nothing.
    None,
    Opening(Box<Opener>),
    /// The key is not here: only the stored bytes can be compared.
    Closed(KeyId),
}

struct Decoding {
    decoder: Decoder<'static>,
    buffer: Vec<u8>,
    /// True at the end of a frame, and before the first.
    is_between_frames: bool,
}

impl ItemWork {
    /// Begins with the first byte of `item`.
    pub(super) fn begin(
        item: ReadItem,
        outs: Option<&dyn FileOuts>,
        keys: Option<&Arc<dyn KeySource>>,
    ) -> Self {
        let mut failure = None;
        let mut out = None;
        let key = |id| keys.filter(|keys| keys.data_key(id).is_some());
        let sealing = match item.sealed_by {
            None => Sealing::None,
            Some(id) => key(id).map_or(Sealing::Closed(id), |keys| {
                Sealing::Opening(Box::new(Opener::new(Arc::clone(keys))))
            }),
        };
        let is_closed = matches!(sealing, Sealing::Closed(_));
        if item.target == Target::Write && !is_closed {
            match outs.map(|outs| outs.create(item.id)) {
                Some(Ok(created)) => out = Some(created),
                Some(Err(error)) => failure = Some(ItemOutcome::WriteFailed { error }),
                None => {
                    let error: EdgeError = "there is no destination".into();
                    failure = Some(ItemOutcome::WriteFailed { error });
                }
            }
        }
        let decoding = match item.codec {
            Codec::None => None,
            Codec::Zstd { .. } => match Decoding::begin() {
                Ok(decoding) => Some(Box::new(decoding)),
                Err(error) => {
                    failure = Some(undecodable(&error.to_string()));
                    None
                }
            },
        };
        let is_own = decoding.is_none() && item.sealed_by.is_none();
        let stored_hasher = (!is_own).then(RunningSha256::new);
        let hasher = RunningSha256::new();
        Self { item, out, hasher, stored_hasher, sealing, decoding, size_bytes: 0, failure }
    }

    /// Begins to hash an item that is stored as it is and that somebody else writes.
    pub(super) fn begin_hashing(item: ReadItem) -> Self {
        Self {
            item,
            out: None,
            hasher: RunningSha256::new(),
            stored_hasher: None,
            sealing: Sealing::None,
            decoding: None,
            size_bytes: 0,
            failure: None,
        }
    }

    /// It ends with `outcome`, unless it failed before.
    pub(super) fn fail(&mut self, outcome: ItemOutcome) {
        self.failure.get_or_insert(outcome);
    }

    /// Takes the next stored bytes.
    pub(super) fn take(&mut self, stored: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        if let Some(hasher) = &mut self.stored_hasher {
            hasher.update(stored);
        }
        match std::mem::replace(&mut self.sealing, Sealing::None) {
            Sealing::None => self.take_content(stored),
            Sealing::Closed(key) => self.sealing = Sealing::Closed(key),
            Sealing::Opening(mut opener) => {
                let opened = opener.push(stored, &mut |plain| self.take_content(plain));
                if let Err(error) = opened {
                    self.fail(undecodable(&error.to_string()));
                }
                self.sealing = Sealing::Opening(opener);
            }
        }
    }

    /// Takes bytes as they were before sealing.
    fn take_content(&mut self, content: &[u8]) {
        match self.decoding.take() {
            None => self.take_own(content),
            Some(mut decoding) => {
                if let Err(reason) = decoding.take(content, |own| self.take_own(own)) {
                    self.fail(undecodable(&reason));
                }
                self.decoding = Some(decoding);
            }
        }
    }

    /// Takes `length` stored bytes that are a hole.
    pub(super) fn take_hole(&mut self, mut length: u64) {
        while length > 0 && self.failure.is_none() {
            let now = usize::try_from(length).map_or(ZEROES.len(), |left| left.min(ZEROES.len()));
            if self.stored_hasher.is_some() {
                self.take(&ZEROES[..now]);
            } else {
                self.hasher.update(&ZEROES[..now]);
                self.size_bytes += now as u64;
            }
            length -= now as u64;
        }
    }

    fn take_own(&mut self, bytes: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        let offset = self.size_bytes;
        self.size_bytes += bytes.len() as u64;
        if self.size_bytes > self.item.size_bytes {
            self.fail(undecodable(MORE));
            return;
        }
        self.hasher.update(bytes);
        if let Some(out) = &mut self.out
            && let Err(error) = out.write_at(offset, bytes)
        {
            self.out = None;
            self.fail(ItemOutcome::WriteFailed { error });
        }
    }

    /// All stored bytes were taken: judges them and completes the file.
    pub(super) fn end(mut self) -> ItemResult {
        let id = self.item.id;
        let outcome = match self.failure.take() {
            Some(outcome) => outcome,
            None => self.judge(),
        };
        ItemResult { id, outcome }
    }

    fn judge(mut self) -> ItemOutcome {
        if let Some(hasher) = self.stored_hasher.take() {
            let got = hasher.finish();
            if let Some(mismatch) = compare(self.item.stored_sha256, got) {
                return mismatch;
            }
        }
        match std::mem::replace(&mut self.sealing, Sealing::None) {
            Sealing::None => {}
            Sealing::Closed(key) => return ItemOutcome::Unopened { key },
            Sealing::Opening(opener) => {
                let opened = opener.finish(&mut |plain| self.take_content(plain));
                if let Err(error) = opened {
                    return undecodable(&error.to_string());
                }
                if let Some(failure) = self.failure.take() {
                    return failure;
                }
            }
        }
        if self.decoding.as_ref().is_some_and(|decoding| !decoding.is_between_frames) {
            return undecodable("it ends in the middle of a frame");
        }
        let sha256 = self.hasher.finish();
        if let Some(mismatch) = compare(self.item.sha256, sha256) {
            return mismatch;
        }
        if self.size_bytes != self.item.size_bytes {
            return undecodable(FEWER);
        }
        match self.out.take().map(|out| out.finish(self.size_bytes)) {
            Some(Err(error)) => ItemOutcome::WriteFailed { error },
            Some(Ok(())) | None => ItemOutcome::Ok { sha256 },
        }
    }
}

impl Decoding {
    fn begin() -> std::io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self { decoder, buffer: vec![0; DECODED_BYTES], is_between_frames: true })
    }

    fn take(&mut self, stored: &[u8], mut own: impl FnMut(&[u8])) -> Result<(), String> {
        let mut input = InBuffer::around(stored);
        loop {
            let mut output = OutBuffer::around(self.buffer.as_mut_slice());
            let hint = self.decoder.run(&mut input, &mut output).map_err(|e| e.to_string())?;
            let decoded = output.pos();
            self.is_between_frames = hint == 0;
            own(&self.buffer[..decoded]);
            // A full buffer may hide decoded bytes that are still inside.
            let is_drained = decoded < self.buffer.len() || hint == 0;
            if input.pos() == stored.len() && is_drained {
                return Ok(());
            }
        }
    }
}

/// The end of an item whose stored bytes are its own, all at hand and hashed: nothing is made of bytes that
/// are not the right ones.
pub(super) fn end_of_plain(
    item: &ReadItem,
    bytes: &[u8],
    sha256: Sha256Digest,
    outs: Option<&dyn FileOuts>,
) -> ItemResult {
    let outcome = match compare(item.sha256, sha256) {
        Some(mismatch) => mismatch,
        None if bytes.len() as u64 != item.size_bytes => {
            undecodable(if (bytes.len() as u64) < item.size_bytes { FEWER } else { MORE })
        }
        None if item.target == Target::Verify => ItemOutcome::Ok { sha256 },
        None => match write_whole(item.id, bytes, outs) {
            Ok(()) => ItemOutcome::Ok { sha256 },
            Err(error) => ItemOutcome::WriteFailed { error },
        },
    };
    ItemResult { id: item.id, outcome }
}

fn write_whole(id: u64, bytes: &[u8], outs: Option<&dyn FileOuts>) -> Result<(), EdgeError> {
    let mut out = outs.ok_or("there is no destination")?.create(id)?;
    if !bytes.is_empty() {
        out.write_at(0, bytes)?;
    }
    out.finish(bytes.len() as u64)
}

fn compare(expected: Option<Sha256Digest>, got: Sha256Digest) -> Option<ItemOutcome> {
    let expected = expected.filter(|expected| *expected != got)?;
    Some(ItemOutcome::Mismatch { expected, got })
}

fn undecodable(reason: &str) -> ItemOutcome {
    ItemOutcome::Undecodable { reason: reason.to_owned() }
}

impl std::fmt::Debug for ItemWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemWork").field("item", &self.item).finish_non_exhaustive()
    }
}
