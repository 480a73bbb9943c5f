//! A chain of certificates: read from PEM, checked before it is taken, described.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error as TlsError, InconsistentKeys};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::error::KeyOfOther;
use super::{CertificateError, CertificateOrigin, ServedCertificate};
use crate::domain::Timestamp;

/// Longest chain that is read. Four certificates of the largest kind have some 12 kB.
const CHAIN_BYTES_MAX: usize = 64 * 1024;
/// A server's own, and more above it than any public authority has.
const CERTIFICATES_MAX: usize = 10;
/// Letters a line of PEM (RFC 7468).
const PEM_COLUMNS: usize = 64;

/// Certificates in the order in which they are served.
#[derive(Debug)]
pub(super) struct Chain(Vec<CertificateDer<'static>>);

impl Chain {
    /// Reads one. `what` names it in errors: a file, or what was given.
    pub(super) fn read(text: &str, what: &str) -> Result<Self, CertificateError> {
        let bad = |reason: String| CertificateError::Malformed { what: what.to_owned(), reason };
        if text.len() > CHAIN_BYTES_MAX {
            return Err(bad("it is larger than 64 KiB".to_owned()));
        }
        let ders = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
        let ders = ders.map_err(|error| bad(error.to_string()))?;
        if ders.is_empty() {
            return Err(bad("there is no certificate in it".to_owned()));
        }
        if ders.len() > CERTIFICATES_MAX {
            return Err(bad(format!("it has more than {CERTIFICATES_MAX} certificates")));
        }
        for (at, der) in ders.iter().enumerate() {
            parse(der).map_err(|reason| bad(format!("certificate {}: {reason}", at + 1)))?;
        }
        Ok(Self(ders))
    }

    /// Its certificates and nothing else: who pastes a key along must not find it in an answer.
    pub(super) fn pem(&self) -> String {
        let mut text = String::new();
        for der in &self.0 {
            text.push_str("-----BEGIN CERTIFICATE-----\n");
            for (at, letter) in STANDARD.encode(der).chars().enumerate() {
                if at > 0 && at % PEM_COLUMNS == 0 {
                    text.push('\n');
                }
                text.push(letter);
            }
            text.push_str("\n-----END CERTIFICATE-----\n");
        }
        text
    }

    /// Refuses what clients would refuse, whatever authorities they know.
    pub(super) fn ensure_good(&self, now: Timestamp) -> Result<(), CertificateError> {
        let parsed = self.parsed();
        for certificate in &parsed {
            let subject = || subject_of(certificate);
            let not_valid = |when: String| CertificateError::NotValid { subject: subject(), when };
            let (begin, end) = validity(certificate);
            if end < now {
                return Err(not_valid(format!("ended on {}", day(end))));
            }
            if begin > now {
                return Err(not_valid(format!("is not good before {}", day(begin))));
            }
        }
        if let Some(own) = parsed.first().filter(|own| names_of(own).is_empty()) {
            let when = "names no host and no address".to_owned();
            return Err(CertificateError::NotValid { subject: subject_of(own), when });
        }
        for (at, pair) in parsed.windows(2).enumerate() {
            let (signed, signer) = (&pair[0], &pair[1]);
            if !has_signed(signer, signed) {
                return Err(CertificateError::ChainBroken {
                    number: at + 2,
                    subject: subject_of(signer),
                });
            }
        }
        Ok(())
    }

    /// The chain with its key, ready to be served.
    pub(super) fn with_key(&self, key_pem: &str) -> Result<Arc<CertifiedKey>, CertificateError> {
        let key = read_key(key_pem)?;
        match certified(self.0.clone(), &key) {
            Ok(pair) => Ok(Arc::new(pair)),
            Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                let others = self.0.iter().enumerate().skip(1);
                let mut others =
                    others.filter(|(_, der)| certified(vec![(*der).clone()], &key).is_ok());
                let source = others.next().map(|(at, _)| KeyOfOther { number: at + 1 });
                let subject = self.parsed().first().map(subject_of).unwrap_or_default();
                Err(CertificateError::KeyMismatch { subject, source })
            }
            Err(error) => Err(CertificateError::Kind(error)),
        }
    }

    /// As people and programs see it.
    pub(super) fn describe(&self, origin: CertificateOrigin) -> Option<ServedCertificate> {
        let parsed = self.parsed();
        let (own, above) = parsed.split_first()?;
        let (valid_from, valid_until) = validity(own);
        let sum = Sha256::digest(self.0.first()?);
        let pairs: Vec<String> = sum.iter().map(|byte| format!("{byte:02X}")).collect();
        Some(ServedCertificate {
            origin,
            subject: subject_of(own),
            issuer: own.issuer().to_string(),
            names: names_of(own),
            sha256: pairs.join(":"),
            valid_from,
            valid_until,
            chain: above.iter().map(subject_of).collect(),
            pem: self.pem(),
        })
    }

    /// The names of the first.
    pub(super) fn names(&self) -> Vec<String> {
        self.parsed().first().map(names_of).unwrap_or_default()
    }

    /// All were read once, so none is left out.
    fn parsed(&self) -> Vec<X509Certificate<'_>> {
        self.0.iter().filter_map(|der| parse(der).ok()).collect()
    }
}

fn parse<'d>(der: &'d CertificateDer<'_>) -> Result<X509Certificate<'d>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err("something follows it".to_owned()),
        Err(_) => Err("it is no X.509 certificate".to_owned()),
    }
}

fn certified(
    ders: Vec<CertificateDer<'static>>,
    key: &PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    CertifiedKey::from_der(ders, key.clone_key(), &ring::default_provider())
}

fn read_key(text: &str) -> Result<PrivateKeyDer<'static>, CertificateError> {
    if text.contains("ENCRYPTED") {
        return Err(CertificateError::KeyLocked);
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| CertificateError::Malformed {
        what: "the private key".to_owned(),
        // What a parser says of a key may quote it.
        reason: "it is no key in PEM form".to_owned(),
    })
}

/// True if it did, as far as that can be seen: a signature of a kind that is not known here counts.
fn has_signed(signer: &X509Certificate<'_>, signed: &X509Certificate<'_>) -> bool {
    if signer.subject() != signed.issuer() {
        return false;
    }
    match signed.verify_signature(Some(signer.public_key())) {
        Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => true,
        Err(_) => false,
    }
}

fn subject_of(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    if subject.is_empty() { names_of(certificate).join(", ") } else { subject }
}

fn names_of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    };
    names.value.general_names.iter().filter_map(text).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let short = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    short.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

fn validity(certificate: &X509Certificate<'_>) -> (Timestamp, Timestamp) {
    let validity = certificate.validity();
    let at = |seconds| Timestamp { seconds, nanoseconds: 0 };
    (at(validity.not_before.timestamp()), at(validity.not_after.timestamp()))
}

/// The day alone.
fn day(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}
