//! What the engine asks the gateway about its certificate, and how that is answered.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    CertificateError, CertificateErrorKind, CertificateKeeper, CertificateNames, CertificateState,
    ReplaceCertificate, SigningRequest,
};
use crate::system::line::{exchange, line_of, whole_message};

/// A pair of keys is made in milliseconds; the rest is a busy disk.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// What the gateway is asked to do. Each is answered with the state after it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum CertificateOrder {
    /// Say how it stands.
    State,
    /// Serve another one.
    Replace(ReplaceCertificate),
    /// Make one that is signed by itself.
    MakeOwn(CertificateNames),
    /// Make a key and what an authority is to sign.
    Request(SigningRequest),
    /// Give that up.
    WithdrawRequest,
}

/// What the gateway answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    State(Box<CertificateState>),
    /// It cannot be done.
    Problem {
        kind: CertificateErrorKind,
        message: String,
    },
}

impl CertificateOrder {
    fn carry_out(self, keeper: &CertificateKeeper) -> Result<CertificateState, CertificateError> {
        match self {
            Self::State => Ok(()),
            Self::Replace(given) => keeper.replace(&given),
            Self::MakeOwn(CertificateNames { names }) => keeper.make_own(&names),
            Self::Request(request) => keeper.request(&request),
            Self::WithdrawRequest => keeper.withdraw_request(),
        }?;
        keeper.state()
    }
}

/// The answer to a line that was received; ends with a line feed.
///
/// # Errors
/// When the line is no order: then nobody is answered.
pub fn answer_certificate(
    keeper: &CertificateKeeper,
    line: &[u8],
) -> Result<Vec<u8>, serde_json::Error> {
    let order: CertificateOrder = serde_json::from_slice(line)?;
    let reply = match order.carry_out(keeper) {
        Ok(state) => Reply::State(Box::new(state)),
        Err(error) => Reply::Problem { kind: error.kind(), message: whole_message(&error) },
    };
    line_of(&reply)
}

/// Asks the gateway at `socket`. Blocks until it has done it.
///
/// # Errors
/// When it does not answer, or what it says.
pub fn ask_certificate(
    socket: &Path,
    order: &CertificateOrder,
) -> Result<CertificateState, CertificateError> {
    match exchange(socket, order, ANSWER_TIME) {
        Ok(Reply::State(state)) => Ok(*state),
        Ok(Reply::Problem { kind, message }) => Err(CertificateError::Told { kind, message }),
        Err(source) => Err(CertificateError::Service { socket: socket.to_owned(), source }),
    }
}
