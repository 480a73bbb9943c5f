//! The appliance itself: health, version, figures for monitoring.

use hyper::StatusCode;

use super::call::{Answer, Call, JSON};
use super::error::ApiError;
use super::types::{HealthStatus, VersionView};
use super::{metrics, openapi};

/// Grows when an answer changes in a way that breaks clients.
const API_VERSION: u32 = 1;

/// Whether it works: 200, or 503 when it cannot do its work.
pub(super) fn health(call: &Call) -> Result<Answer, ApiError> {
    let view = call.engine.health();
    let status = match view.status {
        HealthStatus::Ok | HealthStatus::Attention => StatusCode::OK,
        HealthStatus::Failed => StatusCode::SERVICE_UNAVAILABLE,
    };
    Answer::json_as(status, &view)
}

/// Everything that the first page shows.
pub(super) fn status(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.status()?)
}

/// The same after a new look at everything.
pub(super) fn look_again(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.look_again()?)
}

/// What answers.
pub(super) fn version(_: &Call) -> Result<Answer, ApiError> {
    Answer::json(&VersionView::current())
}

/// The description of this API.
pub(super) fn openapi(_: &Call) -> Result<Answer, ApiError> {
    let body = openapi::text().as_bytes().to_vec();
    Ok(Answer::Whole { status: StatusCode::OK, content_type: JSON, body, cookie: None })
}

impl VersionView {
    /// Of this binary.
    #[must_use]
    pub fn current() -> Self {
        Self {
            product: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_version: API_VERSION,
        }
    }
}

/// Figures in Prometheus' text format.
pub(super) fn metrics(call: &Call) -> Result<Answer, ApiError> {
    let text = call.metrics.text(&call.engine.figures()?).map_err(|error| ApiError::bug(&error))?;
    let body = text.into_bytes();
    Ok(Answer::Whole {
        status: StatusCode::OK,
        content_type: metrics::CONTENT_TYPE,
        body,
        cookie: None,
    })
}
