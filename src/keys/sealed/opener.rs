//! Sealed bytes in, plain bytes out: nothing leaves it that was not proven.

use std::sync::Arc;

use super::error::SealedError;
use super::header::{HEADER_BYTES, Header, SEGMENT_BYTES};
use super::segment::{Place, SegmentKey, TAG_BYTES};
use super::{DataKey, SealedForm};
use crate::keys::KeyId;

/// Bytes of every segment but the last on the tape.
const SEALED_BYTES: usize = SEGMENT_BYTES + TAG_BYTES;

/// Opens one file. Bytes may come in pieces of any size.
pub struct Opener {
    keys: Arc<dyn KeySource>,
    opened: Option<(SealedForm, SegmentKey)>,
    number: u64,
    /// The header as far as it has come; then what may be the last segment.
    pending: Vec<u8>,
    plain: Vec<u8>,
}

/// Where data keys are found by their name.
pub trait KeySource: Send + Sync + std::fmt::Debug {
    /// The key, if it is at hand.
    fn data_key(&self, id: KeyId) -> Option<Arc<DataKey>>;
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").field("opened", &self.opened).finish_non_exhaustive()
    }
}

impl Opener {
    /// Begins with the first byte of a sealed file.
    #[must_use]
    pub fn new(keys: Arc<dyn KeySource>) -> Self {
        Self { keys, opened: None, number: 0, pending: Vec::new(), plain: Vec::new() }
    }

    /// What the header says, once it was read and proven.
    #[must_use]
    pub fn form(&self) -> Option<SealedForm> {
        self.opened.as_ref().map(|(form, _)| *form)
    }

    /// Takes the next sealed bytes; `own` is given plain ones.
    ///
    /// # Errors
    /// [`SealedError`] at the first byte that is not proven; nothing more is to be pushed then.
    pub fn push(
        &mut self,
        mut sealed: &[u8],
        own: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SealedError> {
        if self.opened.is_none() {
            let wanted = (HEADER_BYTES - self.pending.len()).min(sealed.len());
            self.pending.extend_from_slice(&sealed[..wanted]);
            sealed = &sealed[wanted..];
            if self.pending.len() < HEADER_BYTES {
                return Ok(());
            }
            self.open_header()?;
        }
        if !self.pending.is_empty() {
            let wanted = (SEALED_BYTES - self.pending.len()).min(sealed.len());
            self.pending.extend_from_slice(&sealed[..wanted]);
            sealed = &sealed[wanted..];
            if sealed.is_empty() {
                return Ok(());
            }
            let segment = std::mem::take(&mut self.pending);
            self.open_inside(&segment, own)?;
            self.pending = segment;
            self.pending.clear();
        }
        while sealed.len() > SEALED_BYTES {
            let (segment, rest) = sealed.split_at(SEALED_BYTES);
            self.open_inside(segment, own)?;
            sealed = rest;
        }
        self.pending.extend_from_slice(sealed);
        Ok(())
    }

    /// All bytes were pushed: opens the last segment.
    ///
    /// # Errors
    /// When the file is cut or its last segment damaged.
    pub fn finish(mut self, own: &mut dyn FnMut(&[u8])) -> Result<(), SealedError> {
        let pending = std::mem::take(&mut self.pending);
        let Some((_, key)) = &self.opened else {
            return Err(Header::parse(&pending).err().unwrap_or(SealedError::HeaderCut));
        };
        if pending.is_empty() {
            return Err(SealedError::LastMissing { after: self.number });
        }
        if key.open(self.number, Place::Last, &pending, &mut self.plain) {
            own(&self.plain);
            return Ok(());
        }
        if key.open(self.number, Place::Inside, &pending, &mut self.plain) {
            return Err(SealedError::LastMissing { after: self.number + 1 });
        }
        Err(SealedError::SegmentDamaged { number: self.number })
    }

    fn open_header(&mut self) -> Result<(), SealedError> {
        let header = Header::parse(&self.pending)?;
        let key =
            self.keys.data_key(header.key_id).ok_or(SealedError::KeyMissing(header.key_id))?;
        let file_key = header.open(&key, &self.pending[HEADER_BYTES - TAG_BYTES..])?;
        self.opened = Some((header.form, file_key));
        self.pending.clear();
        Ok(())
    }

    fn open_inside(
        &mut self,
        segment: &[u8],
        own: &mut dyn FnMut(&[u8]),
    ) -> Result<(), SealedError> {
        let Some((_, key)) = &self.opened else { return Err(SealedError::HeaderCut) };
        let number = self.number;
        if !key.open(number, Place::Inside, segment, &mut self.plain) {
            let is_last = key.open(number, Place::Last, segment, &mut self.plain);
            return Err(match is_last {
                true => SealedError::AfterLast { number },
                false => SealedError::SegmentDamaged { number },
            });
        }
        self.number += 1;
        own(&self.plain);
        Ok(())
    }
}
