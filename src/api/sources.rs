//! Network sources: list, make, change, mount, remove; and what is in the folders of this machine.

use std::path::PathBuf;

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{Page, SourceRequest};
use crate::domain::SourceName;

/// Every source and how it stands.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&Page::whole(call.engine.sources()?))
}

/// Makes or changes one.
pub(super) fn put(call: &Call) -> Result<Answer, ApiError> {
    let request: SourceRequest = call.json()?;
    Answer::json(&call.engine.put_source(&name(call)?, request)?)
}

/// Unmounts and forgets one.
pub(super) fn remove(call: &Call) -> Result<Answer, ApiError> {
    call.engine.remove_source(&name(call)?)?;
    Ok(Answer::nothing())
}

/// Mounts one now.
pub(super) fn mount(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.mount_source(&name(call)?)?)
}

/// What is in a folder.
pub(super) fn folder(call: &Call) -> Result<Answer, ApiError> {
    let path = PathBuf::from(call.query.text("path")?.unwrap_or("/"));
    Answer::json(&call.engine.folder(&path, &call.query.page()?)?)
}

fn name(call: &Call) -> Result<SourceName, ApiError> {
    call.parameter("name")
}
