//! What was found of copies that were read.
//!
//! A verification records it together with the place from which it goes on, both or neither. If a kill came
//! between the two, the job would read the same copies again. Copies that it had called
//! failed and that are readable now would stay failed, since a job does not take back what it found; and
//! it would end without a word of them.

use std::ops::Range;

use rusqlite::Connection;

use crate::domain::{JobId, Timestamp};

use super::Catalog;
use super::error::CatalogError;
use super::evidence::{EvidenceAct, EvidenceRecord, EvidenceState};
use super::evidence_store::{append, checkpoint_of, say};
use super::ids::{CopyId, SegmentId};
use super::jobs::{HowFar, store_how_far};

impl Catalog {
    /// Records that copies were found bad, each with its reason, in one transaction.
    ///
    /// # Errors
    /// `NotFound` for an unknown segment.
    pub fn fail_copies(
        &self,
        failures: &[(CopyId, String)],
        at: Timestamp,
        job: Option<JobId>,
    ) -> Result<(), CatalogError> {
        self.write("record failed copies", |transaction| fail(transaction, failures, at, job))
    }

    /// Records the ranges of a segment's copies that were read back, the copies that were found bad with
    /// the reason of each, and how far the job is that has read them: in one transaction.
    ///
    /// # Errors
    /// `Misuse` if a range goes beyond the segment's checkpoint, `NotFound` for an unknown segment or job.
    pub fn settle_reading(
        &self,
        segment: SegmentId,
        read_back: &[Range<u64>],
        failed: &[(CopyId, String)],
        how_far: &HowFar,
    ) -> Result<(), CatalogError> {
        let (at, job) = (how_far.at, Some(how_far.job));
        self.write("record what was read", |transaction| {
            for range in read_back {
                let state = EvidenceState::ReadBack;
                say(transaction, segment, state, range, at, job)?;
            }
            fail(transaction, failed, at, job)?;
            store_how_far(transaction, how_far)
        })
    }
}

/// Records copies that were found bad.
fn fail(
    connection: &Connection,
    failures: &[(CopyId, String)],
    at: Timestamp,
    job: Option<JobId>,
) -> Result<(), CatalogError> {
    for (copy, reason) in failures {
        checkpoint_of(connection, copy.segment())?;
        let record = EvidenceRecord {
            act: EvidenceAct::Fail,
            state: EvidenceState::Planned,
            range: copy.sequence()..copy.sequence() + 1,
            job,
            reason: Some(reason.clone()),
        };
        append(connection, copy.segment(), &record, at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::test_support::{at, empty, push_file, set, start_run, volume, writer};
    use super::super::{CatalogErrorKind, CopyId, EvidenceState, RunKind};
    use super::HowFar;
    use crate::domain::{CopyLetter, JobId};

    #[test]
    fn what_was_found_and_how_far_the_job_is_are_stored_together_or_not_at_all() {
        let (catalog, _folder) = empty();
        let run = start_run(&catalog, "r1", RunKind::Full, 100);
        let segment = catalog.begin_segment(&run, volume(&catalog, 1), CopyLetter::A).unwrap();
        let mut writing = writer(&catalog, segment);
        push_file(&mut writing, b"good", 5, 1);
        push_file(&mut writing, b"bad", 5, 1);
        push_file(&mut writing, b"good too", 5, 1);
        writing.checkpoint(3, None, at(101), None).unwrap();
        let failed = [(CopyId::new(segment, 1), "unreadable".to_owned())];
        let how_far = |job| HowFar {
            job,
            progress: json!({ "files": 2 }),
            checkpoint: json!(["here"]),
            at: at(102),
        };
        let state = |path: &[u8]| {
            let version = catalog.versions(&set(), path).unwrap().remove(0).version;
            (version.evidence.is_at_least(EvidenceState::ReadBack), version.evidence.state())
        };
        let nobody = how_far(JobId(99));
        let good = [0..1, 2..3];
        let refused = catalog.settle_reading(segment, &good, &failed, &nobody);
        assert_eq!(refused.unwrap_err().kind(), CatalogErrorKind::NotFound);
        assert_eq!(state(b"good"), (false, EvidenceState::Flushed));
        assert_eq!(state(b"bad"), (false, EvidenceState::Flushed));
        let job = catalog.create_job("verify", &json!({}), at(101)).unwrap();
        catalog.settle_reading(segment, &good, &failed, &how_far(job)).unwrap();
        assert_eq!(state(b"good"), (true, EvidenceState::ReadBack));
        assert_eq!(state(b"bad"), (false, EvidenceState::Planned));
        assert_eq!(catalog.job(job).unwrap().checkpoint, Some(json!(["here"])));
    }
}
