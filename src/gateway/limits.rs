//! What one address, and all together, may ask for: connections, requests, sizes, times.
//!
//! Requests are counted by a bucket an address: it holds a burst and fills at a steady rate. An IPv6
//! client owns a whole /64 network, so that is what counts as one address there. Whether a password is
//! tried too often is the engine's to decide, which knows users.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::domain::{Clock, GIB};

/// Addresses of which something is remembered; above this, those with full buckets are forgotten.
const ADDRESSES_REMEMBERED: usize = 4096;

/// What clients may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Largest body of a request; the engine has its own, smaller ones for each kind.
    pub body_bytes_max: u64,
    /// Requests a second from one address, for long.
    pub requests_per_second: f64,
    /// Requests from one address at once.
    pub requests_burst: f64,
    /// Connections from one address.
    pub connections_per_address: usize,
    /// Connections of all.
    pub connections_max: usize,
    /// Requests that the engine has to answer at one time. Fewer than it takes connections, so that its
    /// own socket stays open to the command line.
    pub engine_requests_max: usize,
    /// For the head of a request, counted from the end of the one before, and for a TLS handshake.
    pub head_time: Duration,
    /// For the next piece of a body, each way.
    pub stall_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // Chosen, no data yet: a console asks some five times a second, a script in a loop some hundred.
        // An update bundle is some hundred megabytes.
        Self {
            body_bytes_max: 2 * GIB,
            requests_per_second: 300.0,
            requests_burst: 600.0,
            connections_per_address: 64,
            connections_max: 1024,
            engine_requests_max: 192,
            head_time: Duration::from_secs(20),
            stall_time: Duration::from_secs(30),
        }
    }
}

/// Those who are connected or were a moment ago.
#[derive(Debug)]
pub(super) struct Visitors {
    limits: Limits,
    clock: Arc<dyn Clock>,
    accounts: Mutex<HashMap<IpAddr, Account>>,
}

#[derive(Debug)]
struct Account {
    connections: usize,
    /// Requests that may come at once.
    tokens: f64,
    counted_at: Duration,
}

/// One connection of an address; dropping it ends it.
#[derive(Debug)]
pub(super) struct Visit {
    visitors: Arc<Visitors>,
    address: IpAddr,
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(account) = self.visitors.accounts.lock().get_mut(&self.address) {
            account.connections -= 1;
        }
    }
}

impl Visitors {
    pub(super) fn new(limits: Limits, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { limits, clock, accounts: Mutex::default() })
    }

    /// Lets a connection in, unless the address has too many.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Visit> {
        let (address, now) = (counted_as(address), self.clock.elapsed());
        let mut accounts = self.accounts.lock();
        if accounts.len() >= ADDRESSES_REMEMBERED {
            accounts.retain(|_, account| {
                account.refill(&self.limits, now);
                account.connections > 0 || account.tokens < self.limits.requests_burst
            });
        }
        let account = accounts.entry(address).or_insert(Account {
            connections: 0,
            tokens: self.limits.requests_burst,
            counted_at: now,
        });
        if account.connections >= self.limits.connections_per_address {
            return None;
        }
        account.connections += 1;
        Some(Visit { visitors: Arc::clone(self), address })
    }
}

impl Visit {
    /// Counts a request.
    ///
    /// # Errors
    /// There were too many; a request is answered again after this time.
    pub(super) fn ask(&self) -> Result<(), Duration> {
        let Visitors { limits, clock, accounts } = &*self.visitors;
        let mut accounts = accounts.lock();
        let Some(account) = accounts.get_mut(&self.address) else { return Ok(()) };
        account.refill(limits, clock.elapsed());
        if account.tokens < 1.0 {
            return Err(Duration::from_secs_f64(
                (1.0 - account.tokens) / limits.requests_per_second,
            ));
        }
        account.tokens -= 1.0;
        Ok(())
    }
}

impl Account {
    fn refill(&mut self, limits: &Limits, now: Duration) {
        let gained = now.saturating_sub(self.counted_at).as_secs_f64() * limits.requests_per_second;
        self.tokens = (self.tokens + gained).min(limits.requests_burst);
        self.counted_at = now;
    }
}

/// The address that is counted.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::VirtualClock;

    fn visitors(limits: Limits) -> (Arc<Visitors>, Arc<VirtualClock>) {
        let clock = Arc::new(VirtualClock::default());
        (Visitors::new(limits, Arc::<VirtualClock>::clone(&clock)), clock)
    }

    #[test]
    fn a_burst_is_answered_then_the_steady_rate() {
        let limits = Limits { requests_per_second: 2.0, requests_burst: 3.0, ..Limits::default() };
        let (visitors, clock) = visitors(limits);
        let visit = visitors.enter("192.0.2.1".parse().unwrap()).unwrap();
        let answered = (0..5).filter(|_| visit.ask().is_ok()).count();
        assert_eq!(answered, 3);
        assert_eq!(visit.ask(), Err(Duration::from_millis(500)));
        clock.advance(Duration::from_millis(500));
        assert!(visit.ask().is_ok() && visit.ask().is_err());
        let other = visitors.enter("192.0.2.2".parse().unwrap()).unwrap();
        assert!(other.ask().is_ok(), "another address has a bucket of its own");
        clock.advance(Duration::from_secs(3600));
        assert_eq!((0..5).filter(|_| visit.ask().is_ok()).count(), 3, "the burst is the most");
    }

    #[test]
    fn closing_and_connecting_again_gains_nothing() {
        let limits = Limits { requests_burst: 1.0, ..Limits::default() };
        let (visitors, _clock) = visitors(limits);
        let address = "192.0.2.1".parse().unwrap();
        assert!(visitors.enter(address).unwrap().ask().is_ok());
        assert!(visitors.enter(address).unwrap().ask().is_err());
    }

    #[test]
    fn an_address_has_so_many_connections_and_an_ipv6_network_is_one_address() {
        let limits = Limits { connections_per_address: 2, ..Limits::default() };
        let (visitors, _clock) = visitors(limits);
        let first = visitors.enter("2001:db8::1".parse().unwrap()).unwrap();
        let _second = visitors.enter("2001:db8::2".parse().unwrap()).unwrap();
        assert!(visitors.enter("2001:db8::3".parse().unwrap()).is_none());
        assert!(visitors.enter("2001:db8:0:1::1".parse().unwrap()).is_some());
        drop(first);
        assert!(visitors.enter("2001:db8::3".parse().unwrap()).is_some());
    }

    #[test]
    fn what_is_remembered_of_those_who_left_does_not_grow_without_end() {
        let (visitors, clock) = visitors(Limits::default());
        for number in 0..20_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            drop(visitors.enter(address));
            clock.advance(Duration::from_millis(1));
        }
        assert!(visitors.accounts.lock().len() <= ADDRESSES_REMEMBERED);
    }
}
