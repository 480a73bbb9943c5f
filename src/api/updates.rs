//! Updates of the appliance: how they stand, bring a bundle, ask the channel, install, restart, go back.

use super::call::{Answer, Call};
use super::error::ApiError;

/// How updates stand.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.updates()?)
}

/// Takes a bundle, in pieces as it comes.
pub(super) fn take_bundle(call: &Call) -> Result<Answer, ApiError> {
    call.with_upload(|from| Ok(call.engine.take_bundle(from)?)).and_then(|it| Answer::json(&it))
}

/// Asks the channel.
pub(super) fn check(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.check_updates()?)
}

/// Begins to install.
pub(super) fn install(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.install_update(&call.json_or_default()?)?)
}

/// Restarts the machine.
pub(super) fn restart(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.restart_machine(&call.json_or_default()?)?)
}

/// Makes the other slot the next to start.
pub(super) fn roll_back(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.roll_back_update()?)
}

/// Says where newer versions are looked for.
pub(super) fn set_channel(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.set_update_channel(Some(&call.json()?))?)
}

/// Looks for newer versions nowhere.
pub(super) fn remove_channel(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.set_update_channel(None)?)
}
