//! The channel file: which version is published where, signed with Ed25519.
//!
//! Line one is the signature (base64) of all bytes after that line; the rest is JSON. Bundles have a
//! signature of their own. This one stops somebody who holds an old, rightly signed file: a sequence
//! number that only grows refuses what is older than what was seen (rollback), and an end of validity
//! refuses a file that is shown for ever (freeze). A clock that was set back does not lengthen it: the
//! latest time that was ever seen in a file counts too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::version::Version;
use crate::domain::Timestamp;

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// `stable` or another: a file of one channel is none of another.
    pub channel: String,
    /// Grows with each file that is published.
    pub sequence: u64,
    /// When it was signed, as seconds since 1970.
    pub issued_at_seconds: i64,
    /// Until when it may be believed.
    pub expires_at_seconds: i64,
    /// The newest version.
    pub version: Version,
    /// Where its bundle is.
    pub bundle: String,
    /// SHA-256 of the bundle, as hexadecimal digits.
    pub sha256: String,
}

/// What was seen last; kept on the data partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The largest sequence number.
    pub sequence: u64,
    /// The latest time of issue.
    pub issued_at_seconds: i64,
}

/// Why a channel file is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// It has no two parts, or a part has not its form.
    #[error("this is no channel file: {0}")]
    Form(String),
    /// The signature is not by the key that this machine trusts.
    #[error("the signature of the channel file is wrong")]
    Signature,
    /// It is of another channel.
    #[error("this is the channel \"{found}\", not \"{wanted}\"")]
    Other {
        /// What it says.
        found: String,
        /// What is set.
        wanted: String,
    },
    /// Older than one that has been seen.
    #[error("file {found} of the channel is older than file {seen}, which has been seen")]
    Rollback {
        /// Its number.
        found: u64,
        /// The number that was seen.
        seen: u64,
    },
    /// Its time is over.
    #[error(
        "the channel file is not valid any more: somebody holds back newer ones, or this machine's clock is wrong"
    )]
    Expired,
}

/// Checks a channel file and says what is published and what has been seen from now on.
///
/// # Errors
/// It must not be believed; [`ChannelError`] says why.
pub fn check(
    file: &[u8],
    key: &VerifyingKey,
    wanted: &str,
    seen: Seen,
    now: Timestamp,
) -> Result<(Channel, Seen), ChannelError> {
    let form = |why: &str| ChannelError::Form(why.to_owned());
    let end = file.iter().position(|&byte| byte == b'\n').ok_or_else(|| form("one line only"))?;
    let (signature, payload) = (&file[..end], &file[end + 1..]);
    let signature = STANDARD.decode(signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or_else(|| form("the first line is no signature"))?;
    // Strict: a signature that several messages share is none.
    key.verify_strict(payload, &signature).map_err(|_| ChannelError::Signature)?;
    let channel: Channel =
        serde_json::from_slice(payload).map_err(|error| ChannelError::Form(error.to_string()))?;
    if channel.channel != wanted {
        return Err(ChannelError::Other { found: channel.channel, wanted: wanted.to_owned() });
    }
    if channel.sequence < seen.sequence {
        return Err(ChannelError::Rollback { found: channel.sequence, seen: seen.sequence });
    }
    let issued_at_seconds = seen.issued_at_seconds.max(channel.issued_at_seconds);
    if now.seconds.max(issued_at_seconds) >= channel.expires_at_seconds {
        return Err(ChannelError::Expired);
    }
    let seen = Seen { sequence: channel.sequence, issued_at_seconds };
    Ok((channel, seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    const SEEN: Seen = Seen { sequence: 7, issued_at_seconds: 1000 };
    const NOW: Timestamp = Timestamp { seconds: 1500, nanoseconds: 0 };

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    fn signed(change: impl FnOnce(&mut Channel), key: &SigningKey) -> Vec<u8> {
        let mut channel = Channel {
            channel: "stable".to_owned(),
            sequence: 8,
            issued_at_seconds: 1400,
            expires_at_seconds: 2000,
            version: "1.2.0".parse().unwrap(),
            bundle: "fossilsafe-1.2.0.raucb".to_owned(),
            sha256: "00".repeat(32),
        };
        change(&mut channel);
        let payload = serde_json::to_vec(&channel).unwrap();
        let signature = STANDARD.encode(key.sign(&payload).to_bytes());
        [signature.as_bytes(), b"\n", &payload].concat()
    }

    fn checked(file: &[u8], now: Timestamp) -> Result<(Channel, Seen), ChannelError> {
        check(file, &key().verifying_key(), "stable", SEEN, now)
    }

    #[test]
    fn what_is_new_and_rightly_signed_is_believed() {
        let (channel, seen) = checked(&signed(|_| {}, &key()), NOW).unwrap();
        assert_eq!(channel.version.to_string(), "1.2.0");
        assert_eq!(seen, Seen { sequence: 8, issued_at_seconds: 1400 });
        assert!(checked(&signed(|channel| channel.sequence = 7, &key()), NOW).is_ok());
    }

    #[test]
    fn an_older_file_and_another_channel_are_refused() {
        let older = checked(&signed(|channel| channel.sequence = 6, &key()), NOW);
        assert_eq!(older, Err(ChannelError::Rollback { found: 6, seen: 7 }));
        let other = signed(|channel| channel.channel = "test".to_owned(), &key());
        assert!(matches!(checked(&other, NOW), Err(ChannelError::Other { .. })));
    }

    #[test]
    fn a_file_that_is_held_for_ever_ends_also_with_a_clock_that_was_set_back() {
        let file = signed(|_| {}, &key());
        let late = Timestamp { seconds: 2000, nanoseconds: 0 };
        assert_eq!(checked(&file, late), Err(ChannelError::Expired));
        let frozen = signed(|channel| channel.expires_at_seconds = 900, &key());
        let early = Timestamp { seconds: 0, nanoseconds: 0 };
        assert_eq!(checked(&frozen, early), Err(ChannelError::Expired));
    }

    #[test]
    fn no_changed_byte_and_no_other_key_is_believed() {
        let file = signed(|_| {}, &key());
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(checked(&changed, NOW).is_err(), "byte {at}");
            assert!(checked(&file[..at], NOW).is_err(), "cut at {at}");
        }
        let other = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(checked(&signed(|_| {}, &other), NOW), Err(ChannelError::Signature));
    }
}
