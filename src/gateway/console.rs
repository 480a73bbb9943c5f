//! The console's files, in the binary: which one a path means, and in which encoding it goes out.
//!
//! The table is made by Cargo's build script (`scripts/embed_console.rs`) from `web/dist`. Nothing is
//! compressed here: each file comes with its gzip and brotli forms where those are smaller. A binary
//! built without the console says how to build it instead of showing nothing.

use std::fmt;

use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
};
use hyper::{Method, Response, StatusCode};

use super::body::Reply;
use super::refusal::Refusal;

/// One file of the console.
#[derive(Clone, Copy)]
pub struct Asset {
    path: &'static str,
    content_type: &'static str,
    /// Changes with the content.
    tag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/console_table.rs"));

/// What every address of the console shows: the program itself finds its page in the browser.
const INDEX: &str = "/index.html";
/// Names in this folder carry a hash of their content, so they never change.
const HASHED: &str = "/assets/";

const NOT_BUILT: Asset = Asset {
    path: INDEX,
    content_type: "text/html; charset=utf-8",
    tag: "not-built",
    plain: b"<!doctype html><html lang=\"en\"><title>FossilSafe</title>\
        <h1>This binary has no console</h1>\
        <p>Run <code>scripts/build-web</code>, then build it again. The API answers under \
        <code>/api</code>.</p></html>",
    brotli: None,
    gzip: None,
};

/// The file that a path means: itself, or the console's page for an address without a dot in its last
/// part. Nothing for a file that is not there.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    find_in(ASSETS, path)
}

fn find_in(assets: &'static [Asset], path: &str) -> Option<&'static Asset> {
    if let Some(asset) = assets.iter().find(|asset| asset.path == path) {
        return Some(asset);
    }
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let index = || assets.iter().find(|asset| asset.path == INDEX).unwrap_or(&NOT_BUILT);
    is_page.then(index)
}

/// Answers a request for a file or a page of the console.
pub(super) fn respond(
    method: &Method,
    path: &str,
    asked: &HeaderMap,
) -> Result<Response<Reply>, Refusal> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Refusal::method(method));
    }
    let asset = find(path).ok_or_else(|| Refusal::not_here(path))?;
    let text = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok());
    let etag = asset.etag();
    let is_known = text(IF_NONE_MATCH).is_some_and(|tags| tags.contains(&etag));
    let (bytes, encoding) = asset.body(text(ACCEPT_ENCODING));
    let body = (*method == Method::GET && !is_known).then(|| Bytes::from_static(bytes));
    let mut response = Response::new(Reply::Whole(body));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, asset.content_type()),
        (CACHE_CONTROL, asset.cache_control()),
        (VARY, "accept-encoding"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !is_known {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    // Tags are hexadecimal; one that were not is left out, and the file is sent each time.
    if let Ok(value) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, value);
    }
    Ok(response)
}

impl Asset {
    /// For `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// For `ETag`: the same for every encoding, therefore weak.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.tag)
    }

    /// For `Cache-Control`. Pages are asked for each time, so that an update is seen at once.
    #[must_use]
    pub fn cache_control(&self) -> &'static str {
        match self.path.starts_with(HASHED) {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        }
    }

    /// The smallest form that a client takes, with its name for `Content-Encoding`.
    #[must_use]
    pub fn body(&self, accept_encoding: Option<&str>) -> (&'static [u8], Option<&'static str>) {
        let accepted = accept_encoding.unwrap_or_default();
        let forms = [("br", self.brotli), ("gzip", self.gzip)];
        let chosen = forms.into_iter().find_map(|(name, form)| {
            form.filter(|_| accepts(accepted, name)).map(|bytes| (bytes, Some(name)))
        });
        chosen.unwrap_or((self.plain, None))
    }
}

/// Whether `Accept-Encoding` names an encoding and does not refuse it with a quality of nothing.
fn accepts(header: &str, name: &str) -> bool {
    header.split(',').any(|each| {
        let mut parts = each.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|given| given.eq_ignore_ascii_case(name));
        let mut qualities = parts.filter_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        let is_refused = qualities.any(|quality| quality <= 0.0);
        is_named && !is_refused
    })
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its bytes would fill a log.
        f.debug_struct("Asset").field("path", &self.path).field("tag", &self.tag).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Asset] = &[
        Asset { tag: "1", plain: b"page", ..NOT_BUILT },
        Asset {
            path: "/assets/index-abc.js",
            content_type: "text/javascript",
            tag: "2",
            plain: b"whole",
            brotli: Some(b"b"),
            gzip: Some(b"gz"),
        },
    ];

    #[test]
    fn addresses_of_pages_lead_to_the_page_and_missing_files_to_nothing() {
        for path in ["/", "/index.html", "/jobs/7", "/help/errors/bug"] {
            assert_eq!(find_in(TABLE, path).map(|asset| asset.tag), Some("1"), "{path}");
        }
        assert_eq!(find_in(TABLE, "/assets/index-abc.js").map(|asset| asset.tag), Some("2"));
        assert!(find_in(TABLE, "/assets/index-old.js").is_none());
        assert!(find_in(TABLE, "/../etc/passwd.txt").is_none());
    }

    #[test]
    fn a_binary_without_the_console_says_how_to_build_it() {
        let page = find_in(&[], "/jobs").unwrap();
        assert!(String::from_utf8_lossy(page.body(None).0).contains("scripts/build-web"));
    }

    #[test]
    fn the_smallest_form_that_is_taken_goes_out() {
        let script = &TABLE[1];
        assert_eq!(script.body(Some("gzip, deflate, br")), (b"b".as_slice(), Some("br")));
        assert_eq!(script.body(Some("gzip")), (b"gz".as_slice(), Some("gzip")));
        assert_eq!(script.body(Some("br;q=0, GZIP;q=0.5")), (b"gz".as_slice(), Some("gzip")));
        assert_eq!(script.body(Some("br;q=0.000, identity")), (b"whole".as_slice(), None));
        assert_eq!(script.body(None), (b"whole".as_slice(), None));
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(TABLE[1].cache_control().contains("immutable"));
        assert_eq!(TABLE[0].cache_control(), "no-cache");
    }
}
