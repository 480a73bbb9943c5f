//! Slows guessing down without locking anybody out.
//!
//! An attempt counts before it is tried, so that many at once count as many. A right one takes the count
//! of its own address and account away again. Three counts are kept:
//!
//! ```text
//! address and account   free 5    then 1 s, 2 s, 4 s … 60 s    one who guesses one password
//! address               free 30   then 1 s, 2 s, 4 s … 60 s    one who tries one password on many
//! account               free 100  then 1 s, 2 s, 4 s … 60 s    many who guess one password
//! ```
//!
//! The third one alone could keep the owner out. So it does not hold for an address from which this account
//! has signed in before, and none of them holds for a session or for the machine's own socket. 60 s a
//! guess are 1,440 guesses a day: nothing against twelve characters. Counts are forgotten an hour after
//! the last attempt, and by a restart; an attacker cannot cause one.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

/// Attempts before the first wait.
const FREE_PAIR: u32 = 5;
const FREE_ADDRESS: u32 = 30;
const FREE_ACCOUNT: u32 = 100;
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How long a count is remembered after its last attempt.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// Counts of a kind that are kept: some megabytes. The oldest goes when one more comes.
const COUNTS_MAX: usize = 20_000;

/// Whether the account has signed in from this address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Familiarity {
    Known,
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    attempts: u32,
    last: Duration,
}

/// The counts. Moments are those of a clock that never goes back.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    pairs: HashMap<(u128, String), Count>,
    addresses: HashMap<u128, Count>,
    accounts: HashMap<String, Count>,
}

impl Throttle {
    /// Counts an attempt, or says how long to wait before the next counts. `account` is the name as typed,
    /// in small letters.
    pub(super) fn attempt(
        &mut self,
        address: IpAddr,
        account: &str,
        familiarity: Familiarity,
        now: Duration,
    ) -> Result<(), Duration> {
        let network = network_of(address);
        let pair = (network, account.to_owned());
        let mut wait = wait_of(self.pairs.get(&pair), FREE_PAIR, now);
        wait = wait.max(wait_of(self.addresses.get(&network), FREE_ADDRESS, now));
        if familiarity == Familiarity::Unknown {
            wait = wait.max(wait_of(self.accounts.get(account), FREE_ACCOUNT, now));
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        count(&mut self.pairs, pair, now);
        count(&mut self.addresses, network, now);
        count(&mut self.accounts, account.to_owned(), now);
        Ok(())
    }

    /// The attempt was right: it and the wrong ones before it, from there and on this account, are
    /// forgotten.
    pub(super) fn succeeded(&mut self, address: IpAddr, account: &str) {
        let network = network_of(address);
        let pair = self.pairs.remove(&(network, account.to_owned()));
        let attempts = pair.map_or(0, |count| count.attempts);
        if let Some(count) = self.addresses.get_mut(&network) {
            count.attempts = count.attempts.saturating_sub(attempts);
        }
        if let Some(count) = self.accounts.get_mut(account) {
            count.attempts = count.attempts.saturating_sub(attempts);
        }
    }
}

/// Who has one address of IPv6 has 2⁶⁴ of them.
fn network_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(four) => u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six) >> 64 << 64,
    }
}

fn wait_of(count: Option<&Count>, free: u32, now: Duration) -> Duration {
    let Some(count) = count else { return Duration::ZERO };
    let since = now.saturating_sub(count.last);
    if count.attempts < free || since >= REMEMBERED {
        return Duration::ZERO;
    }
    let doublings = (count.attempts - free).min(10);
    let wait = Duration::from_secs(1 << doublings).min(WAIT_MAX);
    wait.saturating_sub(since)
}

