//! Passwords: what is accepted, and their argon2id hashes.
//!
//! Rules of composition ("one digit, one sign") make passwords worse, so there are none: a password is long
//! enough, is not one that everybody tries first, and is not the user's name. It is compared as NFKC,
//! since two keyboards may send one letter as different bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use parking_lot::Mutex;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{PeopleError, Secret};

/// Fewest characters. With these, back-off makes guessing over the network hopeless.
const CHARACTERS_MIN: usize = 12;
/// Most bytes: a sentence, and no way to keep the hasher busy.
const BYTES_MAX: usize = 512;
/// Fewest different characters: "aaaaaaaaaaaa" is no secret.
const DIFFERENT_MIN: usize = 5;
/// What is tried first, also with digits and signs around it. Shorter ones are too short anyway.
const TRIED_FIRST: &[&str] = &[
    "password",
    "passwort",
    "fossilsafe",
    "administrator",
    "qwertyuiop",
    "qwertzuiop",
    "letmein",
    "changeme",
    "welcome",
    "abcdefgh",
    "1234567890",
    "0123456789",
    "iloveyou",
    "backup",
    "lto",
    "tape",
];
/// Share of a password that may be one of those: the rest must be long enough by itself.
const REST_MIN: usize = 8;

/// 19 MiB, two passes, one lane: the least that OWASP's cheat sheet of 2025 gives for argon2id. The
/// memory of a small machine belongs to the data path.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Sign-ins that wait for the hasher; more are sent away.
const WAITING_MAX: usize = 32;

/// Refuses a password that would not protect.
pub(super) fn ensure_acceptable(password: &Secret, name: &str) -> Result<(), PeopleError> {
    let refuse = |why: &str| Err(PeopleError::invalid("password", why));
    let text = password.reveal();
    if text.len() > BYTES_MAX {
        return refuse("it is longer than 512 bytes");
    }
    if text.chars().count() < CHARACTERS_MIN {
        return refuse("it needs at least 12 characters; a sentence is easy to remember");
    }
    let different: std::collections::BTreeSet<char> = text.chars().collect();
    if different.len() < DIFFERENT_MIN {
        return refuse("it has too few different characters");
    }
    let lower = text.to_lowercase();
    let name = name.to_lowercase();
    let mut known = TRIED_FIRST.iter().copied().chain([name.as_str()]);
    if known.any(|known| !known.is_empty() && rest_without(&lower, known) < REST_MIN) {
        return refuse("it is one of those that are tried first, or much like the user's name");
    }
    Ok(())
}

/// Characters that are left without `known`, and without digits and signs if `known` was in it.
fn rest_without(lower: &str, known: &str) -> usize {
    if !lower.contains(known) {
        return usize::MAX;
    }
    lower.replace(known, "").chars().filter(|c| c.is_alphabetic()).count()
}

/// What a look at a password shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    /// Right, and its hash was made with other costs than today's.
    RightAndOutdated,
    Wrong,
}

/// Hashes one password at a time.
#[derive(Debug)]
pub(super) struct Hasher {
    turn: Mutex<()>,
    waiting: AtomicUsize,
    /// Compared with when there is no such user, so that both take the same time.
    nobody: String,
}

impl Hasher {
    pub(super) fn new() -> Result<Self, PeopleError> {
        let mut hasher =
            Self { turn: Mutex::new(()), waiting: AtomicUsize::new(0), nobody: String::new() };
        hasher.nobody = hasher.hash(&super::token::new_token())?;
        Ok(hasher)
    }

    /// The hash of a password, with its costs and a salt of its own.
    pub(super) fn hash(&self, password: &Secret) -> Result<String, PeopleError> {
        let bytes = normal(password);
        let hashed = self.in_turn(|| argon2()?.hash_password(bytes.as_bytes()))?;
        Ok(hashed.map_err(|error| failed(&error))?.to_string())
    }

    /// Compares; `None` stands for a user that does not exist and is always wrong.
    pub(super) fn verify(
        &self,
        password: &Secret,
        hash: Option<&str>,
    ) -> Result<Verdict, PeopleError> {
        if password.reveal().len() > BYTES_MAX {
            return Ok(Verdict::Wrong);
        }
        let bytes = normal(password);
        let stored = hash.unwrap_or(&self.nobody);
        match self.in_turn(|| argon2()?.verify_password(bytes.as_bytes(), stored))? {
            Ok(()) if hash.is_none() => Ok(Verdict::Wrong),
            Ok(()) if stored.contains(&costs()) => Ok(Verdict::Right),
            Ok(()) => Ok(Verdict::RightAndOutdated),
            Err(Error::PasswordInvalid) => Ok(Verdict::Wrong),
            Err(error) => Err(failed(&error)),
        }
    }

    fn in_turn<T>(&self, work: impl FnOnce() -> T) -> Result<T, PeopleError> {
        let before = self.waiting.fetch_add(1, Ordering::SeqCst);
        let done = if before < WAITING_MAX {
            let _turn = self.turn.lock();
            Ok(work())
        } else {
            Err(PeopleError::Busy)
        };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        done
    }
}

fn normal(password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(password.reveal().nfkc().collect())
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// How today's costs stand in a hash.
fn costs() -> String {
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}$")
}

fn failed(error: &Error) -> PeopleError {
    PeopleError::Hashing(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn what_is_short_common_or_the_users_name_is_refused_and_a_sentence_is_not() {
        for bad in [
            "short",
            "aaaaaaaaaaaaaaaa",
            "Password1234!!",
            "FossilSafe-2026",
            "1234567890123",
            "magdalena2026!",
            "12345678901234567890",
        ] {
            assert!(ensure_acceptable(&secret(bad), "Magdalena").is_err(), "{bad}");
        }
        for good in ["correct horse battery", "tape drives hum at night", "Gänseblümchen-Tee!"] {
            assert!(ensure_acceptable(&secret(good), "ada").is_ok(), "{good}");
        }
        assert!(ensure_acceptable(&secret(&"xyzab".repeat(103)), "ada").is_err());
    }

    #[test]
    fn a_hash_is_argon2id_with_its_own_salt_and_fits_one_password() {
        let hasher = Hasher::new().unwrap();
        let password = secret("correct horse battery");
        let (one, two) = (hasher.hash(&password).unwrap(), hasher.hash(&password).unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two, "each has its own salt");
        assert_eq!(hasher.verify(&password, Some(&one)).unwrap(), Verdict::Right);
        let wrong = secret("correct horse batterz");
        assert_eq!(hasher.verify(&wrong, Some(&one)).unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify(&password, None).unwrap(), Verdict::Wrong);
        assert!(hasher.verify(&password, Some("$argon2id$nonsense")).is_err());
    }

    #[test]
    fn a_hash_of_other_costs_still_counts_and_is_known_as_outdated() {
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = cheap.hash_password(b"correct horse battery").unwrap().to_string();
        let verdict = Hasher::new().unwrap().verify(&secret("correct horse battery"), Some(&hash));
        assert_eq!(verdict.unwrap(), Verdict::RightAndOutdated);
    }

    #[test]
    fn two_keyboards_that_write_one_letter_differently_type_one_password() {
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash(&secret("Gra\u{308}ser im Wind")).unwrap();
        let composed = secret("Gr\u{e4}ser im Wind");
        assert_eq!(hasher.verify(&composed, Some(&hash)).unwrap(), Verdict::Right);
    }
}
