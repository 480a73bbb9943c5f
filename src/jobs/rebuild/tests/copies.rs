//! A set in two copies comes back from its tapes as one: both chains, and what each of them proves.

use super::*;
use crate::domain::CopyLetter;

fn in_two_copies(top: &Path, mode: BackupMode) -> JobSpec {
    JobSpec::Backup(BackupSpec { copies: Some(2), mode, ..backup_spec(top, "s") })
}

/// A full and an incremental run of everything, in two copies.
fn make_two_copies(appliance: &TestAppliance) -> (PathBuf, RunId) {
    let top = make_source(appliance);
    appliance.complete(&in_two_copies(&top, BackupMode::Full));
    write_file(&top.join("new.txt"), b"new");
    std::fs::remove_file(top.join("gone soon.txt")).unwrap();
    let end = appliance.complete(&in_two_copies(&top, BackupMode::Incremental));
    (top, end.outcome.unwrap().run.unwrap())
}

#[test]
fn both_copies_come_back_with_their_letters_and_their_evidence() {
    let mut appliance = TestAppliance::formatted(2, 64);
    make_two_copies(&appliance);
    let (state, end) = verify(&appliance, "s");
    assert_eq!(state, JobState::Completed, "{end:#?}");
    let before = told(&appliance);
    appliance.restart_without("catalog.db");
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_same(&before, &told(&appliance));
}

/// Copy A is in the library, copy B is elsewhere and is brought later.
#[test]
fn a_copy_that_is_brought_later_joins_the_other() {
    let mut appliance = TestAppliance::formatted(2, 64);
    let (top, run) = make_two_copies(&appliance);
    let before = told(&appliance);
    for (absent, present) in [(2, CopyLetter::A), (1, CopyLetter::B)] {
        appliance.take_out(&barcode(absent));
        appliance.restart_without("catalog.db");
        std::fs::remove_dir_all(appliance.folder("data/manifests")).unwrap();
        let (state, end) = rebuild(&appliance);
        assert_eq!(state, JobState::Incomplete, "{end:#?}");
        let problems = end.outcome.unwrap().problems;
        let is_told = |problem: &crate::jobs::Problem| problem.reason.starts_with("copy ");
        assert!(problems.iter().any(is_told), "{problems:#?}");
        let record = appliance.catalog().run(&run).unwrap();
        assert_eq!(record.state, RunState::Incomplete, "half of it is not here");
        let destination = appliance.folder(&format!("back-{present}"));
        appliance.complete(&JobSpec::Restore(restore_spec(&run, &[], &destination)));
        let back = destination.join(top.strip_prefix("/").unwrap());
        assert_eq!(tree_of(&back), tree_of(&top), "copy {present} alone is the whole set");
        appliance.put_in(&barcode(absent));
        let (state, end) = rebuild(&appliance);
        assert_eq!(state, JobState::Completed, "{end:#?}");
        assert_eq!(appliance.catalog().run(&run).unwrap().state, RunState::Complete);
    }
    let volumes_of = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| line.starts_with("volume ")).cloned().collect()
    };
    assert_same(&volumes_of(&before), &volumes_of(&told(&appliance)));
}
