//! One cartridge: what is on it, what happened to it, what people say of it.

use super::call::{Answer, Call};
use super::engine::ManifestPart;
use super::error::ApiError;
use super::types::{AliasRequest, KeptUntilRequest, LocationRequest, LockRequest, Page};
use crate::catalog::NoteChange;
use crate::domain::{Barcode, RunId};

/// Most characters of another name: fits a label.
const ALIAS_LENGTH_MAX: usize = 64;
/// Most characters of a place or a reason: a sentence.
const WORDS_LENGTH_MAX: usize = 200;

/// A page of a folder on it.
pub(super) fn contents(call: &Call) -> Result<Answer, ApiError> {
    let path = call.query.bytes("path").unwrap_or(b"/");
    Answer::json(&call.engine.cartridge_contents(&barcode(call)?, path, &call.query.page()?)?)
}

/// A page of its history.
pub(super) fn history(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.cartridge_history(&barcode(call)?, &call.query.page()?)?)
}

/// What would be lost with it.
pub(super) fn loss(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.cartridge_loss(&barcode(call)?, call.query.page()?.limit)?)
}

/// The manifests of its runs.
pub(super) fn manifests(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&Page::whole(call.engine.cartridge_manifests(&barcode(call)?)?))
}

/// One of them.
pub(super) fn manifest(call: &Call) -> Result<Answer, ApiError> {
    manifest_part(call, ManifestPart::List)
}

/// Its signature.
pub(super) fn signature(call: &Call) -> Result<Answer, ApiError> {
    manifest_part(call, ManifestPart::Signature)
}

fn manifest_part(call: &Call, part: ManifestPart) -> Result<Answer, ApiError> {
    let found =
        call.engine.cartridge_manifest(&barcode(call)?, &RunId(call.parameter("run")?), part)?;
    Ok(Answer::File { file: found.file, length: found.length, name: found.name })
}

/// Gives it another name.
pub(super) fn set_alias(call: &Call) -> Result<Answer, ApiError> {
    let AliasRequest { alias } = call.json()?;
    say(call, &NoteChange::Alias(words("alias", alias, ALIAS_LENGTH_MAX)?))
}

/// Says where it was put.
pub(super) fn set_location(call: &Call) -> Result<Answer, ApiError> {
    let LocationRequest { location } = call.json()?;
    say(call, &NoteChange::Location(words("location", location, WORDS_LENGTH_MAX)?))
}

/// Orders that it is not written.
pub(super) fn lock(call: &Call) -> Result<Answer, ApiError> {
    let LockRequest { reason } = call.json_or_default()?;
    say(call, &NoteChange::Lock { reason: words("reason", reason, WORDS_LENGTH_MAX)? })
}

/// Takes that order back.
pub(super) fn unlock(call: &Call) -> Result<Answer, ApiError> {
    say(call, &NoteChange::Unlock)
}

/// Orders that what is on it is kept.
pub(super) fn retain(call: &Call) -> Result<Answer, ApiError> {
    let KeptUntilRequest { until } = call.json()?;
    say(call, &NoteChange::Retain(until))
}

/// Takes that order back before its time.
pub(super) fn release(call: &Call) -> Result<Answer, ApiError> {
    say(call, &NoteChange::Release)
}

fn say(call: &Call, change: &NoteChange) -> Result<Answer, ApiError> {
    let by = &call.asker.known()?.name;
    Answer::json(&call.engine.note_cartridge(&barcode(call)?, change, by)?)
}

fn barcode(call: &Call) -> Result<Barcode, ApiError> {
    call.parameter("barcode")
}

/// Words of a person in one line; none if there are none.
fn words(what: &str, text: Option<String>, max: usize) -> Result<Option<String>, ApiError> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let refuse = |why: String| Err(ApiError::invalid(what, why));
    match &text {
        Some(text) if text.chars().count() > max => {
            refuse(format!("it has more than {max} characters"))
        }
        Some(text) if text.chars().any(char::is_control) => {
            refuse("it has characters that cannot be shown".to_owned())
        }
        _ => Ok(text),
    }
}
