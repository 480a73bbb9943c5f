//! Network and time of the appliance: how they stand; a port's setting on trial, the name, zone and servers at once.

use super::call::{Answer, Call};
use super::error::ApiError;
use crate::system::network::{NetworkOrder, TimeOrder};

/// How the network stands.
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

/// Gives the machine another name.
pub(super) fn name(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.network(&NetworkOrder::Name(call.json()?))?)
}

/// How time zone, time servers and clock stand.
pub(super) fn time(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.time(&TimeOrder::State)?)
}

/// Sets time zone and time servers.
pub(super) fn set_time(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.time(&TimeOrder::Set(call.json()?))?)
}
