//! Evidence that no tape shows: takes over what earlier verifications of a segment have found.
//!
//! A receipt counts if its signature is trusted and it is about the same manifest, the same number of
//! copies and the same cartridge. Later ones override earlier ones: a file that failed once and was read
//! well by a later verification is well.

use std::collections::BTreeMap;

use crate::catalog::{CopyId, Effective, EventLevel, EvidenceState, SegmentId};
use crate::domain::{RunId, Sha256Digest, VolumeUuid};
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;
use crate::jobs::verify::Receipt;

/// The segment that receipts are wanted for.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    pub(super) segment: SegmentId,
    pub(super) run: &'a RunId,
    pub(super) volume: VolumeUuid,
    pub(super) manifest: Sha256Digest,
    pub(super) medium_serial: Option<&'a str>,
    /// True if the catalog knew nothing of it before: only then failures are taken over too.
    pub(super) is_new: bool,
}

/// Says what the receipts of a segment prove.
///
/// # Errors
/// If the catalog cannot be read or written.
pub(super) fn apply(context: &JobContext, subject: &Subject<'_>) -> Result<(), JobError> {
    let parts = &context.parts;
    let folder = parts.folders.receipts(subject.run);
    let (receipts, refused) = Receipt::read_all(&folder, subject.volume, parts.keys.pinned());
    for reason in refused {
        let message = format!("a receipt of run {} is not believed: {reason}", subject.run);
        context.tell(EventLevel::Warning, "receipt_refused", message);
    }
    let copies = parts.catalog.segment(subject.segment)?.checkpoint.sequence;
    let receipts: Vec<_> = receipts
        .into_iter()
        .filter(|receipt| {
            receipt.manifest_sha256 == subject.manifest
                && receipt.copies == copies
                && receipt.medium_serial.as_deref() == subject.medium_serial
        })
        .collect();
    let Some(newest) = receipts.last().map(|receipt| receipt.read) else { return Ok(()) };
    let found = Found::of(&receipts, copies);
    let job = Some(context.id);
    if subject.is_new && !found.failed.is_empty() {
        let failed = found.failed.into_iter();
        let failed: Vec<_> =
            failed.map(|(at, reason)| (CopyId::new(subject.segment, at), reason)).collect();
        parts.catalog.fail_copies(&failed, newest, job)?;
    }
    let known = parts.catalog.segment_evidence(subject.segment)?.ranges(copies);
    for (from, to) in found.good {
        for (range, effective) in &known {
            // What is called failed now was called so by somebody who may know better.
            let Effective::State(state) = effective else { continue };
            let both = from.max(range.start)..to.min(range.end);
            if *state >= EvidenceState::ReadBack || both.is_empty() {
                continue;
            }
            let read_back = EvidenceState::ReadBack;
            parts.catalog.say_evidence(subject.segment, read_back, both, newest, job)?;
        }
    }
    Ok(())
}

/// The sum of some receipts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Ranges in order.
    good: Vec<(u64, u64)>,
    failed: BTreeMap<u64, String>,
}

impl Found {
    /// The sum, later receipts over earlier ones.
    fn of(receipts: &[Receipt], copies: u64) -> Self {
        let mut good: Vec<(u64, u64)> = Vec::new();
        let mut failed = BTreeMap::new();
        for receipt in receipts {
            for &(from, to) in &receipt.read_back {
                failed.retain(|at, _| !(from..to).contains(at));
                good.push((from, to.min(copies)));
            }
            for (at, reason) in &receipt.failed {
                good = good.into_iter().flat_map(|range| without(range, *at)).collect();
                failed.insert(*at, reason.clone());
            }
        }
        good.sort_unstable();
        Self { good, failed }
    }
}

/// A range without one number.
fn without((from, to): (u64, u64), at: u64) -> Vec<(u64, u64)> {
    if !(from..to).contains(&at) {
        return vec![(from, to)];
    }
    [(from, at), (at + 1, to)].into_iter().filter(|(from, to)| from < to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_cut_out_of_a_range() {
        assert_eq!(without((3, 6), 4), [(3, 4), (5, 6)]);
        assert_eq!(without((3, 6), 3), [(4, 6)]);
        assert_eq!(without((3, 6), 6), [(3, 6)]);
        assert_eq!(without((3, 4), 3), []);
    }
}
