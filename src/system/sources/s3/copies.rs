//! Copies of objects, which the store makes itself: a small one at once, a large one in parts.
//!
//! A store copies at most 5 GB in one go, and answers when all of it is there. Of parts it copies several at
//! the same time. Some stores know no parts that are copies; they take such a wish for an empty part.

use std::thread;

use hyper::Method;
use hyper::header::HeaderName;
use rusty_s3::S3Action as _;

use super::store::{SIGNED_TIME, Store};
use super::wire::{Question, StoreError};
use super::writing::done;

/// Names the object that is copied.
const COPY_SOURCE: &str = "x-amz-copy-source";
/// Names the bytes of it: `bytes=0-99`.
const COPY_SOURCE_RANGE: &str = "x-amz-copy-source-range";
/// Larger objects are copied in parts.
const AT_ONCE_BYTES_MAX: u64 = 256 << 20;
/// The least that a part has; more if there were too many.
const PART_BYTES: u64 = 256 << 20;
/// What stores take, less a few.
const PARTS_MAX: u64 = 9_000;
/// Parts that are copied at the same time.
const PARTS_TOGETHER: usize = 4;

/// A part of the object that is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// Counted from 1.
    number: u16,
    first: u64,
    last: u64,
}

impl Store {
    /// Copies an object of that size. What is there afterwards has as many bytes, or it is an error.
    pub(super) fn copy(&self, from: &[u8], to: &[u8], size_bytes: u64) -> Result<(), StoreError> {
        if size_bytes <= AT_ONCE_BYTES_MAX {
            return self.copy_at_once(from, to);
        }
        match self.copy_in_parts(from, to, size_bytes) {
            Err(StoreError::Strange(said)) => {
                tracing::info!(said, "a large object is copied in one go");
                self.copy_at_once(from, to)?;
            }
            other => other?,
        }
        let copied = self.head(to)?.size_bytes;
        if copied == size_bytes {
            return Ok(());
        }
        let said = format!("of {size_bytes} bytes of an object it copied {copied}");
        Err(StoreError::Strange(said))
    }

    fn copy_at_once(&self, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        let to = self.whole_key(to)?;
        let source = self.copy_source(from)?;
        let mut action = self.bucket.put_object(self.credentials.as_ref(), &to);
        action.headers_mut().insert(COPY_SOURCE, source.clone());
        let url = action.sign(SIGNED_TIME);
        let mut question = Question::new(Method::PUT, &url);
        question.headers.push((HeaderName::from_static(COPY_SOURCE), source));
        let (_, _, bytes) = self.wire.ask(&question)?;
        done(&bytes)
    }

    fn copy_in_parts(&self, from: &[u8], to: &[u8], size_bytes: u64) -> Result<(), StoreError> {
        let upload = self.begin(to)?;
        let copied = self
            .copy_parts(from, to, &upload, &parts_of(size_bytes))
            .and_then(|names| self.complete(to, &upload, &names));
        if copied.is_err() {
            let _ = self.abandon(to, &upload);
        }
        copied
    }

    fn copy_parts(
        &self,
        from: &[u8],
        to: &[u8],
        upload: &str,
        parts: &[Part],
    ) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for together in parts.chunks(PARTS_TOGETHER) {
            let copied: Result<Vec<_>, _> = thread::scope(|scope| {
                let copy = |&part| scope.spawn(move || self.copy_part(from, to, upload, part));
                let copying: Vec<_> = together.iter().map(copy).collect();
                let broken = || StoreError::Strange("a copy was not ended".to_owned());
                let end = |part: thread::ScopedJoinHandle<'_, _>| {
                    part.join().unwrap_or_else(|_| Err(broken()))
                };
                copying.into_iter().map(end).collect()
            });
            names.extend(copied?);
        }
        Ok(names)
    }

    /// The store's name of the part.
    fn copy_part(
        &self,
        from: &[u8],
        to: &[u8],
        upload: &str,
        part: Part,
    ) -> Result<String, StoreError> {
        let to = self.whole_key(to)?;
        let source = self.copy_source(from)?;
        let range = format!("bytes={}-{}", part.first, part.last);
        let credentials = self.credentials.as_ref();
        let mut action = self.bucket.upload_part(credentials, &to, part.number, upload);
        action.headers_mut().insert(COPY_SOURCE, source.clone());
        action.headers_mut().insert(COPY_SOURCE_RANGE, range.clone());
        let url = action.sign(SIGNED_TIME);
        let mut question = Question::new(Method::PUT, &url);
        question.headers.push((HeaderName::from_static(COPY_SOURCE), source));
        question.headers.push((HeaderName::from_static(COPY_SOURCE_RANGE), range));
        let (_, _, bytes) = self.wire.ask(&question)?;
        done(&bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let name = text.split_once("<ETag>").and_then(|(_, rest)| rest.split_once("</ETag>"));
        let unknown = || StoreError::Strange("it does not copy parts of objects".to_owned());
        name.map(|(name, _)| name.replace("&quot;", "\"").replace("&#34;", "\""))
            .ok_or_else(unknown)
    }

    /// As an address has it: the store decodes it.
    fn copy_source(&self, from: &[u8]) -> Result<String, StoreError> {
        Ok(self.bucket.object_url(&self.whole_key(from)?).path().to_owned())
    }
}

/// Parts of nearly the same size, of which there are not too many.
fn parts_of(size_bytes: u64) -> Vec<Part> {
    let part_bytes = PART_BYTES.max(size_bytes.div_ceil(PARTS_MAX));
    let firsts = (0..size_bytes).step_by(usize::try_from(part_bytes).unwrap_or(usize::MAX));
    let part = |(number, first): (u16, u64)| Part {
        number,
        first,
        last: (first + part_bytes).min(size_bytes) - 1,
    };
    (1..).zip(firsts).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_object_and_are_not_too_many() {
        for size in [AT_ONCE_BYTES_MAX + 1, 3 * PART_BYTES, 5 << 30, 5 << 40, (5 << 40) - 77] {
            let parts = parts_of(size);
            assert!(u64::try_from(parts.len()).unwrap() <= PARTS_MAX);
            let mut next = 0;
            for (part, number) in parts.iter().zip(1..) {
                assert_eq!((part.number, part.first), (number, next));
                next = part.last + 1;
            }
            assert_eq!(next, size);
        }
    }
}
