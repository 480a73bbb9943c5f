//! Cartridges: list, show, format.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{CartridgeFilter, CartridgeState, FormatRequest};
use crate::domain::Barcode;
use crate::jobs::JobSpec;
use crate::jobs::spec::{EraseConsent, FormatSpec};

/// A page of cartridges.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let state = call.query.text("state")?.map(state_named).transpose()?;
    let filter = CartridgeFilter { state, set: call.query.value("set")? };
    Answer::json(&call.engine.cartridges(&filter, &call.query.page()?)?)
}

fn state_named(name: &str) -> Result<CartridgeState, ApiError> {
    let found = CartridgeState::ALL.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| {
        let known = CartridgeState::ALL.map(CartridgeState::name).join(", ");
        ApiError::invalid("query parameter \"state\"", format!("\"{name}\" is none of: {known}"))
    })
}

/// One cartridge.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    let barcode: Barcode = call.parameter("barcode")?;
    Answer::json(&call.engine.cartridge(&barcode)?)
}

/// Makes an empty volume. What is on the cartridge is lost only if its barcode was typed.
pub(super) fn format(call: &Call) -> Result<Answer, ApiError> {
    let barcode: Barcode = call.parameter("barcode")?;
    let request: FormatRequest = call.json_or_default()?;
    let erase = match request.typed_barcode {
        None => EraseConsent::BlankOnly,
        Some(typed_barcode) if typed_barcode == barcode => {
            EraseConsent::Everything { typed_barcode }
        }
        Some(typed) => {
            let why = format!("\"{typed}\" is not the barcode of cartridge {barcode}");
            return Err(ApiError::invalid("typed_barcode", why));
        }
    };
    let spec = FormatSpec { barcode, volume_name: request.volume_name, erase };
    Answer::accepted(&call.engine.start(JobSpec::Format(spec))?)
}
