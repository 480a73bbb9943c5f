//! An update that did not come to stay is told of: the machine went back by itself, or it was never written
//! whole. Nobody sat before it then; the reason of the failed boot is in the alert.
//!
//! The history is the boot state's and outlives the databases, so only its newest entry is told of, once.

use super::watch::report;
use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{PastUpdate, UpdateOutcome, UpdatesState};
use crate::catalog::alerts::AlertReport;
use crate::health::Kind;

/// Where the watch is in the history of updates: the second at which the newest one was decided.
const PLACE: &str = "updates";

impl Service {
    /// Tells of the newest update, if that was not done before.
    pub(super) fn tell_of_update(&self, state: &UpdatesState) -> Result<(), EngineError> {
        let Some(newest) = state.history.first() else { return Ok(()) };
        let decided = newest.at.seconds;
        // Not "later than": a machine without a clock of its own has known later ones.
        if self.health.place(PLACE).map_err(answers::health)? == decided {
            return Ok(());
        }
        if let Some(report) = left(newest) {
            self.health.happened(Kind::UpdateLeft, &report).map_err(answers::health)?;
        }
        self.health.set_place(PLACE, decided).map_err(answers::health)
    }
}

/// What is told of an update that is not what runs, and that nobody has chosen to leave.
fn left(past: &PastUpdate) -> Option<AlertReport> {
    let PastUpdate { version, before, .. } = past;
    let why = past.reason.as_deref().unwrap_or("it is not known why");
    let (sentence, next_step) = match past.outcome {
        UpdateOutcome::Good | UpdateOutcome::RolledBack => return None,
        UpdateOutcome::WentBack => (
            format!(
                "The update to {version} did not work, and the machine went back to {before}: {why}."
            ),
            "It is not tried again by itself. Save the log, and look for a later version.",
        ),
        UpdateOutcome::Interrupted => (
            format!("The update to {version} was not written whole; {before} goes on: {why}."),
            "Install it again: it begins anew.",
        ),
    };
    Some(report(Kind::UpdateLeft, &version.to_string(), sentence, next_step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    fn past(outcome: UpdateOutcome, reason: Option<&str>) -> PastUpdate {
        PastUpdate {
            at: Timestamp { seconds: 1, nanoseconds: 0 },
            version: "1.1.0".parse().unwrap(),
            before: "1.0.0".parse().unwrap(),
            outcome,
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn an_update_that_went_back_is_told_with_its_reason_and_one_that_stays_is_not() {
        let told = left(&past(UpdateOutcome::WentBack, Some("no engine"))).unwrap();
        assert!(told.sentence.contains("back to 1.0.0: no engine."), "{told:?}");
        assert_eq!((told.kind, told.subject.as_str()), ("update_left", "1.1.0"));
        let cut = left(&past(UpdateOutcome::Interrupted, Some("power"))).unwrap();
        assert!(cut.sentence.contains("1.0.0 goes on: power."), "{cut:?}");
        for outcome in [UpdateOutcome::Good, UpdateOutcome::RolledBack] {
            assert_eq!(left(&past(outcome, None)), None);
        }
    }
}
