//! Pools and the recovery kits of encrypted ones.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{ConfirmKitRequest, KitRequest, RetentionRequest, TapeDrillRequest};

/// All pools.
pub(super) fn pools(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.pools()?)
}

/// Makes a pool.
pub(super) fn create_pool(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.create_pool(&call.json()?)?)
}

/// Gives a pool a new data key.
pub(super) fn rotate_pool(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.rotate_pool(&call.parameter("pool")?)?)
}

/// Says how long the runs of a pool are kept.
pub(super) fn set_retention(call: &Call) -> Result<Answer, ApiError> {
    let RetentionRequest { retention } = call.json()?;
    Answer::json(&call.engine.set_retention(&call.parameter("pool")?, retention)?)
}

/// What nobody needs any more.
pub(super) fn expired(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.expired(&call.parameter("pool")?)?)
}

/// The kits, but for their secrets.
pub(super) fn kits(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.kits()?)
}

/// A kit to be printed; the one answer with a secret.
pub(super) fn print_kit(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.print_kit()?)
}

/// Takes groups that were typed back.
pub(super) fn confirm_kit(call: &Call) -> Result<Answer, ApiError> {
    let request: ConfirmKitRequest = call.json()?;
    Answer::json(&call.engine.confirm_kit(&request.groups)?)
}

/// Proves that a kit opens every data key.
pub(super) fn drill_kit(call: &Call) -> Result<Answer, ApiError> {
    let request: KitRequest = call.json()?;
    Answer::json(&call.engine.drill_kit(&request.kit)?)
}

/// Starts a job that opens a file of a tape with a kit alone.
pub(super) fn drill_on_tape(call: &Call) -> Result<Answer, ApiError> {
    let TapeDrillRequest { kit, cartridge } = call.json()?;
    Answer::accepted(&call.engine.drill_on_tape(&kit, cartridge)?)
}

/// Opens data keys that were found on tapes.
pub(super) fn open_keys(call: &Call) -> Result<Answer, ApiError> {
    let request: KitRequest = call.json()?;
    Answer::json(&call.engine.open_keys(&request.kit)?)
}

/// Wraps for a kit no more.
pub(super) fn retire_kit(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.retire_kit(call.parameter("kit")?)?)
}
