//! What is written to an object store: objects in one or many parts, and what is removed.

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::ETAG;
use rusty_s3::S3Action as _;

use super::store::{SIGNED_TIME, Store};
use super::wire::{Question, StoreError};

impl Store {
    /// An object of these bytes.
    pub(super) fn put(&self, key: &[u8], bytes: Vec<u8>) -> Result<(), StoreError> {
        let key = self.whole_key(key)?;
        let url = self.bucket.put_object(self.credentials.as_ref(), &key).sign(SIGNED_TIME);
        let mut question = Question::new(Method::PUT, &url);
        question.content = Bytes::from(bytes);
        self.wire.ask(&question).map(drop)
    }

    /// Begins an object of many parts; the store's name of that.
    pub(super) fn begin(&self, key: &[u8]) -> Result<String, StoreError> {
        let key = self.whole_key(key)?;
        let action = self.bucket.create_multipart_upload(self.credentials.as_ref(), &key);
        let url = action.sign(SIGNED_TIME);
        let (_, _, bytes) = self.wire.ask(&Question::new(Method::POST, &url))?;
        // Not by its root element: some stores call it by another name.
        let text = String::from_utf8_lossy(&bytes);
        let id = text.split_once("<UploadId>").and_then(|(_, rest)| rest.split_once("</UploadId>"));
        let none = || StoreError::Strange("it gives an object of many parts no name".to_owned());
        id.map(|(id, _)| id.to_owned()).ok_or_else(none)
    }

    /// Sends a part, counted from 1; the store's name of it.
    pub(super) fn part(
        &self,
        key: &[u8],
        upload: &str,
        number: usize,
        bytes: Vec<u8>,
    ) -> Result<String, StoreError> {
        let key = self.whole_key(key)?;
        let strange = |said: &str| StoreError::Strange(said.to_owned());
        let number = u16::try_from(number).map_err(|_| strange("the object has too many parts"))?;
        let credentials = self.credentials.as_ref();
        let url = self.bucket.upload_part(credentials, &key, number, upload).sign(SIGNED_TIME);
        let mut question = Question::new(Method::PUT, &url);
        question.content = Bytes::from(bytes);
        let (_, headers, _) = self.wire.ask(&question)?;
        let name = headers.get(ETAG).and_then(|value| value.to_str().ok());
        name.map(str::to_owned).ok_or_else(|| strange("it gives a part of an object no name"))
    }

    /// Makes an object of the parts.
    pub(super) fn complete(
        &self,
        key: &[u8],
        upload: &str,
        parts: &[String],
    ) -> Result<(), StoreError> {
        let key = self.whole_key(key)?;
        let parts = parts.iter().map(String::as_str);
        let credentials = self.credentials.as_ref();
        let action = self.bucket.complete_multipart_upload(credentials, &key, upload, parts);
        let url = action.sign(SIGNED_TIME);
        let mut question = Question::new(Method::POST, &url);
        question.content = Bytes::from(action.body());
        let (_, _, bytes) = self.wire.ask(&question)?;
        done(&bytes)
    }

    /// Gives up what was begun.
    pub(super) fn abandon(&self, key: &[u8], upload: &str) -> Result<(), StoreError> {
        let key = self.whole_key(key)?;
        let credentials = self.credentials.as_ref();
        let url = self.bucket.abort_multipart_upload(credentials, &key, upload).sign(SIGNED_TIME);
        self.wire.ask(&Question::new(Method::DELETE, &url)).map(drop)
    }

    /// Removes an object; one that is not there is removed already.
    pub(super) fn remove(&self, key: &[u8]) -> Result<(), StoreError> {
        let key = self.whole_key(key)?;
        let url = self.bucket.delete_object(self.credentials.as_ref(), &key).sign(SIGNED_TIME);
        match self.wire.ask(&Question::new(Method::DELETE, &url)) {
            Ok(_) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// A store may begin its answer before it has done it, and say in it that it could not.
pub(super) fn done(answer: &[u8]) -> Result<(), StoreError> {
    let text = String::from_utf8_lossy(answer);
    match text.contains("<Error>") {
        true => Err(StoreError::Strange(format!("it could not finish: {text}"))),
        false => Ok(()),
    }
}
