//! People over a real file: setting up, signing in, second factors, sessions, keys, roles, approvals.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::VirtualClock;

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "tape drives hum at night";

struct House {
    people: People,
    clock: Arc<VirtualClock>,
    folder: tempfile::TempDir,
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn from(address: &str) -> Origin {
    Origin { address: Some(address.parse().unwrap()), agent: "test".to_owned() }
}

impl House {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let people = People::open(folder.path(), Arc::<VirtualClock>::clone(&clock)).unwrap();
        Self { people, clock, folder }
    }

    /// With the admin `ada` and the viewer `vic`.
    fn with_users() -> Self {
        let house = Self::empty();
        let people = &house.people;
        people.create_user("ada", Role::Admin, Some(&secret(PASSWORD))).unwrap();
        people.create_user("vic", Role::Viewer, Some(&secret(PASSWORD))).unwrap();
        house
    }

    fn try_in(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<SignInAnswer, PeopleError> {
        let wanted =
            SignIn { name: name.to_owned(), password: secret(password), code: code.map(secret) };
        self.people.sign_in(&wanted, &from("192.0.2.1"))
    }

    fn sign_in(&self, name: &str, password: &str) -> StartedSession {
        match self.try_in(name, password, None).unwrap() {
            SignInAnswer::Started(started) => started,
            SignInAnswer::SecondFactorNeeded { .. } => panic!("a second factor is asked for"),
        }
    }

    fn holder(&self, started: &StartedSession) -> Principal {
        self.people.holder_of_session(&started.session).unwrap().unwrap()
    }

    fn is_in(&self, token: &Secret) -> bool {
        self.people.session(token.reveal()).unwrap().is_some()
    }

    fn id(&self, name: &str) -> UserId {
        self.people.user_named(name).unwrap().id
    }
}

fn is_not_recognised<T: std::fmt::Debug>(result: Result<T, PeopleError>) -> bool {
    matches!(result, Err(PeopleError::NotRecognised))
}

#[test]
fn the_first_admin_needs_the_code_that_only_the_owner_of_the_machine_can_read() {
    let house = House::empty();
    let code = house.people.setup_code().unwrap().unwrap();
    let file = house.folder.path().join("setup-code");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = People::open(house.folder.path(), Arc::new(VirtualClock::default())).unwrap();
    assert_eq!(again.setup_code().unwrap(), Some(code.clone()), "the same after a restart");
    let here = from("192.0.2.1");
    let (wrong, password) = (secret("0000-0000-0000"), secret(PASSWORD));
    let refused = house.people.set_up(&wrong, "ada", &password, &here);
    assert!(matches!(refused, Err(PeopleError::SetupCodeWrong)));
    let weak = house.people.set_up(&code, "ada", &secret("password1234"), &here);
    assert!(matches!(weak, Err(PeopleError::Invalid { .. })));
    let started = house.people.set_up(&code, "ada", &password, &here).unwrap();
    assert_eq!((started.session.name.as_str(), started.session.role), ("ada", Role::Admin));
    assert!(house.is_in(&started.token));
    assert!(!file.exists() && house.people.setup_code().unwrap().is_none());
    let late = house.people.set_up(&code, "eve", &password, &here);
    assert!(matches!(late, Err(PeopleError::SetupDone)));
}

#[test]
fn guessing_the_setup_code_is_slowed_down() {
    let house = House::empty();
    let (wrong, password) = (secret("0000-0000-0000"), secret(PASSWORD));
    let attempt = || house.people.set_up(&wrong, "eve", &password, &from("198.51.100.7"));
    for _ in 0..5 {
        assert!(matches!(attempt(), Err(PeopleError::SetupCodeWrong)));
    }
    assert!(matches!(attempt(), Err(PeopleError::TooManyAttempts { .. })));
}

#[test]
fn a_name_and_its_password_sign_in_whatever_the_case_of_the_name() {
    let house = House::with_users();
    let started = house.sign_in("ADA", PASSWORD);
    assert_eq!(started.session.name, "ada");
    assert!(is_not_recognised(house.try_in("ada", OTHER, None)));
    assert!(is_not_recognised(house.try_in("nobody-here", PASSWORD, None)));
    assert!(is_not_recognised(house.try_in(&"ü".repeat(200), PASSWORD, None)));
    house.people.set_disabled("vic", true).unwrap();
    assert!(is_not_recognised(house.try_in("vic", PASSWORD, None)));
}

#[test]
fn a_right_password_is_not_even_looked_at_while_its_address_has_to_wait() {
    let house = House::with_users();
    for _ in 0..5 {
        assert!(is_not_recognised(house.try_in("ada", OTHER, None)));
    }
    let refused = house.try_in("ada", PASSWORD, None);
    assert!(matches!(refused, Err(PeopleError::TooManyAttempts { .. })));
    house.clock.advance(Duration::from_secs(1));
    house.sign_in("ada", PASSWORD);
}

#[test]
fn nobody_elses_guessing_keeps_the_owner_out() {
    let house = House::with_users();
    let inside = house.sign_in("ada", PASSWORD);
    let wrong = |address: &str| {
        let wanted = SignIn { name: "ada".to_owned(), password: secret("guess"), code: None };
        house.people.sign_in(&wanted, &from(address))
    };
    for host in 0..110 {
        let _ = wrong(&format!("198.51.100.{host}"));
    }
    assert!(matches!(wrong("203.0.113.9"), Err(PeopleError::TooManyAttempts { .. })));
    assert!(house.is_in(&inside.token), "a session goes on");
    house.sign_in("ada", PASSWORD);
    let machine = Origin { address: None, agent: String::new() };
    let wanted = SignIn { name: "ada".to_owned(), password: secret(PASSWORD), code: None };
    assert!(house.people.sign_in(&wanted, &machine).is_ok(), "the machine itself never waits");
}

/// The present code of a user's second factor.
fn present_code(house: &House, proposal: &TotpProposal) -> String {
    let secret = totp_rs::Secret::try_from_base32(proposal.secret_base32.reveal()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = u64::try_from(house.clock.now().seconds).unwrap();
    totp.generate(now).to_string()
}

#[test]
fn a_second_factor_is_asked_for_once_confirmed_and_no_code_is_taken_twice() {
    let house = House::with_users();
    let ada = house.id("ada");
    let proposal = house.people.propose_totp(ada).unwrap();
    assert!(proposal.otpauth_uri.reveal().starts_with("otpauth://totp/FossilSafe:ada?secret="));
    house.sign_in("ada", PASSWORD);
    assert!(is_not_recognised(house.people.confirm_totp(ada, &secret("000000"))));
    let code = present_code(&house, &proposal);
    let recovery = house.people.confirm_totp(ada, &secret(&code)).unwrap();
    assert_eq!(recovery.len(), 10);

    let needed = house.try_in("ada", PASSWORD, None).unwrap();
    assert!(matches!(needed, SignInAnswer::SecondFactorNeeded { by_code: true }));
    assert!(is_not_recognised(house.try_in("ada", PASSWORD, Some(&code))), "it was taken before");
    assert!(is_not_recognised(house.try_in("ada", OTHER, Some(&code))));
    house.clock.advance(Duration::from_secs(30));
    let next = present_code(&house, &proposal);
    assert!(house.try_in("ada", PASSWORD, Some(&next)).is_ok());
    assert!(is_not_recognised(house.try_in("ada", PASSWORD, Some(&next))));
    assert!(is_not_recognised(house.try_in("ada", PASSWORD, Some(&code))), "older ones neither");
}

#[test]
fn a_recovery_code_stands_in_once() {
    let house = House::with_users();
    let ada = house.id("ada");
    let proposal = house.people.propose_totp(ada).unwrap();
    let code = present_code(&house, &proposal);
    let recovery = house.people.confirm_totp(ada, &secret(&code)).unwrap();
    let typed = recovery[3].reveal().to_lowercase();
    assert!(house.try_in("ada", PASSWORD, Some(&typed)).is_ok());
    assert!(is_not_recognised(house.try_in("ada", PASSWORD, Some(&typed))));
    assert_eq!(house.people.recovery_codes_left(ada).unwrap(), 9);
    let lost = house.people.reset_password("ada", None, SecondFactor::TakeAway).unwrap().unwrap();
    let started = house.sign_in("ada", lost.reveal());
    assert!(started.session.is_password_interim);
}

#[test]
fn a_session_ends_when_unused_and_at_the_latest_after_a_working_day() {
    let house = House::with_users();
    let minute = Duration::from_secs(60);
    let unused = house.sign_in("ada", PASSWORD);
    house.clock.advance(59 * minute);
    assert!(house.is_in(&unused.token));
    house.clock.advance(60 * minute);
    assert!(!house.is_in(&unused.token));
    let used = house.sign_in("ada", PASSWORD);
    for _ in 0..23 {
        house.clock.advance(30 * minute);
        assert!(house.is_in(&used.token));
    }
    house.clock.advance(30 * minute);
    assert!(!house.is_in(&used.token), "used or not");
    assert!(house.people.sessions(None).unwrap().is_empty());
}

#[test]
fn sessions_are_listed_and_ended_by_their_owner_or_an_admin_only() {
    let house = House::with_users();
    let (ada, vic) = (house.sign_in("ada", PASSWORD), house.sign_in("vic", PASSWORD));
    let listed = house.people.sessions(Some(ada.session.user)).unwrap();
    assert_eq!((listed.len(), listed[0].address.as_str()), (1, "192.0.2.1"));
    let others = house.people.end_session(ada.session.id, Some(vic.session.user));
    assert!(matches!(others, Err(PeopleError::NotFound(_))));
    house.people.end_session(vic.session.id, None).unwrap();
    assert!(house.is_in(&ada.token) && !house.is_in(&vic.token));
}

#[test]
fn a_new_password_ends_every_other_session_and_the_old_password() {
    let house = House::with_users();
    let (one, two) = (house.sign_in("ada", PASSWORD), house.sign_in("ada", PASSWORD));
    let here = from("192.0.2.1");
    let ada = one.session.user;
    let change = |present: &str, wanted: &str| {
        house.people.change_password(ada, &secret(present), &secret(wanted), &here, Factors::One)
    };
    assert!(is_not_recognised(change(OTHER, "another good sentence")));
    assert!(matches!(change(PASSWORD, PASSWORD), Err(PeopleError::Invalid { .. })));
    let renewed = change(PASSWORD, OTHER).unwrap();
    assert!(!house.is_in(&one.token) && !house.is_in(&two.token) && house.is_in(&renewed.token));
    assert!(is_not_recognised(house.try_in("ada", PASSWORD, None)));
    house.sign_in("ada", OTHER);
}

#[test]
fn a_renewed_session_leaves_its_old_token_worthless() {
    let house = House::with_users();
    let (kept, other) = (house.sign_in("ada", PASSWORD), house.sign_in("ada", PASSWORD));
    let token = house.people.renew_session(kept.session.id, kept.session.user).unwrap();
    assert!(house.is_in(&token) && !house.is_in(&kept.token) && !house.is_in(&other.token));
}

#[test]
fn the_last_admin_stays_whatever_is_tried() {
    let house = House::with_users();
    let people = &house.people;
    let refused = [
        people.set_role("ada", Role::Operator),
        people.set_disabled("ada", true),
        people.remove_user("ada"),
    ];
    for result in refused {
        assert!(matches!(result, Err(PeopleError::Conflict(..))), "{result:?}");
    }
    people.set_role("vic", Role::Admin).unwrap();
    people.set_disabled("vic", true).unwrap();
    assert!(people.remove_user("ada").is_err(), "a disabled admin does not count");
    people.set_disabled("vic", false).unwrap();
    people.remove_user("ada").unwrap();
    assert!(people.remove_user("vic").is_err());
}

#[test]
fn names_are_unique_and_safe_in_logs() {
    let house = House::with_users();
    let make = |name: &str| house.people.create_user(name, Role::Viewer, None);
    assert!(matches!(make("Ada"), Err(PeopleError::Conflict(..))));
    for bad in ["", "a b", "a\nb", "-x", "local", "ü", &"x".repeat(65)] {
        assert!(matches!(make(bad), Err(PeopleError::Invalid { .. })), "{bad:?}");
    }
    let (user, made) = make("grace@example.org").unwrap();
    assert!(user.is_password_interim);
    let started = house.sign_in("grace@example.org", made.unwrap().reveal());
    assert!(started.session.is_password_interim);
}

fn key(house: &House, name: &str, user: Option<UserId>, role: Role) -> MadeKey {
    let scopes = vec!["jobs:read".parse().unwrap()];
    let life = Some(Duration::from_secs(3600));
    let wanted = KeyRequest { user, name: name.to_owned(), role, scopes, life };
    house.people.create_key(&wanted).unwrap()
}

#[test]
fn a_key_opens_what_it_was_made_for_until_it_ends() {
    let house = House::with_users();
    let ada = Some(house.id("ada"));
    let made = key(&house, "script", ada, Role::Operator);
    let secret = made.secret.reveal();
    assert!(secret.starts_with("fsk_") && secret.starts_with(&made.record.shown));
    let address = Some("192.0.2.77".parse().unwrap());
    let holder = house.people.key_holder(secret, address).unwrap().unwrap();
    assert_eq!((holder.role, holder.name.as_str()), (Role::Operator, "ada (key \"script\")"));
    assert!(holder.is_open("jobs", false) && !holder.is_open("jobs", true));
    let listed = &house.people.keys(ada).unwrap()[0];
    assert_eq!(listed.last_address.as_deref(), Some("192.0.2.77"));
    let mut wrong = secret.to_owned();
    wrong.pop();
    for bad in ["", "fsk_", &wrong, "no key at all"] {
        assert_eq!(house.people.key_holder(bad, None).unwrap(), None);
    }
    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(house.people.key_holder(secret, address).unwrap(), None);
}

#[test]
fn a_key_shrinks_ends_and_is_disabled_with_its_user() {
    let house = House::with_users();
    let people = &house.people;
    people.set_role("vic", Role::Admin).unwrap();
    let made = key(&house, "script", Some(house.id("vic")), Role::Admin);
    let role = || people.key_holder(made.secret.reveal(), None).unwrap().map(|it| it.role);
    assert_eq!(role(), Some(Role::Admin));
    people.set_role("vic", Role::Viewer).unwrap();
    assert_eq!(role(), Some(Role::Viewer));
    people.set_disabled("vic", true).unwrap();
    assert_eq!(role(), None);
    people.set_disabled("vic", false).unwrap();
    assert_eq!(role(), Some(Role::Viewer));
    people.remove_user("vic").unwrap();
    assert_eq!(role(), None);
}

#[test]
fn a_key_is_revoked_by_its_user_or_an_admin_and_never_more_than_its_user() {
    let house = House::with_users();
    let (ada, vic) = (house.id("ada"), house.id("vic"));
    let made = key(&house, "script", Some(ada), Role::Admin);
    assert!(house.people.revoke_key(made.record.id, Some(vic)).is_err());
    house.people.revoke_key(made.record.id, Some(ada)).unwrap();
    assert_eq!(house.people.key_holder(made.secret.reveal(), None).unwrap(), None);
    let (name, scopes) = ("more".to_owned(), Vec::new());
    let wanted = KeyRequest { user: Some(vic), name, role: Role::Operator, scopes, life: None };
    assert!(matches!(house.people.create_key(&wanted), Err(PeopleError::Invalid { .. })));
}

#[test]
fn the_two_person_rule_lets_one_request_pass_once_after_another_admin_agreed() {
    let house = House::with_users();
    let people = &house.people;
    assert!(people.set_two_person_rule(true).is_err(), "one admin could never act");
    people.create_user("bob", Role::Admin, Some(&secret(OTHER))).unwrap();
    people.set_two_person_rule(true).unwrap();
    let ada = house.holder(&house.sign_in("ada", PASSWORD));
    let bob = house.holder(&house.sign_in("bob", OTHER));
    let request = DestructiveRequest {
        method: "POST",
        path: "/api/cartridges/FSP001L9/format",
        body: b"{}",
        summary: "Format FSP001L9",
    };
    let other = DestructiveRequest { body: b"{ }", ..request };
    let waiting = people.pass_or_wait(&ada, &request).unwrap().unwrap();
    let again = people.pass_or_wait(&ada, &request).unwrap().unwrap();
    assert_eq!((waiting.id, waiting.state), (again.id, ApprovalState::Pending));
    assert!(people.decide(&ada, waiting.id, ApprovalState::Approved).is_err(), "not by oneself");
    people.decide(&bob, waiting.id, ApprovalState::Approved).unwrap();
    assert!(people.pass_or_wait(&bob, &request).unwrap().is_some(), "not for another person");
    assert!(people.pass_or_wait(&ada, &other).unwrap().is_some(), "not for another request");
    assert!(people.pass_or_wait(&ada, &request).unwrap().is_none());
    assert!(people.pass_or_wait(&ada, &request).unwrap().is_some(), "once");
    assert!(people.pass_or_wait(&Principal::machine(), &request).unwrap().is_none());
}

#[test]
fn a_refused_or_old_approval_is_worth_nothing() {
    let house = House::with_users();
    let people = &house.people;
    people.set_role("vic", Role::Admin).unwrap();
    people.set_two_person_rule(true).unwrap();
    let ada = house.holder(&house.sign_in("ada", PASSWORD));
    let vic = house.holder(&house.sign_in("vic", PASSWORD));
    let request =
        DestructiveRequest { method: "DELETE", path: "/api/users/x", body: b"", summary: "x" };
    let ask = || people.pass_or_wait(&ada, &request).unwrap().unwrap();
    let first = ask();
    people.decide(&vic, first.id, ApprovalState::Refused).unwrap();
    assert!(people.decide(&vic, first.id, ApprovalState::Approved).is_err());
    let second = ask();
    assert_ne!(first.id, second.id);
    house.clock.advance(Duration::from_secs(24 * 3600));
    assert!(people.decide(&vic, second.id, ApprovalState::Approved).is_err());
}

#[test]
fn preferences_are_kept_for_each_user() {
    let house = House::with_users();
    let ada = house.id("ada");
    assert_eq!(house.people.preferences(ada).unwrap(), serde_json::json!({}));
    house.people.set_preferences(ada, &serde_json::json!({"theme": "dark"})).unwrap();
    assert_eq!(house.people.preferences(ada).unwrap()["theme"], "dark");
    assert!(house.people.set_preferences(ada, &serde_json::json!([1])).is_err());
    let large = serde_json::json!({"x": "y".repeat(70_000)});
    assert!(house.people.set_preferences(ada, &large).is_err());
}

#[test]
fn nothing_that_lets_anybody_in_is_in_the_file_or_in_what_is_shown_for_debugging() {
    let house = House::with_users();
    let started = house.sign_in("ada", PASSWORD);
    let made = key(&house, "script", Some(house.id("ada")), Role::Viewer);
    let shown = format!("{:?} {started:?} {made:?}", house.people);
    let mut stored = Vec::new();
    for entry in std::fs::read_dir(house.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
        stored.extend(std::fs::read(path).unwrap());
    }
    for hidden in [PASSWORD, started.token.reveal(), made.secret.reveal()] {
        assert!(!shown.contains(hidden));
        let is_stored = stored.windows(hidden.len()).any(|bytes| bytes == hidden.as_bytes());
        assert!(!is_stored, "a secret stands in a file");
    }
}

#[test]
fn users_outlive_a_restart_and_a_damaged_file_is_named_and_left_alone() {
    let house = House::with_users();
    let path = house.folder.path().join("people.db");
    let House { people, folder, .. } = house;
    drop(people);
    let open = || People::open(folder.path(), Arc::new(VirtualClock::default()));
    assert_eq!(open().unwrap().users().unwrap().len(), 2);
    let mut content = std::fs::read(&path).unwrap();
    content[..64].fill(0xA5);
    std::fs::write(&path, &content).unwrap();
    let error = open().unwrap_err();
    assert_eq!(error.kind(), PeopleErrorKind::Broken);
    assert!(error.to_string().contains("people.db"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), content, "it must not be replaced");
}

#[test]
fn a_rule_of_second_factors_locks_nobody_out_who_can_meet_it_and_lets_nobody_in_who_does_not() {
    let house = House::with_users();
    let (ada, people) = (house.id("ada"), &house.people);
    let holder = |started: &StartedSession| {
        let session = people.session(started.token.reveal()).unwrap().unwrap();
        people.holder_of_session(&session).unwrap()
    };
    let unproven = house.sign_in("ada", PASSWORD);
    let who = holder(&unproven).unwrap();
    assert!(!who.is_factor_missing);
    // Nobody makes a rule for themselves that they cannot be seen to meet.
    for rule in [SecondFactorRule::Admins, SecondFactorRule::Everybody] {
        let refused = people.set_second_factor_rule(rule, &who).unwrap_err();
        assert_eq!(refused.kind(), PeopleErrorKind::Conflict);
    }
    people.set_second_factor_rule(SecondFactorRule::Admins, &Principal::machine()).unwrap();
    assert!(holder(&unproven).unwrap().is_factor_missing, "from the next request on");
    let vic = house.sign_in("vic", PASSWORD);
    assert!(!holder(&vic).unwrap().is_factor_missing, "she is no admin");

    let proposal = people.propose_totp(ada).unwrap();
    let code = present_code(&house, &proposal);
    let recovery = people.confirm_totp(ada, &secret(&code)).unwrap();
    assert!(holder(&unproven).is_none(), "the password alone is nobody's any more");
    house.clock.advance(Duration::from_secs(30));
    let code = present_code(&house, &proposal);
    let Ok(SignInAnswer::Started(proven)) = house.try_in("ada", PASSWORD, Some(&code)) else {
        panic!("it is right")
    };
    let who = holder(&proven).unwrap();
    assert!(!who.is_factor_missing && who.factors == Factors::Two);
    people.set_second_factor_rule(SecondFactorRule::Everybody, &who).unwrap();
    assert!(holder(&vic).unwrap().is_factor_missing);

    // The last one stays, until the rule does not want it or an admin takes it away who was asked to.
    assert_eq!(people.stop_totp(ada).unwrap_err().kind(), PeopleErrorKind::Conflict);
    let codes = people.renew_recovery_codes(ada).unwrap();
    let old = recovery[0].reveal();
    assert!(is_not_recognised(house.try_in("ada", PASSWORD, Some(old))), "worth nothing now");
    assert!(house.try_in("ada", PASSWORD, Some(codes[0].reveal())).is_ok());
    assert!(
        people.renew_recovery_codes(house.id("vic")).is_err(),
        "there is nothing to stand in for"
    );
    let new = people.change_password(
        ada,
        &secret(PASSWORD),
        &secret(OTHER),
        &from("192.0.2.1"),
        Factors::of(&proven.session),
    );
    assert!(!holder(&new.unwrap()).unwrap().is_factor_missing, "as proven as before");
    // The owner of the machine brings the last admin back.
    people.reset_password("ada", Some(&secret(PASSWORD)), SecondFactor::TakeAway).unwrap();
    assert!(holder(&house.sign_in("ada", PASSWORD)).unwrap().is_factor_missing);
    people.set_second_factor_rule(SecondFactorRule::Off, &Principal::machine()).unwrap();
    assert!(!holder(&house.sign_in("ada", PASSWORD)).unwrap().is_factor_missing);
}
