//! Signing in and out, and what a session's token is worth.
//!
//! A token is made here and never taken from outside, so nobody can be given one that another person knows.
//! It is replaced when what it stands for changes: a new password, a new second factor.

use std::net::IpAddr;
use std::time::Duration;

use super::password::Verdict;
use super::principal::{Credential, Principal};
use super::throttle::Familiarity;
use super::token::{hash_of, new_token};
use super::{Factors, People, PeopleError, Secret, SessionRecord, UserId, UserRecord};
use crate::catalog::people::NewSession;
use crate::domain::Timestamp;

/// A session ends when it was not used for so long.
pub const UNUSED_AT_MOST: Duration = Duration::from_secs(60 * 60);
/// A session ends so long after signing in, used or not: once a working day.
pub const SIGNED_IN_AT_MOST: Duration = Duration::from_secs(12 * 60 * 60);
/// The use of a session or key is written down so often: not at every request.
pub(super) const NOTED_EVERY: Duration = Duration::from_secs(60);
/// Longest name of a user; longer ones are nobody's.
pub(super) const NAME_BYTES_MAX: usize = 64;
/// What is kept of what a browser says it is.
const AGENT_CHARACTERS_MAX: usize = 120;

/// From where somebody signs in.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The address; none for a program on the machine itself, which is never slowed down.
    pub address: Option<IpAddr>,
    /// What the program says it is.
    pub agent: String,
}

impl Origin {
    /// The address as it is kept and shown.
    #[must_use]
    pub fn shown(&self) -> String {
        self.address.map_or_else(|| "local".to_owned(), |it| it.to_canonical().to_string())
    }
}

/// What somebody signs in with.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The name as typed.
    pub name: String,
    /// The password as typed.
    pub password: Secret,
    /// A code of the second factor, or a recovery code.
    pub code: Option<Secret>,
}

/// What signing in leads to.
#[derive(Debug)]
pub enum SignInAnswer {
    /// Signed in.
    Started(StartedSession),
    /// The password is right, and a second factor is needed too.
    SecondFactorNeeded {
        /// Whether it is an authenticator's code; else a passkey, or a recovery code in its place.
        by_code: bool,
    },
}

/// A session, with its token, which is known to nobody else from now on.
#[derive(Debug)]
pub struct StartedSession {
    /// The token, for the cookie.
    pub token: Secret,
    /// The session.
    pub session: SessionRecord,
}

impl People {
    /// Signs somebody in.
    ///
    /// # Errors
    /// `NotRecognised`, whatever is wrong; `TooManyAttempts`, without having looked at the password.
    pub fn sign_in(&self, wanted: &SignIn, from: &Origin) -> Result<SignInAnswer, PeopleError> {
        let account = account_of(&wanted.name);
        self.count_attempt(from, &account)?;
        let found = self.store.user_by_name(&account)?;
        let usable = found.filter(|user| !user.is_disabled && user.subject.is_none());
        let hash = usable.as_ref().map(|user| user.password_hash.as_str());
        let verdict = self.hasher.verify(&wanted.password, hash)?;
        let (Some(user), false) = (usable, verdict == Verdict::Wrong) else {
            return Err(PeopleError::NotRecognised);
        };
        let by_code = user.is_totp_on;
        let has_one = by_code || self.has_passkey(user.id)?;
        let mut factors = Factors::One;
        if let (Some(code), true) = (&wanted.code, has_one) {
            if !self.takes_second_factor(&user, code)? {
                return Err(PeopleError::NotRecognised);
            }
            factors = Factors::Two;
        } else if by_code || has_one && self.needs_second_factor(user.role)? {
            return Ok(SignInAnswer::SecondFactorNeeded { by_code });
        }
        if let Some(address) = from.address {
            self.throttle.lock().succeeded(address, &account);
        }
        if verdict == Verdict::RightAndOutdated {
            self.store.rehash_password(user.id, &self.hasher.hash(&wanted.password)?)?;
        }
        Ok(SignInAnswer::Started(self.begin_session(&user, from, factors)?))
    }

