//! Certificates that are made here: signed by themselves, or asked of an authority.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use super::{CertificateError, WaitingRequest};
use crate::domain::{Clock, Timestamp};

/// The longest that every browser takes for a server's certificate.
const VALID_DAYS: i64 = 825;
/// A clock that is a little slow must not find the certificate to be of the future.
const VALID_BEFORE_DAYS: i64 = 1;
const SECONDS_PER_DAY: i64 = 86_400;
/// Longest common name (X.520); browsers look at the alternative names alone.
const COMMON_NAME_MAX: usize = 64;
/// Longest name of an organisation (X.520).
const ORGANIZATION_MAX: usize = 64;
/// Begins the text before a certificate that was made here; a time follows.
const MADE_HERE: &str = "Made by FossilSafe for itself. Ends on ";
/// Stands in the second line when a person chose the names: they stay when it is made anew.
const NAMES_GIVEN: &str = "Its names were given.";

/// Who chose the names of a certificate that is made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// This machine: they are looked up anew each time.
    Own,
    /// A person.
    Given,
}

/// What the text before a certificate says that was made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MadeHere {
    pub(super) end: Timestamp,
    pub(super) names: Names,
}

/// A certificate with its key, as files have them.
pub(super) struct Made {
    pub(super) certificate_pem: String,
    pub(super) key_pem: String,
}

impl MadeHere {
    /// Of a certificate that was made here; `None` for a person's own.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let end = lines.next()?.strip_prefix(MADE_HERE)?.trim().parse().ok()?;
        let names = if lines.next() == Some(NAMES_GIVEN) { Names::Given } else { Names::Own };
        Some(Self { end, names })
    }
}

/// Makes a certificate that is signed by its own key.
pub(super) fn self_signed(
    names: &[String],
    whose: Names,
    clock: &dyn Clock,
) -> Result<Made, CertificateError> {
    let now = clock.now().seconds;
    let at = |seconds| {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    };
    let end = now + VALID_DAYS * SECONDS_PER_DAY;
    let mut params = params(names, Some("FossilSafe"))?;
    params.not_before = at(now) - Duration::days(VALID_BEFORE_DAYS);
    params.not_after = at(end);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let end = Timestamp { seconds: end, nanoseconds: 0 };
    let given = if whose == Names::Given { format!("{NAMES_GIVEN}\n") } else { String::new() };
    let certificate_pem = format!("{MADE_HERE}{end}\n{given}{}", certificate.pem());
    Ok(Made { certificate_pem, key_pem: key.serialize_pem() })
}

/// Makes a key and what an authority is asked to sign; the key's text is second.
pub(super) fn request(
    names: Vec<String>,
    organization: Option<&str>,
    clock: &dyn Clock,
) -> Result<(WaitingRequest, String), CertificateError> {
    let organization = organization.map(str::trim).filter(|name| !name.is_empty());
    if organization.is_some_and(|name| name.chars().count() > ORGANIZATION_MAX) {
        return Err(CertificateError::Malformed {
            what: "the organisation".to_owned(),
            reason: format!("it has more than {ORGANIZATION_MAX} characters"),
        });
    }
    let key = KeyPair::generate()?;
    let pem = params(&names, organization)?.serialize_request(&key)?.pem()?;
    let organization = organization.map(str::to_owned);
    let waiting = WaitingRequest { names, organization, made: clock.now(), pem };
    Ok((waiting, key.serialize_pem()))
}

fn params(
    names: &[String],
    organization: Option<&str>,
) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::new(names.to_vec())?;
    let mut subject = DistinguishedName::new();
    if let Some(name) = names.iter().find(|name| name.len() <= COMMON_NAME_MAX) {
        subject.push(DnType::CommonName, name.as_str());
    }
    if let Some(organization) = organization {
        subject.push(DnType::OrganizationName, organization);
    }
    params.distinguished_name = subject;
    Ok(params)
}
