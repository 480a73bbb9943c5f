//! The certificate of HTTPS behind the API: asked of the gateway, which has it; and told of before it ends.

use std::path::PathBuf;
use std::time::Duration;

use parking_lot::Mutex;

use super::watch::report;
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{CertificateState, ServedCertificate};
use crate::app::error::AppError;
use crate::catalog::alerts::{AlertReport, AlertSeverity};
use crate::domain::{Clock, SystemClock, Timestamp};
use crate::health;
use crate::system::certificate::{
    CertificateError, CertificateErrorKind, CertificateOrder, ask_certificate,
};

const INSTEAD: &str = "This program serves plain HTTP to this machine alone, or knows of no gateway. Run \
                       `fossilsafe engine --gateway SOCKET` and `fossilsafe gateway --socket SOCKET`, or \
                       the appliance.";
/// The gateway is asked so often for what it serves, when nobody else asks.
const ASK_AGAIN: Duration = Duration::from_secs(3600);
const SECONDS_PER_DAY: i64 = 86_400;
/// An authority that signs by hand takes weeks.
const WARN_DAYS: i64 = 30;
/// A person has to do it this week.
const URGENT_DAYS: i64 = 7;

/// Who serves HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum CertificateDoor {
    /// The gateway that takes orders at this socket.
    Gateway(PathBuf),
    /// Nobody: engine and gateway are one program, on this machine alone.
    Nowhere,
}

/// The certificate of an engine's gateway.
#[derive(Debug)]
pub(super) struct Certificates {
    gateway: Option<PathBuf>,
    clock: SystemClock,
    known: Mutex<Known>,
}

/// What the gateway said last, and when it was asked.
#[derive(Debug, Default)]
struct Known {
    asked: Option<Duration>,
    served: Option<ServedCertificate>,
}

impl Certificates {
    pub(super) fn open(door: &CertificateDoor) -> Self {
        let gateway = match door {
            CertificateDoor::Gateway(socket) => Some(socket.clone()),
            CertificateDoor::Nowhere => None,
        };
        Self { gateway, clock: SystemClock::new(), known: Mutex::default() }
    }

    pub(super) fn ask(&self, order: &CertificateOrder) -> Result<CertificateState, EngineError> {
        let Some(socket) = &self.gateway else {
            return match order {
                CertificateOrder::State => Ok(CertificateState::elsewhere(INSTEAD.to_owned())),
                _ => Err(EngineError::new(
                    Kind::Conflict,
                    "certificate_not_served_here",
                    "This program serves no HTTPS, so it has no certificate.",
                    INSTEAD,
                )),
            };
        };
        let asked = Some(self.clock.elapsed());
        let state = ask_certificate(socket, order).map_err(|error| refusal(&error))?;
        *self.known.lock() = Known { asked, served: state.certificate.clone() };
        Ok(state)
    }

    /// What is served, if the gateway has said so within the hour or says it now.
    pub(super) fn served(&self) -> Option<ServedCertificate> {
        let now = self.clock.elapsed();
        let is_old = match self.known.lock().asked {
            None => true,
            Some(asked) => now.saturating_sub(asked) >= ASK_AGAIN,
        };
        if self.gateway.is_some() && is_old {
            // A gateway that is away is no reason to forget the day on which its certificate ends.
            self.known.lock().asked = Some(now);
            if let Err(error) = self.ask(&CertificateOrder::State) {
                tracing::debug!(%error, "the gateway was not asked for its certificate");
            }
        }
        self.known.lock().served.clone()
    }

    /// Tells of one that ends.
    pub(super) fn report(&self, now: Timestamp) -> Option<AlertReport> {
        ends(&self.served()?, now)
    }
}

fn ends(served: &ServedCertificate, now: Timestamp) -> Option<AlertReport> {
    let left = served.valid_until.seconds - now.seconds;
    let days = left.div_euclid(SECONDS_PER_DAY);
    if days >= WARN_DAYS {
        return None;
    }
    let subject = &served.subject;
    let sentence = match (left, days) {
        (..=0, _) => {
            format!("The certificate of HTTPS, of {subject}, has ended: browsers refuse it.")
        }
        (_, 0) => format!("The certificate of HTTPS, of {subject}, ends within a day."),
        _ => format!("The certificate of HTTPS, of {subject}, ends in {days} days."),
    };
    let next_step = "Have a new one signed and give it: Settings, Certificate, or `fossilsafe certificate \
                     replace`.";
    let mut report = report(health::Kind::CertificateEnds, "https", sentence, next_step);
    if days < URGENT_DAYS {
        report.severity = AlertSeverity::Critical;
    }
    Some(report)
}

fn refusal(error: &CertificateError) -> EngineError {
    let (kind, code) = match error.kind() {
        CertificateErrorKind::Malformed => (Kind::Invalid, "certificate_malformed"),
        CertificateErrorKind::KeyLocked => (Kind::Invalid, "certificate_key_locked"),
        CertificateErrorKind::KeyMismatch => (Kind::Invalid, "certificate_key_mismatch"),
        CertificateErrorKind::KeyMissing => (Kind::Conflict, "certificate_key_missing"),
        CertificateErrorKind::NotValid => (Kind::Invalid, "certificate_not_valid"),
        CertificateErrorKind::ChainBroken => (Kind::Invalid, "certificate_chain_broken"),
        CertificateErrorKind::Machine => (Kind::Unavailable, "certificate_unavailable"),
    };
    EngineError::new(kind, code, AppError::chain_of(error), error.next_step())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::CertificateOrigin;

    #[test]
    fn a_certificate_is_told_of_a_month_before_it_ends_and_urgently_in_the_last_week() {
        let until = Timestamp { seconds: 100 * SECONDS_PER_DAY, nanoseconds: 0 };
        let served = ServedCertificate {
            origin: CertificateOrigin::Given,
            subject: "CN=tape.example".to_owned(),
            issuer: "CN=Below".to_owned(),
            names: vec!["tape.example".to_owned()],
            sha256: String::new(),
            valid_from: Timestamp::default(),
            valid_until: until,
            chain: Vec::new(),
            pem: String::new(),
        };
        let told = |days: i64| {
            let seconds = days * SECONDS_PER_DAY;
            ends(&served, Timestamp { seconds, nanoseconds: 0 })
        };
        assert_eq!(told(70), None);
        let warned = told(71).unwrap();
        assert!(warned.sentence.ends_with("CN=tape.example, ends in 29 days."), "{warned:?}");
        assert_eq!(warned.severity, AlertSeverity::Warning);
        let urgent = told(94).unwrap();
        assert_eq!((urgent.severity, urgent.kind), (AlertSeverity::Critical, "certificate_ends"));
        assert!(told(100).unwrap().sentence.contains("has ended"));
    }

    #[test]
    fn without_a_gateway_it_is_said_what_to_run_and_nothing_is_changed() {
        let none = Certificates::open(&CertificateDoor::Nowhere);
        let state = none.ask(&CertificateOrder::State).unwrap();
        assert!(!state.is_served_here && state.instead.unwrap().contains("fossilsafe gateway"));
        let error = none.ask(&CertificateOrder::WithdrawRequest).unwrap_err();
        assert_eq!(error.code, "certificate_not_served_here");
        assert_eq!(none.report(Timestamp::default()), None);
        let away = CertificateDoor::Gateway("/nowhere/certificate.sock".into());
        let away = Certificates::open(&away);
        let error = away.ask(&CertificateOrder::State).unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Unavailable, "certificate_unavailable"));
        assert_eq!(away.report(Timestamp::default()), None);
    }
}
