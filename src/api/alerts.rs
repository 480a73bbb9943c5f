//! Alerts, and whom they are told: channels and deliveries.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{AcknowledgeRequest, AlertFilter, ChannelRequest, Page};

/// A page of alerts, newest first.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let filter = AlertFilter { is_open: call.query.value("open")?.unwrap_or(false) };
    Answer::json(&call.engine.alerts(filter, &call.query.page()?)?)
}

/// Takes note of one.
pub(super) fn acknowledge(call: &Call) -> Result<Answer, ApiError> {
    let AcknowledgeRequest { note } = call.json_or_default()?;
    let by = &call.asker.known()?.name;
    Answer::json(&call.engine.acknowledge(call.parameter("id")?, by, note.as_deref())?)
}

/// Every channel.
pub(super) fn channels(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&Page::whole(call.engine.channels()?))
}

/// Makes or changes one.
pub(super) fn put_channel(call: &Call) -> Result<Answer, ApiError> {
    let name: String = call.parameter("name")?;
    let request: ChannelRequest = call.json()?;
    Answer::json(&call.engine.put_channel(&name, &request)?)
}

/// Removes one.
pub(super) fn remove_channel(call: &Call) -> Result<Answer, ApiError> {
    call.engine.remove_channel(&call.parameter::<String>("name")?)?;
    Ok(Answer::nothing())
}

/// Sends a test.
pub(super) fn test_channel(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.test_channel(&call.parameter::<String>("name")?)?)
}

/// A page of deliveries, newest first.
pub(super) fn deliveries(call: &Call) -> Result<Answer, ApiError> {
    let channel: Option<String> = call.query.value("channel")?;
    Answer::json(&call.engine.deliveries(channel.as_deref(), &call.query.page()?)?)
}
