//! The certificate of HTTPS: what is served, another one, one of our own, a signing request.

use super::call::{Answer, Call};
use super::error::ApiError;
use crate::system::certificate::CertificateOrder;

/// What is served.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.certificate(&CertificateOrder::State)?)
}

/// Serves what is given.
pub(super) fn replace(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.certificate(&CertificateOrder::Replace(call.json()?))?)
}

/// Makes one that is signed by itself.
pub(super) fn make_own(call: &Call) -> Result<Answer, ApiError> {
    let names = call.json_or_default()?;
    Answer::json(&call.engine.certificate(&CertificateOrder::MakeOwn(names))?)
}

/// Makes a signing request.
pub(super) fn request(call: &Call) -> Result<Answer, ApiError> {
    let wanted = call.json_or_default()?;
    Answer::json(&call.engine.certificate(&CertificateOrder::Request(wanted))?)
}

/// Gives it up.
pub(super) fn withdraw(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.certificate(&CertificateOrder::WithdrawRequest)?)
}
