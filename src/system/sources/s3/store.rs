//! What is asked of an object store: its objects, and what they are.

use std::time::Duration;

use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderValue, IF_MATCH, LAST_MODIFIED, RANGE,
};
use hyper::{HeaderMap, Method};
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::actions::list_objects_v2::ListObjectsV2Response;
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use url::Url;

use super::wire::{NO_SUCH_RANGE, OK, Question, StoreError, Wire};
use crate::domain::Secret;
use crate::system::sources::S3Bucket;

/// The region of stores that have none.
const REGION: &str = "us-east-1";
/// How long a signature is good for. A store's clock may be a little wrong.
pub(super) const SIGNED_TIME: Duration = Duration::from_secs(900);
/// An object store, and the bucket in it.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) bucket: Bucket,
    pub(super) credentials: Option<Credentials>,
    pub(super) wire: Wire,
    prefix: Vec<u8>,
}

/// What is known of an object.
#[derive(Clone, Debug)]
pub(super) struct ObjectStatus {
    pub(super) size_bytes: u64,
    /// Seconds since 1970.
    pub(super) modified: u64,
}

/// An object in a listing; its name is what stands behind the last `/`.
#[derive(Clone, Debug)]
pub(super) struct ListedObject {
    pub(super) name: Vec<u8>,
    pub(super) size_bytes: u64,
    pub(super) modified: u64,
}

/// What is below one prefix, up to the next `/`.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    pub(super) objects: Vec<ListedObject>,
    pub(super) folders: Vec<Vec<u8>>,
}

impl Store {
    /// The text says what of the place cannot be.
    pub(super) fn new(place: &S3Bucket, password: Option<&Secret>) -> Result<Self, String> {
        let url = Url::parse(&place.endpoint).map_err(|error| error.to_string())?;
        let region = place.region.clone().unwrap_or_else(|| REGION.to_owned());
        let bucket = Bucket::new(url, UrlStyle::Path, place.bucket.clone(), region);
        let secret = password.map_or("", Secret::reveal);
        let prefix =
            place.prefix.as_ref().map_or_else(Vec::new, |prefix| format!("{prefix}/").into());
        Ok(Self {
            bucket: bucket.map_err(|error| error.to_string())?,
            credentials: place.access_key.as_ref().map(|key| Credentials::new(key, secret)),
            prefix,
            wire: Wire::new(place)?,
        })
    }

