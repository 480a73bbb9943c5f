//! Second factors: time-based codes (RFC 6238), none of which is taken twice, and recovery codes.

use schemars::JsonSchema;
use serde::Serialize;
use totp_rs::{Builder, Totp};

use super::factor_rule::new_recovery_codes;
use super::token::hash_of_code;
use super::{People, PeopleError, Secret, UserId, UserRecord};
use rand::RngCore as _;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

/// Bytes of a secret: as many as SHA-1's block of output has, which is what RFC 4226 asks for.
const SECRET_BYTES: usize = 20;
/// Steps before and after the present one that are taken too: clocks differ.
const SKEW_STEPS: u16 = 1;
/// The name under which an authenticator lists it.
const ISSUER: &str = "FossilSafe";

/// What an authenticator needs. Shown once, to the user.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TotpProposal {
    /// For typing.
    pub secret_base32: Secret,
    /// For a QR code.
    pub otpauth_uri: Secret,
}

/// An algorithm, digits and step that every authenticator knows: SHA-1, six, 30 s.
fn totp(secret: &[u8]) -> Result<Totp, PeopleError> {
    let built = Builder::new().with_skew(SKEW_STEPS).with_secret(secret.to_vec()).build();
    built.map_err(|error| PeopleError::Hashing(error.to_string()))
}

impl People {
    /// Makes a secret for a user; it counts once a code of it was typed back.
    ///
    /// # Errors
    /// `Conflict` if the user has a second factor already.
    pub fn propose_totp(&self, user: UserId) -> Result<TotpProposal, PeopleError> {
        let record = self.store.user(user)?;
        if record.is_totp_on {
            return Err(PeopleError::Conflict(
                "There is a second factor already.".to_owned(),
                "Take it away first.",
            ));
        }
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        OsRng.fill_bytes(&mut *secret);
        self.store.propose_totp(user, &*secret)?;
        let base32 = totp(&*secret)?.secret().to_base32();
        let uri = format!(
            "otpauth://totp/{ISSUER}:{}?secret={base32}&issuer={ISSUER}&algorithm=SHA1&digits=6&period=30",
            record.name
        );
        Ok(TotpProposal { secret_base32: Secret::new(base32), otpauth_uri: Secret::new(uri) })
    }

    /// Takes the first code; from now on one is asked for. Returns the recovery codes, which are shown
    /// this once.
    ///
    /// # Errors
    /// `NotRecognised` if the code is not right, `Conflict` if there was no proposal.
    pub fn confirm_totp(&self, user: UserId, code: &Secret) -> Result<Vec<Secret>, PeopleError> {
        let record = self.store.user(user)?;
        if record.is_totp_on || record.totp_secret.is_none() {
            return Err(PeopleError::Conflict(
                "There is no second factor that waits for its first code.".to_owned(),
                "Begin again.",
            ));
        }
        if !self.takes_totp(&record, code)? {
            return Err(PeopleError::NotRecognised);
        }
        let (codes, hashes) = new_recovery_codes();
        self.store.start_totp(user, &hashes)?;
        Ok(codes)
    }

    /// Asks for no code any more.
    ///
    /// # Errors
    /// There is no such user, or a second factor is required and there is no passkey.
    pub fn stop_totp(&self, user: UserId) -> Result<(), PeopleError> {
        self.ensure_not_the_last(user, self.has_passkey(user)?)?;
        Ok(self.store.stop_totp(user)?)
    }

    /// True if `code` is the present one and was not taken before, or a recovery code that is left.
    pub(super) fn takes_second_factor(
        &self,
        user: &UserRecord,
        code: &Secret,
    ) -> Result<bool, PeopleError> {
        // A secret that waits for its first code counts for nothing yet.
        if user.is_totp_on && self.takes_totp(user, code)? {
            return Ok(true);
        }
        let hash = hash_of_code(code.reveal());
        Ok(self.store.take_recovery_code(user.id, &hash, self.clock.now())?)
    }

    fn takes_totp(&self, user: &UserRecord, code: &Secret) -> Result<bool, PeopleError> {
        let Some(secret) = &user.totp_secret else { return Ok(false) };
        let typed = Zeroizing::new(code.reveal().replace(' ', ""));
        let now = u64::try_from(self.clock.now().seconds).unwrap_or(0);
        let Some(step) = totp(secret)?.check(&typed, now) else { return Ok(false) };
        Ok(self.store.take_totp_step(user.id, step)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = totp(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.check(code, seconds), Some(seconds / 30), "at {seconds}");
        }
    }
}
