//! What the program around the jobs has to prove in a self-test: audit log, disk, staging, clock, certificate, sources.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Service;
use crate::api::types::SourceCondition;
use crate::domain::Timestamp;
use crate::jobs::self_test::{Check, CheckSubject, MachineChecks, Verdict};
use crate::system::network::TimeOrder;

const SECONDS_PER_DAY: i64 = 86_400;
/// As the alert about it.
const CERTIFICATE_DAYS: i64 = 30;
/// A clock that was not set for so long may be minutes off.
const CLOCK_DAYS: i64 = 7;
/// This program was written later: a clock before it is wrong.
const CLOCK_EARLIEST: Timestamp = Timestamp { seconds: 1_767_225_600, nanoseconds: 0 };

/// Asks an engine that runs.
pub(super) struct OwnChecks(Weak<Service>);

impl OwnChecks {
    pub(super) fn of(service: &Arc<Service>) -> Self {
        Self(Arc::downgrade(service))
    }
}

impl std::fmt::Debug for OwnChecks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnChecks")
    }
}

impl MachineChecks for OwnChecks {
    fn checks(&self) -> Vec<Check> {
        let Some(service) = self.0.upgrade() else { return Vec::new() };
        let timed = |subject, ask: &dyn Fn() -> Verdict| {
            let began = service.parts.clock.elapsed();
            let verdict = ask();
            let took: Duration = service.parts.clock.elapsed().saturating_sub(began);
            Check::new(subject, None, verdict, took)
        };
        let mut checks = vec![
            timed(CheckSubject::Audit, &|| service.audit_check()),
            timed(CheckSubject::Disk, &|| service.disk_check()),
            timed(CheckSubject::Staging, &|| service.staging_check()),
            timed(CheckSubject::Clock, &|| service.clock_check()),
            timed(CheckSubject::Certificate, &|| service.certificate_check()),
        ];
        checks.extend(service.source_checks());
        checks
    }
}

impl Service {
    fn audit_check(&self) -> Verdict {
        let advice = "Keep a copy of audit.db as it is; see `fossilsafe audit verify`, and find out who was at it.";
        match self.audit.verify() {
            Ok(found) if found.is_whole => {
                Verdict::passed(format!("The audit log is whole: {} entries.", found.entries))
            }
            Ok(found) => {
                let sentence = format!(
                    "The audit log is not what was written: {} findings in {} entries.",
                    found.findings_total, found.entries
                );
                Verdict::failed(sentence, advice)
            }
            Err(error) => {
                Verdict::failed(format!("The audit log cannot be gone through: {error}."), advice)
            }
        }
    }

    fn disk_check(&self) -> Verdict {
        match self.disk_trouble() {
            None => Verdict::passed("The disk of the catalog can be written, and has room."),
            Some((sentence, next_step)) => Verdict::failed(format!("{sentence}."), next_step),
        }
    }

    fn staging_check(&self) -> Verdict {
        let Some(staging) = self.streaming_state().staging else {
            return Verdict::skipped("Nothing is staged on disk: there is no staging folder.");
        };
        match staging.trouble {
            None => Verdict::passed(format!("{} can be staged in.", staging.folder.display())),
            Some(trouble) => Verdict::warning(
                format!("Nothing is staged on disk: {trouble}."),
                "Connect the disk or make room on it, or choose another one: Settings, Streaming.",
            ),
        }
    }

    fn clock_check(&self) -> Verdict {
        let now = self.present();
        let advice = "Set it, and name time servers that are reached: Settings, Time.";
        if now < CLOCK_EARLIEST {
            return Verdict::failed(format!("The clock says {now}, which is past."), advice);
        }
        let clock = match self.network.ask_time(&TimeOrder::State, now) {
            Ok(state) if state.is_managed_here => state.clock.unwrap_or_default(),
            Ok(_) => {
                return Verdict::skipped(
                    "This machine's own tools set the clock; it says a likely time.",
                );
            }
            Err(error) => return Verdict::warning(error.message, &error.next_step),
        };
        match clock.synchronised_at {
            Some(at) if now.seconds - at.seconds <= CLOCK_DAYS * SECONDS_PER_DAY => {
                Verdict::passed(format!("A time server set the clock at {at}."))
            }
            Some(at) => Verdict::warning(format!("The clock was last set at {at}."), advice),
            None => Verdict::warning("No time server has set the clock since the start.", advice),
        }
    }

    fn certificate_check(&self) -> Verdict {
        let Some(served) = self.certificates.served() else {
            return Verdict::skipped("No gateway has said what HTTPS is served with.");
        };
        let days =
            (served.valid_until.seconds - self.present().seconds).div_euclid(SECONDS_PER_DAY);
        let advice = "Have a new one signed and give it: Settings, Certificate.";
        let subject = &served.subject;
        match days {
            ..0 => Verdict::failed(format!("The certificate of {subject} has ended."), advice),
            0..CERTIFICATE_DAYS => Verdict::warning(
                format!("The certificate of {subject} ends in {days} days."),
                advice,
            ),
            _ => Verdict::passed(format!("The certificate of {subject} is good for {days} days.")),
        }
    }

    /// Each source is mounted anew if it is not, as it would be for a backup.
    fn source_checks(&self) -> Vec<Check> {
        let states = match self.sources.states() {
            Ok(states) => states,
            Err(error) => {
                let verdict = Verdict::failed(error.message, &error.next_step);
                return vec![Check::new(CheckSubject::Source, None, verdict, Duration::ZERO)];
            }
        };
        let mut checks = Vec::new();
        for state in states {
            let began = self.parts.clock.elapsed();
            let name = state.name.to_string();
            let verdict = match self.sources.mount(&state.name) {
                Ok(now) if now.condition == SourceCondition::Mounted => {
                    Verdict::passed(format!("Source {name} is mounted and answers."))
                }
                Ok(now) => Verdict::failed(
                    format!("Source {name} is away: {}.", now.reason.unwrap_or_default()),
                    "Switch the other machine on, and check the network between the two.",
                ),
                Err(error) => Verdict::failed(error.message, &error.next_step),
            };
            let took = self.parts.clock.elapsed().saturating_sub(began);
            checks.push(Check::new(CheckSubject::Source, Some(&name), verdict, took));
        }
        checks
    }
}
