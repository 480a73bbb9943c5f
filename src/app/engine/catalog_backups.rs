//! The catalog backups in a folder, for those who choose one; and whether the last one made is too old.
//!
//! Who has never made one and has no schedule for it is not nagged: that is a choice, and the tapes tell the rest. Once
//! somebody relies on it, that it is not made any more must not go unnoticed.

use std::path::Path;
use std::time::Duration;

use super::schedules::plan_of;
use super::watch::report;
use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind};
use crate::api::types::{CatalogBackupView, Signed};
use crate::catalog::alerts::AlertReport;
use crate::catalog_backup::{CatalogBackupError, Found, find};
use crate::domain::{ByteCount, Timestamp};
use crate::health::Kind;
use crate::jobs::JobSpec;
use crate::keys::SignatureVerdict;
use crate::schedules::Recurrence;

impl Service {
    pub(super) fn found_backups(
        &self,
        folder: &Path,
    ) -> Result<Vec<CatalogBackupView>, EngineError> {
        if !folder.is_absolute() {
            let message = format!("\"{}\" is not an absolute path.", folder.display());
            let next_step = "Name the folder from the top: folder=/srv/safe.";
            return Err(EngineError::new(
                EngineErrorKind::Invalid,
                "path_relative",
                message,
                next_step,
            ));
        }
        self.sources.ensure_mounted(folder)?;
        let found = find(folder, &self.parts.keys).map_err(|error| unreadable(folder, &error))?;
        Ok(found.into_iter().map(view).collect())
    }
}

/// By hand and without a schedule, a month and some days.
const BY_HAND: Duration = Duration::from_secs(35 * 86_400);
/// A schedule may miss one moment: the machine was off, the share was away. Two are a pattern.
const MOMENTS_MISSED: usize = 2;

impl Service {
    /// What stands while the last catalog backup is too old.
    pub(super) fn backup_report(&self, now: Timestamp) -> Result<Option<AlertReport>, EngineError> {
        let last = self.parts.catalog.last_completed("catalog_backup").map_err(answers::catalog)?;
        let mut planned = Vec::new();
        for record in self.parts.catalog.schedules().map_err(answers::catalog)? {
            let Ok(plan) = plan_of(&record) else { continue };
            if record.is_enabled && matches!(plan.task, JobSpec::CatalogBackup(_)) {
                planned.push((record.created, plan.rule.when));
            }
        }
        Ok(is_overdue(last, &planned, now).then(|| {
            let sentence = match last {
                Some(last) => format!("The last backup of the catalog was completed at {last}."),
                None => "No backup of the catalog was ever completed.".to_owned(),
            };
            let next_step = "See why with `fossilsafe job list --kind catalog_backup`, then make one: \
                             `fossilsafe catalog backup --to FOLDER`.";
            report(Kind::CatalogBackupOld, "catalog", sentence, next_step)
        }))
    }
}

/// Whether another backup should have been completed since the `last` one.
fn is_overdue(
    last: Option<Timestamp>,
    planned: &[(Timestamp, Recurrence)],
    now: Timestamp,
) -> bool {
    let since_plan = |(created, when): &(Timestamp, Recurrence)| {
        let since = last.map_or(*created, |last| last.max(*created));
        when.next(since, MOMENTS_MISSED).get(MOMENTS_MISSED - 1).is_some_and(|due| *due < now)
    };
    match (last, planned) {
        (None, []) => false,
        (Some(last), []) => {
            let age = now.unix_nanoseconds() - last.unix_nanoseconds();
            age > i128::try_from(BY_HAND.as_nanos()).unwrap_or(i128::MAX)
        }
        // One that is kept is enough.
        (_, planned) => planned.iter().all(since_plan),
    }
}

fn view(found: Found) -> CatalogBackupView {
    let Found { path, description, verdict, is_own } = found;
    let (signed, signed_by) = match verdict {
        SignatureVerdict::Trusted { key_id } if is_own => (Signed::Own, key_id),
        SignatureVerdict::Trusted { key_id } => (Signed::Trusted, key_id),
        SignatureVerdict::Foreign { key_id } => (Signed::Foreign, key_id),
        SignatureVerdict::Bad { key_id } => (Signed::Bad, key_id),
    };
    CatalogBackupView {
        path: path.display().to_string(),
        made: description.made,
        state_bytes: ByteCount(description.state_bytes()),
        host: description.host,
        release: description.release,
        sealed_bytes: description.sealed_bytes,
        kits: description.kits,
        signed_by,
        signed,
    }
}

fn unreadable(folder: &Path, error: &CatalogBackupError) -> EngineError {
    let is_missing = matches!(
        error, CatalogBackupError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound
    );
    let (kind, code) = if is_missing {
        (EngineErrorKind::NotFound, "path_missing")
    } else {
        (EngineErrorKind::Conflict, "path_unreadable")
    };
    let message = format!("The engine cannot list {}: {error}.", folder.display());
    EngineError::new(kind, code, message, error.next_step())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn at(days: i64) -> Timestamp {
        Timestamp { seconds: days * DAY, nanoseconds: 0 }
    }

    #[test]
    fn a_backup_is_overdue_after_two_moments_of_its_schedule_or_a_month_by_hand() {
        let by_hand = |last, now| is_overdue(last, &[], now);
        assert!(!by_hand(None, at(1000)), "nobody relies on it");
        assert!(!by_hand(Some(at(0)), at(35)) && by_hand(Some(at(0)), at(36)));
        let nightly = || Recurrence::new("0 4 * * *", "UTC").unwrap();
        let planned = [(at(10), nightly())];
        let scheduled = |last, now| is_overdue(last, &planned, now);
        assert!(!scheduled(None, at(11)) && scheduled(None, at(12)), "from when it was made on");
        assert!(!scheduled(Some(at(1)), at(11)), "the schedule is younger than the backup");
        assert!(!scheduled(Some(at(20)), at(21)) && scheduled(Some(at(20)), at(22)));
        let weekly = Recurrence::new("0 4 * * 1", "UTC").unwrap();
        let both = [(at(10), nightly()), (at(10), weekly)];
        assert!(!is_overdue(Some(at(20)), &both, at(22)), "the other one is kept");
    }
}
