//! Files: search, and the versions of one.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{SearchRequest, VersionsRequest};
use crate::domain::RunId;

/// A page of files that meet every condition.
pub(super) fn search(call: &Call) -> Result<Answer, ApiError> {
    let query = &call.query;
    let request = SearchRequest {
        text: query.text("q")?.unwrap_or_default().to_owned(),
        set: query.value("set")?,
        run: query.text("run")?.map(|run| RunId(run.to_owned())),
        extension: query.text("extension")?.map(|text| text.trim_start_matches('.').to_owned()),
        under: query.bytes("under").map(<[u8]>::to_vec),
        size_bytes_min: query.value("size_bytes_min")?,
        size_bytes_max: query.value("size_bytes_max")?,
        modified_after: query.value("modified_after")?,
        modified_before: query.value("modified_before")?,
        page: query.page()?,
    };
    Answer::json(&call.engine.search(&request)?)
}

/// A page of one file's versions.
pub(super) fn versions(call: &Call) -> Result<Answer, ApiError> {
    let path = call.query.bytes("path").map(<[u8]>::to_vec);
    let path = path.ok_or_else(|| ApiError::invalid("query parameter \"path\"", "is missing"))?;
    let set = call.query.value("set")?;
    let request = VersionsRequest { path, set, page: call.query.page()? };
    Answer::json(&call.engine.versions(&request)?)
}
