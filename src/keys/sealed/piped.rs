//! The sealed format as a writer and a reader, for files that lie on a disk and not on a tape.

use std::io::{self, Read, Write};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{DataKey, KeySource, Opener, SealedError, SealedForm, Sealer};
use crate::domain::Sha256Digest;
use crate::keys::KeyId;

/// Bytes read at once.
const PIECE: usize = 1024 * 1024;

/// Seals what is written to it.
pub struct SealWriter<W> {
    inner: W,
    sealer: Sealer,
    sealed: Vec<u8>,
    bytes: u64,
    hash: Sha256,
}

impl<W: Write> SealWriter<W> {
    /// Begins a file in `inner`.
    #[must_use]
    pub fn new(inner: W, key: &DataKey, form: SealedForm) -> Self {
        let mut sealed = Vec::new();
        let sealer = Sealer::begin(key, form, &mut sealed);
        Self { inner, sealer, sealed, bytes: 0, hash: Sha256::new() }
    }

    /// Writes the last segment; the writer below, with the length and hash of all that it was given.
    ///
    /// # Errors
    /// When the writer below refuses.
    pub fn finish(mut self) -> io::Result<(W, u64, Sha256Digest)> {
        self.pass_on()?;
        let Self { mut inner, sealer, mut sealed, mut bytes, mut hash } = self;
        sealer.finish(&mut sealed);
        hash.update(&sealed);
        bytes += sealed.len() as u64;
        inner.write_all(&sealed)?;
        Ok((inner, bytes, Sha256Digest(hash.finalize().into())))
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.hash.update(&self.sealed);
        self.bytes += self.sealed.len() as u64;
        self.inner.write_all(&self.sealed)?;
        self.sealed.clear();
        Ok(())
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.sealer.push(plain, &mut self.sealed);
        self.pass_on()?;
        Ok(plain.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// One key, for files that are known to be sealed with it.
#[derive(Debug)]
pub struct OneKey(pub Arc<DataKey>);

impl KeySource for OneKey {
    fn data_key(&self, id: KeyId) -> Option<Arc<DataKey>> {
        (self.0.id() == id).then(|| Arc::clone(&self.0))
    }
}

/// Opens what is read from it. Nothing comes out that was not proven.
pub struct OpenReader<R> {
    inner: R,
    opener: Option<Opener>,
    form: Option<SealedForm>,
    plain: Vec<u8>,
    at: usize,
    /// What is wrong behind what is in `plain`.
    failed: Option<SealedError>,
}

impl<R: Read> OpenReader<R> {
    /// Begins with the first byte of a sealed file.
    #[must_use]
    pub fn new(inner: R, keys: Arc<dyn KeySource>) -> Self {
        let opener = Some(Opener::new(keys));
        Self { inner, opener, form: None, plain: Vec::new(), at: 0, failed: None }
    }

    /// What the header says, which is read and proven for this.
    ///
    /// # Errors
    /// As for reading: a [`SealedError`] is the inner error.
    pub fn form(&mut self) -> io::Result<Option<SealedForm>> {
        while self.form.is_none() && self.at == self.plain.len() && self.refill()? {}
        Ok(self.form)
    }

    /// Opens more; false at the end. What is proven before a damage comes out before the error does.
    fn refill(&mut self) -> io::Result<bool> {
        let refused = |error: SealedError| io::Error::new(io::ErrorKind::InvalidData, error);
        if let Some(error) = &self.failed {
            return Err(refused(error.clone()));
        }
        let Some(opener) = &mut self.opener else { return Ok(false) };
        let mut sealed = vec![0; PIECE];
        let read = self.inner.read(&mut sealed)?;
        (self.at, self.plain) = (0, std::mem::take(&mut self.plain));
        self.plain.clear();
        let plain = &mut self.plain;
        let mut own = |bytes: &[u8]| plain.extend_from_slice(bytes);
        let opened = if read > 0 {
            let opened = opener.push(&sealed[..read], &mut own);
            self.form = opener.form();
            opened
        } else {
            self.opener.take().map_or(Ok(()), |opener| opener.finish(&mut own))
        };
        self.failed = opened.err();
        match &self.failed {
            Some(error) if self.plain.is_empty() => Err(refused(error.clone())),
            _ => Ok(true),
        }
    }
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.plain.len() - self.at);
        buffer[..count].copy_from_slice(&self.plain[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl<W> std::fmt::Debug for SealWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealWriter").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl<R> std::fmt::Debug for OpenReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenReader").field("form", &self.form).finish_non_exhaustive()
    }
}
