//! Real scripts around real backups on the virtual library.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::domain::JobId;
use crate::jobs::spec::{Existing, RestoreSpec};
use crate::jobs::test_support::{TestAppliance, backup_spec, restore_spec, write_file};
use crate::jobs::{JobState, Outcome};

struct House {
    appliance: TestAppliance,
    hooks: PathBuf,
    source: PathBuf,
}

impl House {
    fn new() -> Self {
        Self::with(TestAppliance::formatted(1, 32))
    }

    fn with(appliance: TestAppliance) -> Self {
        let hooks = appliance.parts().folders.hooks();
        std::fs::create_dir_all(&hooks).unwrap();
        let source = appliance.folder("source");
        write_file(&source.join("a.txt"), b"a");
        Self { appliance, hooks, source }
    }

    fn hook(&self, name: &str, script: &str) {
        let path = self.hooks.join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn spec(&self, before: Option<&str>, after: Option<&str>) -> JobSpec {
        let [before, after] = [before, after].map(|name| name.map(str::to_owned));
        let hooks = Hooks { before, after, ..Hooks::default() };
        JobSpec::Backup(BackupSpec { hooks, ..backup_spec(&self.source, "s") })
    }

    fn begin(&self, before: Option<&str>, after: Option<&str>) -> JobId {
        self.appliance.submit(&self.spec(before, after))
    }

    /// Waits until a script has made that file.
    fn wait_for(&self, job: JobId, words: &str) {
        self.appliance.wait_until(words, || self.appliance.told(job).contains(words).then_some(()));
    }

    fn noted(&self) -> String {
        std::fs::read_to_string(self.hooks.join("noted")).unwrap_or_default()
    }
}

#[test]
fn hooks_run_around_a_backup_and_are_told_what_it_is() {
    let house = House::new();
    house.hook("dump.sh", "echo dumped; env | sort > noted");
    house.hook("tidy.sh", "echo $FOSSILSAFE_HOOK $FOSSILSAFE_OUTCOME $FOSSILSAFE_RUN >> noted");
    let job = house.begin(Some("dump.sh"), Some("tidy.sh"));
    let (state, end) = house.appliance.wait(job);
    let run = end.outcome.unwrap().run.unwrap();
    assert_eq!(state, JobState::Completed);
    let noted = house.noted();
    for line in
        ["FOSSILSAFE_HOOK=before", "FOSSILSAFE_SET=s", &format!("after completed {}", run.0)]
    {
        assert!(noted.lines().any(|noted| noted == line), "no {line} in {noted}");
    }
    assert!(!noted.contains("CARGO"), "nothing of our own environment: {noted}");
    assert!(house.appliance.told(job).contains("hook_said hook dump.sh said: dumped"));
}

#[test]
fn a_failed_hook_before_stops_the_backup_with_what_it_said_and_the_other_one_tidies_up() {
    let house = House::new();
    house.hook("dump.sh", "echo no connection >&2; exit 3");
    house.hook("tidy.sh", "echo $FOSSILSAFE_OUTCOME:$FOSSILSAFE_RUN > noted");
    let job = house.begin(Some("dump.sh"), Some("tidy.sh"));
    let (state, end) = house.appliance.wait(job);
    let failure = end.failure.unwrap();
    assert_eq!((state, failure.code.as_str()), (JobState::Failed, "hook_failed"));
    assert!(failure.message.contains("exit status: 3; it said: no connection"), "{failure:?}");
    assert_eq!(house.noted(), "failed:\n");
    assert!(house.appliance.catalog().last_ended_run(&"s".parse().unwrap()).unwrap().is_none());
}

#[test]
fn a_failed_hook_after_is_in_the_outcome_and_the_files_stay_on_tape() {
    let house = House::new();
    house.hook("tidy.sh", "echo busy; exit 1");
    let job = house.begin(None, Some("tidy.sh"));
    let (state, end) = house.appliance.wait(job);
    assert_eq!(state, JobState::Completed);
    let Outcome { sentence, run, .. } = end.outcome.unwrap();
    assert!(run.is_some());
    assert!(
        sentence.ends_with("failed: it ended with exit status: 1; it said: busy"),
        "{sentence}"
    );
    assert!(house.appliance.told(job).contains("hook_failed hook tidy.sh"));
}

#[test]
fn a_hook_that_takes_too_long_is_ended_with_all_that_it_has_begun() {
    let house = House::new();
    // What it has begun does not hear the first word; it would keep the fifo open.
    let script = "mkfifo pipe; (trap '' TERM; exec 9<>pipe; : > up; exec sleep 100000) & \
                  while [ ! -e up ]; do :; done; echo waiting; wait";
    house.hook("hangs.sh", script);
    let job = house.begin(Some("hangs.sh"), None);
    let up = house.hooks.join("up");
    house.wait_for(job, "runs before");
    while !up.exists() {
        std::thread::yield_now();
    }
    house.appliance.clock.advance(Duration::from_secs(601));
    let (state, end) = house.appliance.wait(job);
    let message = end.failure.unwrap().message;
    assert_eq!(state, JobState::Failed);
    assert!(message.contains("it was ended after 600 seconds; it said: waiting"), "{message}");
    // A fifo without a reader refuses a writer that does not wait: nobody is left.
    let open = nix::fcntl::OFlag::O_WRONLY | nix::fcntl::OFlag::O_NONBLOCK;
    let pipe = house.hooks.join("pipe");
    while nix::fcntl::open(&pipe, open, nix::sys::stat::Mode::empty()).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn only_the_end_of_what_a_talkative_hook_says_is_kept() {
    let house = House::new();
    house.hook("talks.sh", "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; exit 9");
    let job = house.begin(Some("talks.sh"), None);
    let message = house.appliance.wait(job).1.failure.unwrap().message;
    assert!(message.ends_with("line 4998 | line 4999"), "{message}");
    assert!(message.len() < 2 * SAID_MAX);
}

#[test]
fn a_job_that_is_cancelled_ends_the_hook_before_it_and_runs_the_one_after_it_to_its_end() {
    let house = House::new();
    house.hook("hangs.sh", "exec sleep 100000");
    house.hook("tidy.sh", "sleep 0.3; echo $FOSSILSAFE_OUTCOME > noted");
    let job = house.begin(Some("hangs.sh"), Some("tidy.sh"));
    house.wait_for(job, "runs before");
    house.appliance.runner().cancel(job).unwrap();
    assert_eq!(house.appliance.wait(job).0, JobState::Cancelled);
    assert_eq!(house.noted(), "cancelled\n");
}

#[test]
fn a_job_that_waits_for_a_cartridge_runs_its_last_hook_only_when_it_is_cancelled() {
    let house = House::with(TestAppliance::new(1, 32));
    house.hook("dump.sh", "echo dumped >> noted");
    house.hook("tidy.sh", "echo $FOSSILSAFE_OUTCOME >> noted");
    let job = house.begin(Some("dump.sh"), Some("tidy.sh"));
    assert_eq!(house.appliance.wait(job).0, JobState::Waiting);
    assert_eq!(house.noted(), "dumped\n");
    house.appliance.runner().cancel(job).unwrap();
    house.appliance.wait_until("it is over", || {
        (house.appliance.wait(job).0 == JobState::Cancelled).then_some(())
    });
    assert_eq!(house.noted(), "dumped\ncancelled\n");
}

#[test]
fn a_hook_that_a_restart_has_cut_short_runs_again_and_the_backup_is_made() {
    let mut house = House::new();
    let script =
        "echo begun >> noted; [ -e ready ] && exit; echo hangs >> noted; exec sleep 100000";
    house.hook("dump.sh", script);
    house.hook("tidy.sh", "echo $FOSSILSAFE_OUTCOME >> noted");
    let job = house.begin(Some("dump.sh"), Some("tidy.sh"));
    house.wait_for(job, "runs before");
    while !house.noted().contains("hangs") {
        std::thread::yield_now();
    }
    std::fs::write(house.hooks.join("ready"), "").unwrap();
    house.appliance.restart();
    assert_eq!(house.appliance.wait(job).0, JobState::Completed);
    assert_eq!(house.noted(), "begun\nhangs\nbegun\ncompleted\n");
}

#[test]
fn only_what_the_owner_of_the_machine_has_put_there_runs() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("a.sh");
    std::fs::write(&script, "exit 0").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let refused = |name: &str| find(folder.path(), name).unwrap_err().to_string();
    let set_mode = |mode| {
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set_mode(0o755);
    assert_eq!(find(folder.path(), "a.sh").unwrap(), script);
    for name in ["../a.sh", "/bin/sh", ".hidden", "", "a b"] {
        assert!(refused(name).contains("letters, digits"), "{name}");
    }
    assert!(refused("other.sh").contains("No such file"));
    set_mode(0o775);
    assert!(refused("a.sh").contains("may write"));
    std::os::unix::fs::symlink("/bin/true", folder.path().join("link")).unwrap();
    assert!(refused("link").contains("is no file"));
    set_mode(0o755);
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(refused("a.sh").contains("may write"));
}

#[test]
fn a_restore_never_brings_a_hook() {
    let house = House::new();
    let run = house.appliance.backup(&house.source, "s");
    let link = house.appliance.folder("elsewhere").join("link");
    std::os::unix::fs::symlink(&house.hooks, &link).unwrap();
    for to in [&house.hooks, &link] {
        let spec = RestoreSpec { existing: Existing::Replace, ..restore_spec(&run, &[], to) };
        let job = house.appliance.submit(&JobSpec::Restore(spec));
        let (state, end) = house.appliance.wait(job);
        let failure = end.failure.unwrap();
        assert_eq!(
            (state, failure.code.as_str()),
            (JobState::Failed, "destination"),
            "{failure:?}"
        );
    }
    assert_eq!(std::fs::read_dir(&house.hooks).unwrap().count(), 0);
}