fn count<K: Hash + Eq + Clone>(counts: &mut HashMap<K, Count>, key: K, now: Duration) {
    if counts.len() >= COUNTS_MAX && !counts.contains_key(&key) {
        counts.retain(|_, count| now.saturating_sub(count.last) < REMEMBERED);
        let oldest = counts.iter().min_by_key(|(_, count)| count.last).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest.filter(|_| counts.len() >= COUNTS_MAX) {
            counts.remove(&oldest);
        }
    }
    let entry = counts.entry(key).or_insert(Count { attempts: 0, last: now });
    if now.saturating_sub(entry.last) >= REMEMBERED {
        entry.attempts = 0;
    }
    entry.attempts = entry.attempts.saturating_add(1);
    entry.last = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = "192.0.2.1";

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn attempt(throttle: &mut Throttle, from: &str, who: &str, now: u64) -> Result<(), Duration> {
        throttle.attempt(from.parse().unwrap(), who, Familiarity::Unknown, at(now))
    }

    #[test]
    fn waits_double_up_to_a_minute_and_end() {
        let mut throttle = Throttle::default();
        for _ in 0..5 {
            attempt(&mut throttle, "198.51.100.9", "ada", 0).unwrap();
        }
        let mut now = 0;
        for wanted in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = attempt(&mut throttle, "198.51.100.9", "ada", now).unwrap_err();
            assert_eq!(wait, at(wanted));
            now += wanted;
            attempt(&mut throttle, "198.51.100.9", "ada", now).unwrap();
        }
        assert!(attempt(&mut throttle, "198.51.100.9", "ada", now + 59).is_err());
        attempt(&mut throttle, "198.51.100.9", "ada", now + 3600).unwrap();
        attempt(&mut throttle, "198.51.100.9", "ada", now + 3600).unwrap();
    }

    #[test]
    fn guessing_from_one_address_does_not_slow_the_owner_at_another() {
        let mut throttle = Throttle::default();
        while attempt(&mut throttle, "198.51.100.9", "ada", 0).is_ok() {}
        attempt(&mut throttle, OWNER, "ada", 0).unwrap();
    }

    #[test]
    fn guessing_from_everywhere_slows_strangers_and_not_where_the_owner_has_been_before() {
        let mut throttle = Throttle::default();
        for host in 1..=100 {
            attempt(&mut throttle, &format!("198.51.100.{host}"), "ada", 0).unwrap();
        }
        assert!(attempt(&mut throttle, "203.0.113.5", "ada", 0).is_err());
        assert!(attempt(&mut throttle, "203.0.113.5", "grace", 0).is_ok());
        let owner = OWNER.parse().unwrap();
        throttle.attempt(owner, "ada", Familiarity::Known, at(0)).unwrap();
    }

    #[test]
    fn trying_one_password_on_many_accounts_is_slowed_by_address_also_within_an_ipv6_network() {
        let mut throttle = Throttle::default();
        for number in 0..30 {
            let from = format!("2001:db8:1:2::{number:x}");
            attempt(&mut throttle, &from, &format!("user{number}"), 0).unwrap();
        }
        assert!(attempt(&mut throttle, "2001:db8:1:2:ffff::1", "ada", 0).is_err());
        assert!(attempt(&mut throttle, "2001:db8:1:3::1", "ada", 0).is_ok());
    }

    #[test]
    fn a_right_attempt_forgets_the_wrong_ones_before_it() {
        let mut throttle = Throttle::default();
        for round in 0..20 {
            for _ in 0..5 {
                attempt(&mut throttle, OWNER, "ada", round).unwrap();
            }
            throttle.succeeded(OWNER.parse().unwrap(), "ada");
        }
    }

    #[test]
    fn counts_are_bounded_however_many_addresses_try() {
        let mut throttle = Throttle::default();
        for number in 0..COUNTS_MAX + 50 {
            let from = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            let _ = throttle.attempt(from, "ada", Familiarity::Known, at(1));
        }
        assert_eq!((throttle.pairs.len(), throttle.addresses.len()), (COUNTS_MAX, COUNTS_MAX));
    }
}