    /// What the object is.
    pub(super) fn head(&self, key: &[u8]) -> Result<ObjectStatus, StoreError> {
        let key = self.whole_key(key)?;
        let action = self.bucket.head_object(self.credentials.as_ref(), &key);
        let url = action.sign(SIGNED_TIME);
        let (_, headers, _) = self.wire.ask(&Question::new(Method::HEAD, &url))?;
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let size_bytes = text(CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let modified = text(LAST_MODIFIED).and_then(|text| {
            let time = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            u64::try_from(time.unix_timestamp()).ok()
        });
        match (size_bytes, modified) {
            (Some(size_bytes), Some(modified)) => Ok(ObjectStatus { size_bytes, modified }),
            _ => Err(StoreError::Strange(format!(
                "it does not say how large \"{key}\" is, and since when"
            ))),
        }
    }

    /// A piece of the object, of `version` if one is named; and the version that it is of.
    pub(super) fn get(
        &self,
        key: &[u8],
        offset: u64,
        length: usize,
        version: Option<&str>,
    ) -> Result<(Vec<u8>, Option<String>), StoreError> {
        let key = self.whole_key(key)?;
        let url = self.bucket.get_object(self.credentials.as_ref(), &key).sign(SIGNED_TIME);
        let range = format!("bytes={offset}-{}", offset + length as u64 - 1);
        let mut question = Question::new(Method::GET, &url);
        question.headers.push((RANGE, range));
        question.headers.extend(version.map(|version| (IF_MATCH, version.to_owned())));
        question.answer_bytes_max = question.answer_bytes_max.max(length);
        let (status, headers, bytes) = self.wire.ask(&question)?;
        let version = headers.get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        match status {
            NO_SUCH_RANGE => Ok((Vec::new(), None)),
            // Some stores say `200 OK` and give the part.
            _ if starts_at(&headers) == Some(offset) => Ok((bytes.to_vec(), version)),
            // One that gives all of an object gives what was asked for only at its beginning.
            OK if offset == 0 && bytes.len() <= length => Ok((bytes.to_vec(), version)),
            _ => Err(StoreError::Strange("it gives no part of an object".to_owned())),
        }
    }

    /// True if any key begins with `prefix`.
    pub(super) fn begins(&self, prefix: &[u8]) -> Result<bool, StoreError> {
        let prefix = self.whole_key(prefix)?;
        let mut action = self.bucket.list_objects_v2(self.credentials.as_ref());
        action.with_prefix(prefix.as_str());
        action.with_max_keys(1);
        let (_, _, bytes) =
            self.wire.ask(&Question::new(Method::GET, &action.sign(SIGNED_TIME)))?;
        Ok(!parse(&bytes)?.contents.is_empty())
    }

    /// Everything below `prefix`, up to the next `/`.
    pub(super) fn list(&self, prefix: &[u8]) -> Result<Listed, StoreError> {
        let prefix = self.whole_key(prefix)?;
        let mut listed = Listed::default();
        let mut token = None;
        loop {
            let mut action = self.bucket.list_objects_v2(self.credentials.as_ref());
            action.with_prefix(prefix.as_str());
            action.with_delimiter("/");
            if let Some(token) = &token {
                action.with_continuation_token(String::clone(token));
            }
            let url = action.sign(SIGNED_TIME);
            let (_, _, bytes) = self.wire.ask(&Question::new(Method::GET, &url))?;
            let page = parse(&bytes)?;
            for object in page.contents {
                let Some(name) = object.key.strip_prefix(&prefix) else { continue };
                // The folder's own mark, as consoles of stores make it: an object that ends with its slash.
                if name.is_empty() && object.size.unwrap_or(0) == 0 {
                    continue;
                }
                let modified = object.last_modified.as_deref().and_then(seconds_of);
                let size_bytes = object.size.unwrap_or(0);
                let modified = modified.unwrap_or(0);
                let name = name.as_bytes().to_vec();
                listed.objects.push(ListedObject { name, size_bytes, modified });
            }
            for folder in page.common_prefixes {
                let name =
                    folder.prefix.strip_prefix(&prefix).and_then(|name| name.strip_suffix('/'));
                listed.folders.extend(name.map(|name| name.as_bytes().to_vec()));
            }
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(listed);
            }
        }
    }

    /// Every key that begins with `prefix`, however deep; no more than needed to have `most`.
    pub(super) fn keys_below(
        &self,
        prefix: &[u8],
        most: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let prefix = self.whole_key(prefix)?;
        let (mut keys, mut token) = (Vec::new(), None);
        loop {
            let mut action = self.bucket.list_objects_v2(self.credentials.as_ref());
            action.with_prefix(prefix.as_str());
            if let Some(token) = &token {
                action.with_continuation_token(String::clone(token));
            }
            let url = action.sign(SIGNED_TIME);
            let (_, _, bytes) = self.wire.ask(&Question::new(Method::GET, &url))?;
            let page = parse(&bytes)?;
            let ours = |key: &str| key.as_bytes().strip_prefix(&*self.prefix).map(<[u8]>::to_vec);
            keys.extend(page.contents.iter().filter_map(|object| ours(&object.key)));
            token = page.next_continuation_token;
            if token.is_none() || keys.len() >= most {
                return Ok(keys);
            }
        }
    }

    /// Keys are text; a path that is none names nothing here.
    pub(super) fn whole_key(&self, key: &[u8]) -> Result<String, StoreError> {
        String::from_utf8([&self.prefix, key].concat()).map_err(|_| StoreError::Missing)
    }
}

fn parse(bytes: &[u8]) -> Result<ListObjectsV2Response, StoreError> {
    let strange = |said: String| StoreError::Strange(format!("its list cannot be read: {said}"));
    let text = std::str::from_utf8(bytes).map_err(|error| strange(error.to_string()))?;
    ListObjectsV2::parse_response(text).map_err(|error| strange(error.to_string()))
}

/// Where the part of an object begins that an answer has: `bytes 100-199/200`.
fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.parse().ok()
}

/// Whole seconds, as the headers of an object have them.
fn seconds_of(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp()).ok()
}
