//! Looks whether a log is whole: the open one, or an export with nothing but a public key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entry::{Entry, hash_after, sealed};
use super::export::{ExportEnd, ExportHead, FORMAT, VERSION};
use crate::domain::Sha256Digest;
use crate::keys::{DetachedSignature, PinnedKeys, Purpose, SignatureVerdict};

/// Findings that are listed; further ones are counted only.
const FINDINGS_MAX: usize = 20;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// An entry is missing before this one, or they were exchanged.
    OutOfOrder,
    /// The entry is not what was hashed, or is no entry.
    Changed,
    /// The seal does not fit, or no trusted key made it.
    BadSeal,
    /// A seal is missing: entries were taken off the end, or seals were taken away.
    SealMissing,
    /// The file is cut or is no export.
    Cut,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// At which entry.
    pub number: i64,
    /// What.
    pub fault: Fault,
}

/// What a look at a log showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// True if nothing is wrong.
    pub is_whole: bool,
    /// Entries that were looked at.
    pub entries: u64,
    /// Seals and signatures that fit.
    pub seals: u64,
    /// The hash of the last entry: a later log of the same appliance has it too.
    pub head: Sha256Digest,
    /// What is wrong, the first ones.
    pub findings: Vec<Finding>,
    /// How much is wrong altogether.
    pub findings_total: u64,
}

/// Follows a chain from its beginning.
#[derive(Debug)]
pub(super) struct Chain {
    number: i64,
    hash: [u8; 32],
    sealed_number: i64,
    entries: u64,
    seals: u64,
    findings: Vec<Finding>,
    findings_total: u64,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            hash: [0; 32],
            sealed_number: 0,
            entries: 0,
            seals: 0,
            findings: Vec::new(),
            findings_total: 0,
        }
    }

    /// The next entry: what it says, and the hash that stands beside it, where one does.
    pub(super) fn entry(&mut self, number: i64, content: &str, stored: Option<&[u8; 32]>) {
        let told: Option<Entry> = serde_json::from_str(content).ok();
        if number != self.number + 1 || told.as_ref().is_some_and(|told| told.number != number) {
            self.found(number, Fault::OutOfOrder);
        }
        let hash = hash_after(&self.hash, content);
        // The line must be the one that we would write: no other text may mean the same.
        let is_ours = told.is_some_and(|told| told.line() == content);
        if !is_ours || stored.is_some_and(|stored| *stored != hash) {
            self.found(number, Fault::Changed);
        }
        // From what stands beside it, so that one change is one finding.
        (self.number, self.hash) = (number, stored.copied().unwrap_or(hash));
        self.entries += 1;
    }

    /// A seal at the entry before.
    pub(super) fn seal(&mut self, seal: Option<&DetachedSignature>, pinned: &PinnedKeys) {
        let digest = sealed(self.number, &self.hash);
        let verdict = seal.map(|seal| seal.verify(Purpose::AuditLog, &digest, pinned));
        if matches!(verdict, Some(SignatureVerdict::Trusted { .. })) {
            self.seals += 1;
        } else {
            self.found(self.number, Fault::BadSeal);
        }
        self.sealed_number = self.number;
    }

    /// The entry before must have had a seal.
    pub(super) fn needs_seal(&mut self) {
        if self.sealed_number != self.number {
            self.found(self.number, Fault::SealMissing);
        }
    }

    /// Seals of entries that are not there any more.
    pub(super) fn rest_of_seals(&mut self, count: usize) {
        for _ in 0..count {
            self.found(self.number, Fault::BadSeal);
        }
    }

    fn found(&mut self, number: i64, fault: Fault) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { number, fault });
        }
    }

    pub(super) fn report(self) -> Report {
        Report {
            is_whole: self.findings_total == 0,
            entries: self.entries,
            seals: self.seals,
            head: Sha256Digest(self.hash),
            findings: self.findings,
            findings_total: self.findings_total,
        }
    }
}

/// Looks at an export with keys that were trusted before it was seen.
#[must_use]
pub fn verify_export(bytes: &[u8], pinned: &PinnedKeys) -> Report {
    let mut chain = Chain::new();
    if chain.export(bytes, pinned).is_none() {
        chain.found(chain.number, Fault::Cut);
    }
    chain.report()
}

impl Chain {
    /// Nothing if the text is no whole export.
    fn export(&mut self, bytes: &[u8], pinned: &PinnedKeys) -> Option<()> {
        let text = std::str::from_utf8(bytes).ok()?;
        let whole = text.strip_suffix('\n')?;
        let (signed, last) = whole.split_at(whole.rfind('\n')? + 1);
        let end: ExportEnd = serde_json::from_str(last).ok()?;
        let mut lines = signed.lines();
        let head: ExportHead = serde_json::from_str(lines.next()?).ok()?;
        if head.format != FORMAT || head.version != VERSION {
            return None;
        }
        for line in lines {
            let told: Option<Entry> = serde_json::from_str(line).ok();
            self.entry(told.map_or(self.number + 1, |told| told.number), line, None);
        }
        let digest = Sha256Digest(Sha256::digest(signed.as_bytes()).into());
        let verdict = end.signature.verify(Purpose::AuditLog, &digest, pinned);
        let is_told = end.entries == self.entries && end.head == Sha256Digest(self.hash);
        if is_told && matches!(verdict, SignatureVerdict::Trusted { .. }) {
            self.seals += 1;
        } else {
            self.found(self.number, Fault::BadSeal);
        }
        Some(())
    }
}
