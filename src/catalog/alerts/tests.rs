//! Alerts are raised once, end, and take their notices along; what is kept is bounded.

use super::{AlertReport, AlertSeverity, AlertStore, Change, DeliveryState, NewChannel};
use crate::domain::Timestamp;

const AT: Timestamp = Timestamp { seconds: 1_800_000_000, nanoseconds: 0 };
const STANDING: &[&str] = &["set_single_copy"];

fn store() -> (AlertStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (AlertStore::open(&folder.path().join("alerts.db")).unwrap(), folder)
}

fn report(kind: &'static str, severity: AlertSeverity) -> AlertReport {
    AlertReport {
        kind,
        subject: "home".to_owned(),
        severity,
        sentence: "Set home has one copy.".to_owned(),
        next_step: "Make another.".to_owned(),
    }
}

fn channel(store: &AlertStore) -> i64 {
    let new = NewChannel { name: "ops", spec: "{}", secret: Some("sealed"), is_enabled: true };
    store.put_channel(&new, AT).unwrap().id
}

#[test]
fn a_standing_alert_is_told_once_ends_by_itself_and_is_told_again_when_it_comes_back() {
    let (store, _folder) = store();
    let channel = channel(&store);
    let told = |record: &super::AlertRecord, change| {
        vec![(channel, format!("{change:?} {}", record.kind))]
    };
    let single = [report("set_single_copy", AlertSeverity::Warning)];
    for reports in [&single[..], &single, &[], &[], &single] {
        store.report_standing(STANDING, reports, AT, &told).unwrap();
    }
    let sent: Vec<String> =
        store.deliveries(None, None, 9).unwrap().into_iter().map(|it| it.notice).collect();
    let raised = "Raised set_single_copy";
    assert_eq!(sent, [raised, "Ended set_single_copy", raised]);
    assert_eq!(store.alerts(true, None, 9).unwrap().len(), 1);
    assert_eq!(store.alerts(false, None, 9).unwrap().len(), 2);
}

#[test]
fn what_was_acknowledged_is_told_again_only_when_it_has_become_worse() {
    let (store, _folder) = store();
    let channel = channel(&store);
    let told = |_: &super::AlertRecord, _: Change| vec![(channel, String::new())];
    let put = |severity| {
        let reports = [report("set_single_copy", severity)];
        store.report_standing(STANDING, &reports, AT, &told).unwrap();
        store.alerts(true, None, 1).unwrap().remove(0)
    };
    let raised = put(AlertSeverity::Warning);
    let known = store.acknowledge(raised.id, STANDING, "ann", Some("on its way"), AT).unwrap();
    assert_eq!((known.acknowledged, known.ended), (Some(AT), None));
    assert_eq!(put(AlertSeverity::Warning).acknowledged, Some(AT));
    assert_eq!(put(AlertSeverity::Critical).acknowledged, None);
    assert_eq!(store.deliveries(Some("ops"), None, 9).unwrap().len(), 2);
}

#[test]
fn what_happened_counts_up_and_ends_when_somebody_takes_note() {
    let (store, _folder) = store();
    let quiet = |_: &super::AlertRecord, _: Change| Vec::new();
    let failed = report("job_failed", AlertSeverity::Warning);
    store.report_happened(&failed, AT, &quiet).unwrap();
    store.report_happened(&failed, AT, &quiet).unwrap();
    // A look at what stands does not end it.
    store.report_standing(STANDING, &[], AT, &quiet).unwrap();
    let open = store.alerts(true, None, 9).unwrap();
    assert_eq!((open.len(), open[0].times), (1, 2));
    let known = store.acknowledge(open[0].id, STANDING, "ann", None, AT).unwrap();
    assert_eq!((known.ended, known.acknowledged_by.as_deref()), (Some(AT), Some("ann")));
    assert!(store.acknowledge(99, STANDING, "ann", None, AT).is_err());
}

#[test]
fn a_channel_that_nobody_answers_at_keeps_its_newest_notices_and_the_log_stays_bounded() {
    let (store, _folder) = store();
    let channel = channel(&store);
    let notices = (0..2000).map(|number| (channel, number.to_string())).collect();
    store.queue_notices(notices, AT).unwrap();
    let all = store.deliveries(None, None, 5000).unwrap();
    let waiting = all.iter().filter(|it| it.state == DeliveryState::Waiting).count();
    assert_eq!((waiting, all.len()), (500, 1500));
    let first = store.next_delivery().unwrap().unwrap();
    assert_eq!(first.notice, "1500");
    let later = Timestamp { seconds: AT.seconds + 60, nanoseconds: 0 };
    store.note_attempt(first.id, Some("refused"), Some(later), AT).unwrap();
    let next = store.next_delivery().unwrap().unwrap();
    assert_eq!(next.notice, "1501");
    store.note_attempt(next.id, None, None, AT).unwrap();
    store.remove_channel("ops").unwrap();
    assert!(store.deliveries(None, None, 9).unwrap().is_empty());
}

#[test]
fn a_channel_keeps_its_secret_when_it_is_changed_without_one() {
    let (store, _folder) = store();
    channel(&store);
    let new = NewChannel { name: "ops", spec: "[]", secret: None, is_enabled: false };
    let kept = store.put_channel(&new, AT).unwrap();
    assert_eq!((kept.secret.as_deref(), kept.spec.as_str()), (Some("sealed"), "[]"));
    assert!(!format!("{kept:?}{new:?}").contains("sealed"));
    assert!(store.channel("none").is_err());
    store.queue_notices(vec![(kept.id, "x".to_owned())], AT).unwrap();
    assert_eq!(store.next_delivery().unwrap(), None, "it is switched off");
}
