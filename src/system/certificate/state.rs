//! What is served, and what a person asks for, as the API has it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Secret, Timestamp};

/// How the certificate of HTTPS stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateState {
    /// Whether HTTPS is served by a gateway of ours.
    pub is_served_here: bool,
    /// Where it is not: what to use instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<ServedCertificate>,
    /// A signing request whose certificate has not come yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<WaitingRequest>,
    /// Names and addresses by which this machine may be reached now.
    pub own_names: Vec<String>,
}

/// Where a certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateOrigin {
    /// Made here, signed by itself, and made anew before it ends.
    SelfMade,
    /// Given by a person, who also replaces it.
    Given,
}

/// The certificate that clients see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServedCertificate {
    /// Where it comes from.
    pub origin: CertificateOrigin,
    /// Whom it is for: `CN=tape.example`.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// The host names and addresses that it is good for.
    pub names: Vec<String>,
    /// SHA-256 of it, as browsers show it: pairs of hexadecimal digits with colons.
    pub sha256: String,
    /// It is good from this moment.
    pub valid_from: Timestamp,
    /// It is good until this moment.
    pub valid_until: Timestamp,
    /// The certificates that come with it, each of whoever has signed the one before.
    pub chain: Vec<String>,
    /// All of them, as they are served (PEM).
    pub pem: String,
}

/// A signing request whose key lies here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingRequest {
    /// The names that it asks for.
    pub names: Vec<String>,
    /// The organisation that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// When it was made.
    pub made: Timestamp,
    /// What an authority is given (PKCS #10, PEM).
    pub pem: String,
}

/// A certificate to be served from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceCertificate {
    /// The server's own certificate, then each one that signed the one before (PEM). The root need not be there.
    pub chain_pem: String,
    /// Its private key without a password (PEM). Without it the key of the signing request is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub key_pem: Option<Secret>,
}

/// For what a certificate is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateNames {
    /// Host names and addresses; those of this machine if there are none.
    #[serde(default)]
    pub names: Vec<String>,
}

/// What an authority is asked to sign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningRequest {
    /// Host names and addresses; those of this machine if there are none.
    #[serde(default)]
    pub names: Vec<String>,
    /// The organisation, where the authority wants to know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

impl CertificateState {
    /// Where no gateway of ours serves HTTPS.
    #[must_use]
    pub fn elsewhere(instead: String) -> Self {
        Self {
            is_served_here: false,
            instead: Some(instead),
            certificate: None,
            request: None,
            own_names: Vec::new(),
        }
    }
}
