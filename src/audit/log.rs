//! The log itself: added to, searched, verified, exported.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::entry::{Entry, Event, hash_after, sealed};
use super::export::Export;
use super::verify::{Chain, Report};
use crate::catalog::StoreError;
use crate::catalog::audit_log::{AuditStore, EntryFilter, EntryKeys, StoredEntry};
use crate::catalog::snapshot::AUDIT_FILE;
use crate::domain::Clock;
use crate::keys::{DetachedSignature, KeyStore, PinnedKeys, Purpose};

/// Every so many entries a seal stays for good; the newest always has one.
const SEAL_EVERY: i64 = 256;
/// Refusals of strangers that are kept of a minute: enough to see what is tried, 30 MB a day at most.
const REFUSALS_A_MINUTE: u32 = 60;
/// Entries that are read at one time when all are.
const PAGE: usize = 1000;

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file.
    #[error("the audit log cannot be used")]
    Store(#[from] StoreError),
    /// An entry that is no entry.
    #[error("entry {number} of the audit log cannot be read; verify it")]
    Unreadable {
        /// Which.
        number: i64,
    },
}

/// The open log.
#[derive(Debug)]
pub struct AuditLog {
    store: AuditStore,
    keys: Arc<KeyStore>,
    clock: Arc<dyn Clock>,
    /// The last addition failed: nothing more is changed before one succeeds.
    is_failing: AtomicBool,
    flood: Mutex<Flood>,
    /// What was last found when all of it was gone through, and when.
    verified: Mutex<Option<(Duration, Report)>>,
}

/// Refusals of the present minute.
#[derive(Debug, Default)]
struct Flood {
    minute: u64,
    kept: u32,
    /// Since the last one that was kept.
    unlisted: u64,
}

impl AuditLog {
    /// Opens the log of a data folder, or begins it.
    ///
    /// # Errors
    /// The file is damaged or cannot be used.
    pub fn open(
        data: &Path,
        keys: Arc<KeyStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuditError> {
        let store = AuditStore::open(&data.join(AUDIT_FILE))?;
        Ok(Self {
            store,
            keys,
            clock,
            is_failing: AtomicBool::new(false),
            flood: Mutex::default(),
            verified: Mutex::default(),
        })
    }

    /// Adds what happened. When this returns, it is on stable storage.
    ///
    /// # Errors
    /// It cannot be stored; [`AuditLog::ensure_usable`] then refuses until an addition succeeds.
    pub fn add(&self, event: &Event) -> Result<i64, AuditError> {
        let at = self.clock.now();
        let keys =
            EntryKeys { at, actor: &event.actor, action: &event.action, outcome: &event.outcome };
        let make = |last: Option<&StoredEntry>| {
            let number = last.map_or(1, |last| last.number + 1);
            let content = Entry::of(number, at, event).line();
            let hash = hash_after(&last.map_or([0; 32], |last| last.hash), &content);
            let seal = self.keys.sign(Purpose::AuditLog, &sealed(number, &hash));
            let seal = String::from_utf8_lossy(&seal.to_json()).into_owned();
            (StoredEntry { number, content, hash }, seal)
        };
        let added = self.store.add(&keys, make, |number| number % SEAL_EVERY == 0);
        self.is_failing.store(added.is_err(), Ordering::SeqCst);
        Ok(added?)
    }

    /// Adds that somebody was refused. Whoever is not known can cause these without end, so only some are
    /// kept of each minute, and the next one says how many were not.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn add_refusal(&self, event: &Event) -> Result<(), AuditError> {
        let minute = self.clock.elapsed().as_secs() / 60;
        let unlisted = {
            let mut flood = self.flood.lock();
            if flood.minute != minute {
                (flood.minute, flood.kept) = (minute, 0);
            }
            if flood.kept >= REFUSALS_A_MINUTE {
                flood.unlisted += 1;
                return Ok(());
            }
            flood.kept += 1;
            std::mem::take(&mut flood.unlisted)
        };
        let mut event = event.clone();
        if unlisted > 0 {
            event.object.push_str(&format!(" (and {unlisted} like it that are not listed)"));
        }
        self.add(&event)?;
        Ok(())
    }

    /// Refuses while nothing can be added: what cannot be noted must not be done. Tries again first.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn ensure_usable(&self) -> Result<(), AuditError> {
        if !self.is_failing.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.add(&Event {
            actor: "system".to_owned(),
            address: "local".to_owned(),
            request_id: String::new(),
            action: "the audit log goes on".to_owned(),
            object: String::new(),
            outcome: "ok".to_owned(),
            status: 0,
        })?;
        Ok(())
    }

    /// Entries that `filter` wants, the newest first, below `before`, at most `limit`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(
        &self,
        filter: &EntryFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Entry>, AuditError> {
        let found = self.store.find(filter, before, limit)?;
        let read = |stored: &StoredEntry| {
            serde_json::from_str(&stored.content)
                .map_err(|_| AuditError::Unreadable { number: stored.number })
        };
        found.iter().map(read).collect()
    }

    /// Goes through all of it: the chain, the order, the seals, the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn verify(&self) -> Result<Report, AuditError> {
        let report = self.verify_with(self.keys.pinned())?;
        *self.verified.lock() = Some((self.clock.elapsed(), report.clone()));
        Ok(report)
    }

    /// What was last found, if that is no longer ago than `age`; else it is gone through again.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn verified_within(&self, age: Duration) -> Result<Report, AuditError> {
        let last = self.verified.lock().clone();
        let now = self.clock.elapsed();
        match last.filter(|(at, _)| now.saturating_sub(*at) <= age) {
            Some((_, report)) => Ok(report),
            None => self.verify(),
        }
    }

    fn verify_with(&self, pinned: &PinnedKeys) -> Result<Report, AuditError> {
        let mut chain = Chain::new();
        let mut seals = self.store.seals()?.into_iter().peekable();
        self.each_page(|entries| {
            for entry in entries {
                chain.entry(entry.number, &entry.content, Some(&entry.hash));
                while let Some((_, seal)) = seals.next_if(|(number, _)| *number <= entry.number) {
                    let seal = DetachedSignature::parse(seal.as_bytes()).ok();
                    chain.seal(seal.as_ref(), pinned);
                }
                if entry.number % SEAL_EVERY == 0 {
                    chain.needs_seal();
                }
            }
        })?;
        chain.needs_seal();
        chain.rest_of_seals(seals.count());
        Ok(chain.report())
    }

    /// All of it with a signature, for whoever has to check it without the appliance.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn export(&self) -> Result<Vec<u8>, AuditError> {
        let mut export = Export::begin(self.clock.now(), self.keys.key_id());
        self.each_page(|entries| {
            for entry in entries {
                export.entry(&entry.content);
            }
        })?;
        Ok(export.sign(&self.keys))
    }

    fn each_page(&self, mut visit: impl FnMut(&[StoredEntry])) -> Result<(), AuditError> {
        let mut after = i64::MIN;
        loop {
            let entries = self.store.entries(after, PAGE)?;
            visit(&entries);
            match entries.last() {
                Some(last) => after = last.number,
                None => return Ok(()),
            }
        }
    }
}
