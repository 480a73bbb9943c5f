//! Who has which drive, and whose turn it is when one gets free.
//!
//! Of those who wait, the one with the highest priority gets it, and among equals the one who has waited
//! longest. A drive that nobody with a better claim could use is not kept free for them.

use parking_lot::MutexGuard;

use super::{BayGuard, DRIVE_WAIT, DriveBay, Equipment, EquipmentError};
use crate::catalog::Priority;
use crate::domain::{JobId, Timestamp};

/// Who asks for a drive. Whatever says whether it has to stop may ask, with the usual priority.
pub trait Claimant {
    /// True once it does not want one any more.
    fn is_stopped(&self) -> bool;

    /// The job, if it is one.
    fn job(&self) -> Option<JobId> {
        None
    }

    /// Its priority now: a person may change it while it waits.
    fn priority(&self) -> Priority {
        Priority::default()
    }

    /// Told once when it has to wait for its turn, and once when it need not any more.
    fn tell(&self, _turn: Turn) {}
}

impl<F: Fn() -> bool> Claimant for F {
    fn is_stopped(&self) -> bool {
        self()
    }
}

/// Where a claimant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Others come first.
    Waits,
    /// It has a drive.
    Has,
}

/// A drive that somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job; none for a short question by the appliance itself.
    pub job: Option<JobId>,
    /// Since when.
    pub since: Timestamp,
}

/// Whether to wait for a drive that another one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until there is one, or the claimant has to stop.
    Waits,
    /// Not at all.
    None,
}

/// A better claim is a smaller one: first the priority, then who came first.
type Claim = (Priority, u64);

/// All drives and those who wait for them.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: Vec<Option<Lease>>,
    waiting: Vec<Waiting>,
    tickets: u64,
}

#[derive(Debug)]
struct Waiting {
    claim: Claim,
    job: Option<JobId>,
    /// Which drives it could use.
    suits: Vec<bool>,
}

impl Leases {
    /// So many drives, nobody's.
    pub(super) fn of(drives: usize) -> Self {
        Self { held: vec![None; drives], ..Self::default() }
    }

    fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// The first free drive that suits and that nobody with a better claim waits for.
    fn choose(&self, suits: &[bool], claim: Claim) -> Option<usize> {
        let is_free = |bay: &usize| {
            let is_wanted = |waiting: &Waiting| waiting.suits[*bay] && waiting.claim < claim;
            suits[*bay] && self.held[*bay].is_none() && !self.waiting.iter().any(is_wanted)
        };
        (0..self.held.len()).find(is_free)
    }

    fn wait_as(&mut self, claim: Claim, job: Option<JobId>, suits: &[bool]) {
        self.leave(claim.1);
        self.waiting.push(Waiting { claim, job, suits: suits.to_vec() });
    }

    fn leave(&mut self, ticket: u64) {
        self.waiting.retain(|waiting| waiting.claim.1 != ticket);
    }
}

impl Equipment {
    /// Who has a drive; nobody if nothing is told.
    #[must_use]
    pub fn lease(&self, bay: usize) -> Option<Lease> {
        self.leases.lock().held.get(bay).copied().flatten()
    }

    /// Lets a new priority of a job count at once, should it wait for a drive.
    pub(in crate::jobs) fn prioritise(&self, job: JobId, priority: Priority) {
        let mut leases = self.leases.lock();
        let of_job = leases.waiting.iter_mut().filter(|waiting| waiting.job == Some(job));
        of_job.for_each(|waiting| waiting.claim.0 = priority);
        drop(leases);
        self.given_back.notify_all();
    }

    /// Takes one drive if nobody has it, whoever waits for it.
    pub(super) fn try_take(
        self: &std::sync::Arc<Self>,
        bay: usize,
        job: Option<JobId>,
    ) -> Option<BayGuard> {
        let mut leases = self.leases.lock();
        let slot = leases.held.get_mut(bay).filter(|held| held.is_none())?;
        *slot = Some(Lease { job, since: self.clock.now() });
        Some(BayGuard { equipment: std::sync::Arc::clone(self), bay })
    }

    /// Takes the first free drive that `suits`, in its turn; nothing if there is none and it does not wait.
    pub(super) fn take(
        self: &std::sync::Arc<Self>,
        suits: &dyn Fn(&DriveBay) -> bool,
        claimant: &dyn Claimant,
        patience: Patience,
    ) -> Result<Option<BayGuard>, EquipmentError> {
        let suits: Vec<bool> = self.bays().iter().map(suits).collect();
        if !suits.contains(&true) {
            return Err(EquipmentError::NoSuitableDrive);
        }
        let mut leases = self.leases.lock();
        let ticket = leases.ticket();
        let mut has_waited = false;
        let taken = loop {
            let claim = (claimant.priority(), ticket);
            if let Some(bay) = leases.choose(&suits, claim) {
                let since = self.clock.now();
                leases.held[bay] = Some(Lease { job: claimant.job(), since });
                break Ok(Some(BayGuard { equipment: std::sync::Arc::clone(self), bay }));
            }
            if patience == Patience::None {
                return Ok(None);
            }
            if claimant.is_stopped() {
                break Err(EquipmentError::Stopped);
            }
            leases.wait_as(claim, claimant.job(), &suits);
            if !std::mem::replace(&mut has_waited, true) {
                MutexGuard::unlocked(&mut leases, || claimant.tell(Turn::Waits));
                continue;
            }
            self.given_back.wait_for(&mut leases, DRIVE_WAIT);
        };
        leases.leave(ticket);
        drop(leases);
        if has_waited {
            // One that stood behind it may have a turn at another drive.
            self.given_back.notify_all();
            claimant.tell(Turn::Has);
        }
        taken
    }

    pub(super) fn give_back(&self, bay: usize) {
        self.leases.lock().held[bay] = None;
        self.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_goes_to_the_highest_priority_then_to_who_came_first() {
        let mut leases = Leases::of(2);
        let lease = Lease { job: None, since: Timestamp::default() };
        leases.held[0] = Some(lease);
        let (both, second) = ([true, true], [false, true]);
        let (low, usual, high) = ((Priority::Low, 1), (Priority::Normal, 2), (Priority::High, 3));
        leases.wait_as(low, None, &both);
        leases.wait_as(usual, None, &both);
        leases.wait_as(high, None, &[true, false]);
        assert_eq!(leases.choose(&both, low), None, "the usual one comes first");
        assert_eq!(leases.choose(&both, usual), Some(1), "the high one cannot use that drive");
        assert_eq!(leases.choose(&second, (Priority::Normal, 4)), None, "it came later");
        // A person says that the first one is the most urgent.
        leases.wait_as((Priority::High, 1), None, &both);
        assert_eq!(leases.choose(&both, usual), None);
        assert_eq!(leases.choose(&both, (Priority::High, 1)), Some(1));
        leases.leave(1);
        leases.held[0] = None;
        assert_eq!(
            leases.choose(&both, usual),
            Some(1),
            "the first drive is kept for the high one"
        );
        assert_eq!(leases.choose(&[true, false], high), Some(0));
    }
}
