//! Drives: how they are, asked when no job has them, and what of it needs a person.

use std::cmp::Reverse;

use super::reservation::refused;
use super::watch::report;
use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind};
use crate::api::types::{
    CartridgeCounters, DriveAlertView, DriveHealthView, ErrorCounters, Severity,
};
use crate::catalog::alerts::{AlertReport, AlertSeverity};
use crate::domain::DriveSerial;
use crate::drive::{AlertSeverity as Raised, ErrorStatistics};
use crate::health::Kind;
use crate::jobs::equipment::DriveReport;

impl Service {
    /// How a drive is: asked now, or as it last said if a job has it.
    pub(super) fn asked_drive(&self, serial: &DriveSerial) -> Result<DriveHealthView, EngineError> {
        let asked = self.parts.equipment.drive_report(serial).map_err(|error| refused(&error))?;
        let mut kept = self.watch.drives.lock();
        if let Some(asked) = asked {
            kept.insert(serial.clone(), asked);
        }
        let known = kept.get(serial).map(|report| view(serial, report));
        known.ok_or_else(|| {
            EngineError::new(
                EngineErrorKind::Conflict,
                "drive_in_use",
                format!("A job has drive {serial}, and it was not asked before."),
                "Wait for the job that uses it.",
            )
        })
    }

    /// Asks every drive that no job has, unless there is anything to do for them.
    pub(super) fn ask_drives(&self) -> Result<(), EngineError> {
        for state in super::jobs::ACTIVE {
            if !self.parts.catalog.jobs_in_state(state).map_err(answers::catalog)?.is_empty() {
                return Ok(());
            }
        }
        for bay in self.parts.equipment.bays() {
            match self.parts.equipment.drive_report(&bay.serial) {
                Ok(Some(report)) => {
                    self.watch.drives.lock().insert(bay.serial.clone(), report);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(drive = %bay.serial, %error, "a drive does not tell"),
            }
        }
        Ok(())
    }

    /// What a drive had raised when it was last asked, as sentences.
    pub(super) fn raised_by(&self, serial: &DriveSerial) -> Vec<String> {
        let kept = self.watch.drives.lock();
        let raised = kept.get(serial).map(|report| &report.alerts);
        raised.into_iter().flatten().map(|alert| alert.sentence().to_owned()).collect()
    }

    /// What drives have raised and not taken back.
    pub(super) fn drive_reports(&self) -> Vec<AlertReport> {
        let mut reports = Vec::new();
        for (serial, known) in self.watch.drives.lock().iter() {
            let view = view(serial, known);
            if view.is_cleaning_due {
                let next_step = "Put a cleaning cartridge into it when no job has it.";
                let sentence = format!("Drive {serial} asks to be cleaned.");
                reports.push(report(Kind::CleaningDue, &serial.to_string(), sentence, next_step));
            }
            let worst = view.alerts.first().filter(|it| it.severity > Severity::Info);
            if let Some(worst) = worst {
                let sentence = format!("Drive {serial}: {}", worst.sentence);
                let next_step = format!("See `fossilsafe library health {serial}`.");
                let mut report =
                    report(Kind::DriveAlert, &serial.to_string(), sentence, &next_step);
                if worst.severity == Severity::Critical {
                    report.severity = AlertSeverity::Critical;
                }
                reports.push(report);
            }
        }
        reports
    }
}

fn view(serial: &DriveSerial, report: &DriveReport) -> DriveHealthView {
    let DriveReport { at, alerts, statistics } = report;
    let is_cleaning_due =
        statistics.cleaning_required || alerts.iter().any(|alert| alert.asks_for_cleaning());
    let mut alerts: Vec<DriveAlertView> = alerts
        .iter()
        .map(|alert| DriveAlertView {
            number: alert.0,
            severity: match alert.severity() {
                Raised::Information => Severity::Info,
                Raised::Warning => Severity::Warning,
                Raised::Critical => Severity::Critical,
            },
            sentence: alert.sentence().to_owned(),
        })
        .collect();
    alerts.sort_by_key(|alert| (Reverse(alert.severity), alert.number));
    let sentence = match alerts.first() {
        Some(worst) => worst.sentence.clone(),
        None if is_cleaning_due => "The drive asks to be cleaned.".to_owned(),
        None => "The drive has nothing to report.".to_owned(),
    };
    let life = &statistics.cartridge;
    DriveHealthView {
        serial: serial.clone(),
        at: *at,
        sentence,
        is_cleaning_due,
        alerts,
        write: counters(&statistics.write),
        read: counters(&statistics.read),
        write_compression_percent: statistics.write_compression_percent,
        cartridge: CartridgeCounters {
            loads: life.loads,
            written_bytes: life.written_bytes,
            read_bytes: life.read_bytes,
            unrecovered_write_errors: life.unrecovered_write_errors,
            unrecovered_read_errors: life.unrecovered_read_errors,
        },
    }
}

fn counters(statistics: &ErrorStatistics) -> ErrorCounters {
    ErrorCounters {
        corrected: statistics.corrected,
        repeats: statistics.repeats,
        uncorrected: statistics.uncorrected,
        size_bytes: statistics.size_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::drive::{DriveStatistics, TapeAlert};

    #[test]
    fn the_worst_of_what_a_drive_has_raised_comes_first_and_cleaning_is_said() {
        let serial: DriveSerial = DriveSerial("SN1".to_owned());
        let report = |flags: &[u8]| DriveReport {
            at: Timestamp::default(),
            alerts: flags.iter().copied().map(TapeAlert).collect(),
            statistics: DriveStatistics::default(),
        };
        let quiet = view(&serial, &report(&[]));
        assert_eq!((quiet.is_cleaning_due, quiet.alerts.len()), (false, 0));
        let loud = view(&serial, &report(&[19, 21, 38]));
        assert!(loud.is_cleaning_due && loud.sentence.contains("expects to fail"), "{loud:?}");
        let numbers: Vec<u8> = loud.alerts.iter().map(|alert| alert.number).collect();
        assert_eq!(numbers, [38, 21, 19]);
    }
}
