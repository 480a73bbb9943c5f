//! Whether a manifest or `volume.json` is whole, and whose it is.

use std::io::BufRead;

use sha2::{Digest as _, Sha256};

use super::error::{ManifestError, ManifestErrorKind};
use super::header::ManifestHeader;
use super::reader::{ManifestEnd, ManifestReader};
use super::volume::VolumeRecord;
use crate::domain::Sha256Digest;
use crate::keys::{DetachedSignature, KeyId, PinnedKeys, Purpose, SignatureVerdict};

/// What a look at a signed file shows. Only `Trusted` may be called safe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Whole, and signed by a trusted key.
    Trusted {
        /// Which.
        key_id: KeyId,
    },
    /// Whole, but signed by a key that nobody here trusts: readable, and to be shown as foreign.
    Foreign {
        /// Which.
        key_id: KeyId,
    },
    /// Whole in itself, but not what the trusted key signed: somebody changed it.
    BadSignature {
        /// Which key it names.
        key_id: KeyId,
    },
    /// Whole in itself, but there is no signature, or none that can be read.
    Unsigned,
    /// Cut.
    Truncated {
        /// The last whole line.
        line: u64,
    },
    /// Changed, by accident or by somebody.
    Damaged {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Not readable with this release, or nothing of ours at all.
    Unreadable {
        /// Why, for people.
        reason: String,
    },
}

/// A verdict and what could be learned.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The verdict.
    pub verdict: Verdict,
    /// The first line, if it could be read.
    pub header: Option<ManifestHeader>,
    /// The end, if the manifest is whole.
    pub end: Option<ManifestEnd>,
}

/// Reads a manifest from end to end and looks at its signature.
///
/// `signature` is the content of the `.sig` file, if there is one.
///
/// # Errors
/// Only when reading itself fails; everything else is a verdict.
pub fn verify_manifest(
    manifest: impl BufRead,
    signature: Option<&[u8]>,
    pinned: &PinnedKeys,
) -> Result<Verification, ManifestError> {
    let mut reader = match ManifestReader::open(manifest) {
        Ok(reader) => reader,
        Err(error) => return Ok(Verification { verdict: judge(error)?, header: None, end: None }),
    };
    let verdict = loop {
        match reader.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(error) => break Some(judge(error)?),
        }
    };
    let end = reader.end().copied();
    let verdict = match (verdict, &end) {
        (Some(verdict), _) => verdict,
        (None, Some(end)) => judge_signature(signature, Purpose::Manifest, &end.sha256, pinned),
        (None, None) => Verdict::Unreadable { reason: "it has no end".to_owned() },
    };
    Ok(Verification { verdict, header: Some(reader.header().clone()), end })
}

/// Looks at `volume.json` and its signature.
pub fn verify_volume_record(
    json: &[u8],
    signature: Option<&[u8]>,
    pinned: &PinnedKeys,
) -> (Verdict, Option<VolumeRecord>) {
    match VolumeRecord::parse(json) {
        Ok(record) => {
            let digest = Sha256Digest(Sha256::digest(json).into());
            (judge_signature(signature, Purpose::Volume, &digest, pinned), Some(record))
        }
        Err(reason) => (Verdict::Unreadable { reason }, None),
    }
}

fn judge_signature(
    signature: Option<&[u8]>,
    purpose: Purpose,
    digest: &Sha256Digest,
    pinned: &PinnedKeys,
) -> Verdict {
    let Some(signature) = signature.and_then(|json| DetachedSignature::parse(json).ok()) else {
        return Verdict::Unsigned;
    };
    match signature.verify(purpose, digest, pinned) {
        SignatureVerdict::Trusted { key_id } => Verdict::Trusted { key_id },
        SignatureVerdict::Foreign { key_id } => Verdict::Foreign { key_id },
        SignatureVerdict::Bad { key_id } => Verdict::BadSignature { key_id },
    }
}

/// The verdict that an error is; hands on what is no verdict.
fn judge(error: ManifestError) -> Result<Verdict, ManifestError> {
    match error {
        ManifestError::Truncated { line } => Ok(Verdict::Truncated { line }),
        ManifestError::Damaged { line, reason } => Ok(Verdict::Damaged { line, reason }),
        other if other.kind() == ManifestErrorKind::Io => Err(other),
        other => Ok(Verdict::Unreadable { reason: other.to_string() }),
    }
}
