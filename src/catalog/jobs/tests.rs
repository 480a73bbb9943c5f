//! The job store: states, requests, events.

use serde_json::json;

use super::super::test_support::{at, empty, reopen};
use super::*;

fn event(code: &str) -> JobEvent {
    JobEvent {
        level: EventLevel::Info,
        code: code.to_owned(),
        message: format!("{code} happened"),
        content: Some(json!({ "n": 1 })),
    }
}

#[test]
fn a_job_is_claimed_once_in_the_order_of_making_and_ends_once() {
    let (catalog, _folder) = empty();
    let first = catalog.create_job("backup", &json!({ "set": "a" }), at(1)).unwrap();
    let second = catalog.create_job("verify", &json!({}), at(2)).unwrap();
    let claimed = catalog.claim_next_job(at(3)).unwrap().unwrap();
    assert_eq!((claimed.id, claimed.state), (first, JobState::Running));
    assert_eq!(claimed.spec, json!({ "set": "a" }));
    assert_eq!(catalog.claim_next_job(at(3)).unwrap().unwrap().id, second);
    assert_eq!(catalog.claim_next_job(at(3)).unwrap(), None);
    let error = json!({ "code": "files_missing" });
    catalog.set_job_state(first, JobState::Incomplete, Some(&error), at(4)).unwrap();
    let again = catalog.set_job_state(first, JobState::Completed, None, at(5));
    assert!(matches!(again, Err(CatalogError::Transition { from: "incomplete", .. })));
    let record = catalog.job(first).unwrap();
    assert_eq!((record.error, record.ended), (Some(error), Some(at(4))));
    assert_eq!(catalog.jobs(None, 10).unwrap().len(), 2);
    assert_eq!(catalog.jobs(Some(second), 10).unwrap()[0].id, first);
}

#[test]
fn an_interrupted_job_is_queued_again_with_its_checkpoint_after_a_restart() {
    let (catalog, folder) = empty();
    let job = catalog.create_job("backup", &json!({}), at(1)).unwrap();
    catalog.claim_next_job(at(2)).unwrap();
    let (progress, checkpoint) = (json!({ "files": 3 }), json!(["here"]));
    catalog.set_job_checkpoint(&HowFar { job, progress, checkpoint, at: at(3) }).unwrap();
    catalog.set_job_progress(job, &json!({ "files": 4 }), at(3)).unwrap();
    let catalog = reopen(catalog, &folder);
    assert_eq!(catalog.requeue_interrupted_jobs(at(5)).unwrap(), [job]);
    let record = catalog.claim_next_job(at(6)).unwrap().unwrap();
    assert_eq!(record.checkpoint, Some(json!(["here"])));
    assert_eq!(record.progress, json!({ "files": 4 }));
    assert_eq!(record.started, Some(at(2)));
}

#[test]
fn a_request_waits_for_a_job_and_an_ended_job_takes_none() {
    let (catalog, _folder) = empty();
    let job = catalog.create_job("backup", &json!({}), at(1)).unwrap();
    catalog.claim_next_job(at(2)).unwrap();
    catalog.set_job_request(job, Some(JobRequest::Cancel), at(3)).unwrap();
    assert_eq!(catalog.job(job).unwrap().request, Some(JobRequest::Cancel));
    catalog.set_job_state(job, JobState::Cancelled, None, at(4)).unwrap();
    assert_eq!(catalog.job(job).unwrap().request, None);
    assert!(catalog.set_job_request(job, Some(JobRequest::Pause), at(5)).is_err());
    let nobody = catalog.set_job_request(JobId(99), None, at(5));
    assert!(matches!(nobody, Err(CatalogError::NotFound(Subject::Job(JobId(99))))));
}

#[test]
fn events_are_followed_by_their_numbers() {
    let (catalog, _folder) = empty();
    let a = catalog.create_job("backup", &json!({}), at(1)).unwrap();
    let b = catalog.create_job("backup", &json!({}), at(1)).unwrap();
    let first = catalog.add_job_event(a, &event("begun"), at(2)).unwrap();
    let second = catalog.add_job_event(b, &event("begun"), at(3)).unwrap();
    assert!(second > first);
    let seen = catalog.events_after(first, None, 10).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].id, seen[0].job, seen[0].at), (second, b, at(3)));
    assert_eq!(seen[0].event, event("begun"));
    assert_eq!(catalog.events_after(0, Some(a), 10).unwrap().len(), 1);
    assert!(catalog.wait_for_event(first, Duration::ZERO));
    assert!(!catalog.wait_for_event(second, Duration::ZERO));
    let follower = catalog.clone();
    let waiting =
        std::thread::spawn(move || follower.wait_for_event(second, Duration::from_secs(30)));
    catalog.add_job_event(a, &event("ended"), at(4)).unwrap();
    assert!(waiting.join().unwrap());
}
