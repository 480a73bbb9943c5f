//! Answers that need not be sent again: an entity tag over what is answered, and 304 for who has it.
//!
//! Every answer to a GET that is one document has a tag, so whoever asks every few seconds pays for the
//! whole only when something has changed. The answer is made anyway: this saves the way, not the work.

use hyper::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use hyper::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

use super::body::AnswerBody;
use super::server::response;

/// Bytes of a tag: enough that two answers never share one by chance.
const TAG_BYTES: usize = 16;

/// What a request says of what its sender has.
#[derive(Debug)]
pub(super) struct Condition {
    is_get: bool,
    known: Vec<String>,
}

impl Condition {
    pub(super) fn of(method: &Method, headers: &HeaderMap) -> Self {
        let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let tags = values.flat_map(|value| value.split(','));
        // A weak tag is as good: bytes that are the same are the same.
        let known = tags.map(|tag| tag.trim().trim_start_matches("W/").to_owned()).collect();
        Self { is_get: *method == Method::GET, known }
    }

    /// The answer, or that it is what the sender has.
    pub(super) fn response(
        &self,
        status: StatusCode,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Response<AnswerBody> {
        if !self.is_get || status != StatusCode::OK {
            return response(status, content_type, AnswerBody::whole(body));
        }
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..TAG_BYTES]));
        let is_known = self.known.iter().any(|known| *known == tag || known == "*");
        let mut response = match is_known {
            true => {
                let empty = AnswerBody::whole(Vec::new());
                response(StatusCode::NOT_MODIFIED, content_type, empty)
            }
            false => response(status, content_type, AnswerBody::whole(body)),
        };
        let headers = response.headers_mut();
        // A browser may keep it, for this user, and has to ask each time whether it is still so.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if let Ok(value) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(tags: &[&str], method: &Method, body: &str) -> (StatusCode, Option<String>) {
        let mut headers = HeaderMap::new();
        for tag in tags {
            headers.append(IF_NONE_MATCH, HeaderValue::from_str(tag).unwrap());
        }
        let condition = Condition::of(method, &headers);
        let answer = condition.response(StatusCode::OK, "application/json", body.into());
        let tag = answer.headers().get(ETAG).map(|tag| tag.to_str().unwrap().to_owned());
        (answer.status(), tag)
    }

    #[test]
    fn what_has_not_changed_is_not_sent_again() {
        let (status, tag) = ask(&[], &Method::GET, "{}");
        let tag = tag.unwrap();
        assert_eq!(status, StatusCode::OK);
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = ask(&[&known], &Method::GET, "{}");
            assert_eq!(again, (StatusCode::NOT_MODIFIED, Some(tag.clone())), "{known}");
        }
        assert_eq!(ask(&["\"x\"", &tag], &Method::GET, "{}").0, StatusCode::NOT_MODIFIED);
        assert_eq!(ask(&[&tag], &Method::GET, "{ }").0, StatusCode::OK);
        assert_eq!(ask(&[&tag], &Method::POST, "{}"), (StatusCode::OK, None));
    }
}