    /// Begins a session of somebody who was recognised.
    pub(super) fn begin_session(
        &self,
        user: &UserRecord,
        from: &Origin,
        factors: Factors,
    ) -> Result<StartedSession, PeopleError> {
        let now = self.clock.now();
        self.store.forget_sessions(before(now, SIGNED_IN_AT_MOST), before(now, UNUSED_AT_MOST))?;
        let (token, address) = (new_token(), from.shown());
        let hash = hash_of(token.reveal());
        let agent: String =
            from.agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARACTERS_MAX).collect();
        self.store.begin_session(&NewSession {
            user: user.id,
            token_hash: &hash,
            address: &address,
            agent: &agent,
            is_two_factor: factors == Factors::Two,
            at: now,
        })?;
        self.store.note_sign_in(user.id, &address, now)?;
        let session = self.store.session_by_token(&hash)?;
        let session = session.ok_or(PeopleError::NotRecognised)?;
        Ok(StartedSession { token, session })
    }

    /// Counts an attempt of somebody on the network; the machine's own programs are not counted.
    pub(super) fn count_attempt(&self, from: &Origin, account: &str) -> Result<(), PeopleError> {
        let Some(address) = from.address else { return Ok(()) };
        let is_known = self.store.is_known_address(account, &from.shown())?;
        let familiarity = if is_known { Familiarity::Known } else { Familiarity::Unknown };
        let mut throttle = self.throttle.lock();
        let counted = throttle.attempt(address, account, familiarity, self.clock.elapsed());
        counted.map_err(|wait| PeopleError::TooManyAttempts { wait })
    }

    /// The session of a token, if it has not ended.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn session(&self, token: &str) -> Result<Option<SessionRecord>, PeopleError> {
        let now = self.clock.now();
        let found = self.store.session_by_token(&hash_of(token))?;
        let valid = found.filter(|session| {
            session.created > before(now, SIGNED_IN_AT_MOST)
                && session.last_seen > before(now, UNUSED_AT_MOST)
        });
        if let Some(session) = &valid
            && session.last_seen <= before(now, NOTED_EVERY)
        {
            self.store.touch_session(session.id, now)?;
        }
        Ok(valid)
    }

    /// Who holds that session; nobody if they have a second factor, need one, and have not shown it.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn holder_of_session(
        &self,
        session: &SessionRecord,
    ) -> Result<Option<Principal>, PeopleError> {
        let shortfall = self.shortfall(session)?;
        Ok(shortfall.map(|is_factor_missing| Principal {
            credential: Credential::Session(session.id),
            user: Some(session.user),
            name: session.name.clone(),
            role: session.role,
            scopes: Vec::new(),
            is_password_interim: session.is_password_interim,
            factors: Factors::of(session),
            is_factor_missing,
        }))
    }

    /// When a session ends at the latest.
    #[must_use]
    pub fn session_ends(session: &SessionRecord) -> Timestamp {
        after(session.created, SIGNED_IN_AT_MOST)
    }

    /// Sessions that have not ended, of one user or of all, the latest used first.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn sessions(&self, user: Option<UserId>) -> Result<Vec<SessionRecord>, PeopleError> {
        let now = self.clock.now();
        self.store.forget_sessions(before(now, SIGNED_IN_AT_MOST), before(now, UNUSED_AT_MOST))?;
        Ok(self.store.sessions(user)?)
    }

    /// Ends a session, if it is that user's or if no user is named.
    ///
    /// # Errors
    /// There is no such session.
    pub fn end_session(&self, id: i64, of: Option<UserId>) -> Result<(), PeopleError> {
        Ok(self.store.end_session(id, of)?)
    }

    /// Ends all other sessions of a user and gives this one a new token.
    ///
    /// # Errors
    /// The session has ended.
    pub fn renew_session(&self, session: i64, user: UserId) -> Result<Secret, PeopleError> {
        let token = new_token();
        self.store.end_sessions_but(user, session)?;
        self.store.renew_token(session, &hash_of(token.reveal()))?;
        Ok(token)
    }
}

/// The name by which attempts are counted and users found: small letters, and nothing too long.
pub(super) fn account_of(typed: &str) -> String {
    let end = (0..=NAME_BYTES_MAX.min(typed.len())).rev().find(|at| typed.is_char_boundary(*at));
    typed[..end.unwrap_or(0)].to_ascii_lowercase()
}

pub(super) fn before(now: Timestamp, duration: Duration) -> Timestamp {
    shifted(now, -nanoseconds(duration))
}

pub(super) fn after(now: Timestamp, duration: Duration) -> Timestamp {
    shifted(now, nanoseconds(duration))
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

fn shifted(now: Timestamp, by: i128) -> Timestamp {
    Timestamp::from_unix_nanoseconds(now.unix_nanoseconds().saturating_add(by))
}
