//! A moment and its job are written down together, and a moment is never taken back.

use serde_json::json;

use crate::catalog::test_support::{at, empty};
use crate::catalog::{
    Catalog, CatalogError, ScheduleEvent, ScheduleEventKind, ScheduleProgress, ScheduledStart,
};
use crate::domain::JobId;

fn event(due: i64) -> ScheduleEvent {
    ScheduleEvent {
        id: 0,
        due: at(due),
        at: at(due),
        what: ScheduleEventKind::Started,
        attempt: 1,
        job: None,
        reason: None,
    }
}

fn start(catalog: &Catalog, schedule: &str, due: i64) -> Result<JobId, CatalogError> {
    let start = ScheduledStart {
        schedule,
        handled: at(due),
        event: event(due),
        pending: &|job| Some(json!({ "job": job.0 })),
    };
    catalog.create_scheduled_job("verify", &json!({}), at(due), &start)
}

#[test]
fn a_job_of_a_moment_is_made_with_the_moment_or_not_at_all() {
    let (catalog, _folder) = empty();
    catalog.create_schedule("nightly", &json!({}), &json!({}), at(1)).unwrap();
    let job = start(&catalog, "nightly", 5).unwrap();
    let record = catalog.schedule("nightly").unwrap();
    assert_eq!((record.handled, record.retry), (at(5), Some(json!({ "job": job.0 }))));
    let events = catalog.schedule_events("nightly", None, 9).unwrap();
    assert_eq!((events.len(), events[0].job), (1, Some(job)));
    assert!(matches!(start(&catalog, "gone", 6), Err(CatalogError::NotFound(_))));
    assert_eq!(catalog.jobs(None, 9).unwrap().len(), 1);
}

#[test]
fn a_moment_that_was_dealt_with_stays_so() {
    let (catalog, _folder) = empty();
    catalog.create_schedule("nightly", &json!({}), &json!({}), at(10)).unwrap();
    let back = ScheduleProgress { handled: at(3), retry: None, event: None };
    catalog.note_schedule("nightly", &back).unwrap();
    assert_eq!(catalog.schedule("nightly").unwrap().handled, at(10));
    catalog.enable_schedule("nightly", false, at(7)).unwrap();
    let record = catalog.schedule("nightly").unwrap();
    assert_eq!((record.handled, record.is_enabled), (at(10), false));
    let again = catalog.create_schedule("nightly", &json!({}), &json!({}), at(1));
    assert!(matches!(again, Err(CatalogError::Exists(_))));
    catalog.remove_schedule("nightly").unwrap();
    assert!(matches!(catalog.remove_schedule("nightly"), Err(CatalogError::NotFound(_))));
}
