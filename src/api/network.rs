//! The network of the appliance: how it stands, try a setting out, confirm it, go back.

use super::call::{Answer, Call};
use super::error::ApiError;
use crate::system::network::NetworkOrder;

/// How network and clock stand.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.network(&NetworkOrder::State)?)
}

/// Gives a port a setting on trial.
pub(super) fn try_out(call: &Call) -> Result<Answer, ApiError> {
    let (port, setting) = (call.parameter("port")?, call.json()?);
    Answer::json(&call.engine.network(&NetworkOrder::TryOut { port, setting })?)
}

/// Keeps what is on trial.
pub(super) fn confirm(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.network(&NetworkOrder::Confirm)?)
}

/// Ends the trial.
pub(super) fn go_back(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.network(&NetworkOrder::GoBack)?)
}
