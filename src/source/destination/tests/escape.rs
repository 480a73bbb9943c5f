//! Nothing is written outside the destination, whatever stands in it or is put there meanwhile.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::prelude::{Strategy, prop_oneof};

use super::*;

/// A folder with something to lose beside a destination.
struct Ground {
    top: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("outside/dir")).unwrap();
        fs::write(top.path().join("outside/file"), "precious").unwrap();
        fs::create_dir(top.path().join("inside")).unwrap();
        Self { top }
    }

    fn inside(&self) -> std::path::PathBuf {
        self.top.path().join("inside")
    }

    fn assert_outside_untouched(&self) {
        let outside = self.top.path().join("outside");
        assert_eq!(names(&outside), ["dir", "file"]);
        assert_eq!(names(&outside.join("dir")), [""; 0]);
        assert_eq!(fs::read(outside.join("file")).unwrap(), b"precious");
        let status = fs::metadata(outside.join("file")).unwrap();
        assert_ne!(status.mtime(), 1_000_000_000);
        assert_eq!(names(self.top.path()), ["inside", "outside"]);
    }
}

fn try_everything(destination: &Destination, at: &str) {
    let _ = put(destination, at);
    let _ = destination.directory(&path(at), &metadata(0o777));
    let target = b"x".as_slice().into();
    let _ = destination.special(&path(at), &FileKind::Symlink { target }, &metadata(0o777));
    let _ = destination.special(&path(at), &FileKind::Fifo, &metadata(0o777));
    let _ = destination.hard_link(&path(at), &path(at));
}

#[test]
fn nothing_is_written_into_the_appliances_own_folder_however_it_is_reached() {
    let ground = Ground::new();
    let own = ground.top.path().join("outside");
    let options = DestinationOptions { own: Some(own.clone()), ..options(Conflict::Overwrite) };
    symlink(&own, ground.inside().join("link")).unwrap();
    for to in [own.clone(), own.join("dir"), ground.inside().join("link/new/../dir")] {
        let refused = Destination::open(&to, options.clone()).unwrap_err();
        assert!(matches!(refused, DestinationError::Own { .. }), "{}", to.display());
    }
    fs::remove_dir(own.join("new")).unwrap();
    let destination = Destination::open(ground.top.path(), options).unwrap();
    for at in ["outside/file", "outside/dir/new", "outside/new/new", "outside"] {
        assert!(matches!(put(&destination, at), Err(DestinationError::Own { .. })), "{at}");
        try_everything(&destination, at);
    }
    let _ = put(&destination, "inside/new").unwrap();
    ground.assert_outside_untouched();
}

#[test]
fn links_in_the_path_are_not_followed_by_any_verb() {
    for conflict in [Conflict::Refuse, Conflict::SideName, Conflict::Overwrite] {
        let ground = Ground::new();
        symlink("../outside", ground.inside().join("relative")).unwrap();
        symlink(ground.top.path().join("outside"), ground.inside().join("absolute")).unwrap();
        symlink("/", ground.inside().join("root")).unwrap();
        let destination = open(&ground.inside(), conflict);
        let through_root = format!("root{}/outside/file", ground.top.path().display());
        for at in ["relative/file", "absolute/dir/new", "relative/dir", &through_root] {
            assert!(put(&destination, at).is_err(), "{at}");
            try_everything(&destination, at);
        }
        drop(finish(destination));
        ground.assert_outside_untouched();
    }
}

#[test]
fn a_link_under_the_very_name_is_replaced_or_kept_but_never_written_through() {
    for conflict in [Conflict::Refuse, Conflict::SideName, Conflict::Overwrite] {
        let ground = Ground::new();
        symlink("../outside/file", ground.inside().join("a")).unwrap();
        symlink("../outside/dir", ground.inside().join("d")).unwrap();
        symlink("../outside/new", ground.inside().join("n")).unwrap();
        let destination = open(&ground.inside(), conflict);
        for at in ["a", "d", "n"] {
            try_everything(&destination, at);
        }
        drop(finish(destination));
        ground.assert_outside_untouched();
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_link_during_the_restore_is_not_followed() {
    let ground = Ground::new();
    let destination = open(&ground.inside(), Conflict::Overwrite);
    let _ = destination.directory(&path("d"), &metadata(0o777)).unwrap();
    let mut pending = destination.file(&path("d/file"), None).unwrap();
    pending.write_at(CONTENT, 0).unwrap();
    fs::rename(ground.inside().join("d"), ground.inside().join("moved")).unwrap();
    symlink("../outside", ground.inside().join("d")).unwrap();
    // The folder that was opened counts, not what has its name now.
    let _ = pending.commit(8, &metadata(0o777)).unwrap();
    assert_eq!(fs::read(ground.inside().join("moved/file")).unwrap(), CONTENT);
    try_everything(&destination, "d/file");
    let told = finish(destination);
    assert_eq!(told[0].aspect, Aspect::Metadata, "{told:?}");
    ground.assert_outside_untouched();
}

#[test]
fn a_link_that_waits_under_the_temporary_name_is_not_written_through() {
    let ground = Ground::new();
    let destination = open(&ground.inside(), Conflict::Refuse);
    let temporary = place::temporary_name("job-1", &path("a"));
    symlink("../outside/file", ground.inside().join(temporary)).unwrap();
    let _ = put(&destination, "a").unwrap();
    assert_eq!(names(&ground.inside()), ["a"]);
    ground.assert_outside_untouched();
}

/// A step of an adversary or of the restore.
#[derive(Clone, Debug)]
enum Step {
    Link(&'static str, &'static str),
    Restore(&'static str),
}

fn any_step() -> impl Strategy<Value = Step> {
    let name = proptest::sample::select(vec!["a", "b", "a/b", "a/file", "b/dir", "a/b/c"]);
    let target = proptest::sample::select(vec![
        "..",
        "../outside",
        "../outside/dir",
        "../../outside",
        "b",
        "a",
        "/",
        ".",
        "../outside/file",
    ]);
    prop_oneof![
        (name.clone(), target).prop_map(|(name, target)| Step::Link(name, target)),
        name.prop_map(Step::Restore),
    ]
}

fn replace_by_link(at: &Path, target: &str) {
    let is_directory = fs::symlink_metadata(at).is_ok_and(|status| status.is_dir());
    let _ = if is_directory { fs::remove_dir_all(at) } else { fs::remove_file(at) };
    let _ = symlink(target, at);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]

    #[test]
    fn no_order_of_swaps_and_restores_leads_outside(
        steps in proptest::collection::vec(any_step(), 1..12)
    ) {
        let ground = Ground::new();
        let destination = open(&ground.inside(), Conflict::Overwrite);
        for step in steps {
            match step {
                // The adversary too stays inside: he has no rights elsewhere.
                Step::Link(name, target) if !name.contains('/') => {
                    replace_by_link(&ground.inside().join(name), target);
                }
                Step::Link(..) => {}
                Step::Restore(at) => try_everything(&destination, at),
            }
        }
        drop(finish(destination));
        ground.assert_outside_untouched();
    }
}
