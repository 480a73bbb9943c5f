//! Evidence by ranges against a model with a row for each copy.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;

/// Copies in the model's segment.
const COPIES: u64 = 40;

/// The same rules, one row a copy, written without ranges.
#[derive(Clone)]
struct NaiveCopy {
    state: EvidenceState,
    failed: Option<(Option<JobId>, String)>,
}

fn naive(records: &[EvidenceRecord]) -> Vec<Effective> {
    let nothing = NaiveCopy { state: EvidenceState::Planned, failed: None };
    let mut copies = vec![nothing; usize::try_from(COPIES).unwrap()];
    for record in records {
        for sequence in record.range.clone() {
            let copy = &mut copies[usize::try_from(sequence).unwrap()];
            match record.act {
                EvidenceAct::Say => {
                    if record.state > copy.state {
                        copy.state = record.state;
                    }
                    if record.state >= EvidenceState::ReadBack
                        && let Some((Some(finder), _)) = &copy.failed
                        && let Some(reader) = &record.job
                        && finder != reader
                    {
                        copy.failed = None;
                    }
                }
                EvidenceAct::Revoke => {
                    if record.state < copy.state {
                        copy.state = record.state;
                    }
                }
                EvidenceAct::Fail => {
                    copy.failed = Some((record.job, record.reason.clone().unwrap()));
                }
            }
        }
    }
    copies
        .into_iter()
        .map(|copy| match copy.failed {
            Some((_, reason)) => Effective::Failed { reason },
            None => Effective::State(copy.state),
        })
        .collect()
}

fn record() -> impl Strategy<Value = EvidenceRecord> {
    let act = prop_oneof![
        4 => Just(EvidenceAct::Say), 1 => Just(EvidenceAct::Revoke), 2 => Just(EvidenceAct::Fail)
    ];
    let state = (0..EvidenceState::ALL.len()).prop_map(|index| EvidenceState::ALL[index]);
    let job = proptest::option::of((1_i64..4).prop_map(JobId));
    (act, state, 0..COPIES, 0..=COPIES, job, any::<bool>()).prop_map(
        |(act, state, a, b, job, is_first_reason)| EvidenceRecord {
            act,
            state,
            range: a.min(b)..a.max(b),
            job,
            reason: Some(if is_first_reason { "hash differs" } else { "unreadable" }.to_owned()),
        },
    )
}

proptest! {
    #[test]
    fn ranges_say_what_a_row_for_each_copy_would_say(
        records in proptest::collection::vec(record(), 0..30)
    ) {
        let model = naive(&records);
        let evidence = SegmentEvidence::of(&records);
        for (sequence, expected) in (0..).zip(&model) {
            prop_assert_eq!(&evidence.effective(sequence), expected);
        }
        let mut next = 0;
        for (range, effective) in evidence.ranges(COPIES) {
            prop_assert_eq!(range.start, next);
            prop_assert!(range.start < range.end);
            next = range.end;
            for sequence in range {
                prop_assert_eq!(&effective, &model[usize::try_from(sequence).unwrap()]);
            }
        }
        prop_assert_eq!(next, COPIES);
    }

    #[test]
    fn a_revocation_is_never_outlived_by_what_was_said_before(
        records in proptest::collection::vec(record(), 0..30)
    ) {
        let mut evidence = SegmentEvidence::of(&records);
        evidence.apply(&revoke(EvidenceState::Planned, 0..COPIES));
        for sequence in 0..COPIES {
            prop_assert_eq!(evidence.effective(sequence).state(), EvidenceState::Planned);
        }
    }
}

fn say(state: EvidenceState, range: Range<u64>, job: i64) -> EvidenceRecord {
    EvidenceRecord { act: EvidenceAct::Say, state, range, job: Some(JobId(job)), reason: None }
}

fn revoke(state: EvidenceState, range: Range<u64>) -> EvidenceRecord {
    let reason = Some("deferred error".to_owned());
    EvidenceRecord { act: EvidenceAct::Revoke, state, range, job: None, reason }
}

fn fail(range: Range<u64>, job: i64) -> EvidenceRecord {
    EvidenceRecord {
        act: EvidenceAct::Fail,
        state: EvidenceState::Planned,
        range,
        job: Some(JobId(job)),
        reason: Some("hash differs".to_owned()),
    }
}

#[test]
fn states_are_ordered_by_what_they_prove() {
    assert!(EvidenceState::ALL.is_sorted());
    assert!(Effective::State(EvidenceState::Planned) > Effective::Failed { reason: String::new() });
}

#[test]
fn the_job_that_found_a_failure_cannot_wipe_it_out() {
    let found = [say(EvidenceState::Indexed, 0..10, 1), fail(4..5, 2)];
    let mut evidence = SegmentEvidence::of(&found);
    evidence.apply(&say(EvidenceState::ReadBack, 0..10, 2));
    assert_eq!(evidence.effective(4), Effective::Failed { reason: "hash differs".to_owned() });
    assert!(evidence.effective(3).is_at_least(EvidenceState::ReadBack));
    evidence.apply(&say(EvidenceState::Indexed, 0..10, 3));
    assert!(!evidence.effective(4).is_at_least(EvidenceState::Planned));
    evidence.apply(&say(EvidenceState::ReadBack, 0..10, 3));
    assert!(evidence.effective(4).is_at_least(EvidenceState::ReadBack));
}

#[test]
fn a_deferred_error_unsays_everything_since_the_flush_and_later_words_count_again() {
    let mut evidence = SegmentEvidence::of(&[
        say(EvidenceState::Flushed, 0..100, 1),
        say(EvidenceState::Written, 100..200, 1),
        revoke(EvidenceState::Planned, 100..200),
    ]);
    assert_eq!(evidence.effective(99).state(), EvidenceState::Flushed);
    assert_eq!(evidence.effective(100).state(), EvidenceState::Planned);
    evidence.apply(&say(EvidenceState::Flushed, 100..150, 1));
    assert_eq!(evidence.effective(149).state(), EvidenceState::Flushed);
    assert_eq!(evidence.effective(150).state(), EvidenceState::Planned);
}

#[test]
fn a_file_is_as_safe_as_the_worst_of_its_parts_and_the_best_copy_of_each() {
    let state = Effective::State;
    let failed = Effective::Failed { reason: "unreadable".to_owned() };
    let parts =
        [vec![state(EvidenceState::Indexed), failed.clone()], vec![state(EvidenceState::ReadBack)]];
    assert_eq!(effective_of_file(&parts), state(EvidenceState::Indexed));
    assert_eq!(effective_of_file(&[parts[0].clone(), Vec::new()]), state(EvidenceState::Planned));
    assert_eq!(effective_of_file(&[vec![failed.clone()]]), failed);
    assert_eq!(effective_of_file(&[]), state(EvidenceState::Planned));
}
