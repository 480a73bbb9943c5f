//! A machine of some disks, as files: which of them are offered, and what is written to the one that is taken.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::domain::VirtualClock;

const GB: u64 = 1_000_000_000;

struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        machine.write("proc/self/mountinfo", "36 1 8:2 / / rw - ext4 /dev/sda2 rw\n");
        machine
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn disk(&self, name: &str, number: &str, bytes: u64) {
        let at = |file: &str| format!("sys/block/{name}/{file}");
        self.write(&at("size"), &format!("{}\n", bytes / 512));
        self.write(&at("ro"), "0\n");
        self.write(&at("dev"), &format!("{number}\n"));
        self.write(&at("device/model"), "FAST   DISK  1\n");
    }

    fn partition(&self, disk: &str, number: &str, name: &str) {
        let at = |file: &str| format!("sys/block/{disk}/{disk}1/{file}");
        self.write(&at("partition"), "1\n");
        self.write(&at("dev"), &format!("{number}\n"));
        self.write(&at("uevent"), &format!("DEVTYPE=partition\nPARTNAME={name}\n"));
    }

    fn keeper(&self, make_file_system: &'static str) -> StagingDiskKeeper {
        StagingDiskKeeper::of(self.root(), make_file_system, Arc::new(VirtualClock::default()))
    }
}

fn why_not(disks: &StagingDisks, name: &str) -> Option<String> {
    let disk = disks.disks.iter().find(|disk| disk.name == name);
    disk.unwrap_or_else(|| panic!("{disks:?}")).why_not.clone()
}

#[test]
fn only_disks_that_nothing_uses_are_offered_and_of_the_others_it_is_said_why() {
    let machine = Machine::new();
    machine.disk("sda", "8:0", 100 * GB);
    machine.partition("sda", "8:2", "root");
    machine.disk("sdb", "8:16", 2000 * GB);
    machine.disk("sdc", "8:32", 100 * GB);
    machine.partition("sdc", "8:33", "fossilsafe-data");
    machine.disk("sdd", "8:48", 4 * GB);
    machine.disk("sde", "8:64", 0);
    machine.disk("sdf", "8:80", 100 * GB);
    machine.write("sys/block/sdf/ro", "1\n");
    machine.disk("sdg", "8:96", 100 * GB);
    machine.write("sys/block/sdg/holders/dm-0", "");
    machine.disk("loop0", "7:0", 100 * GB);
    let disks = machine.keeper("false").disks();
    assert_eq!(disks.disks.len(), 7, "{disks:?}");
    assert_eq!(why_not(&disks, "sdb"), None);
    for (name, why) in [
        ("sda", "mounted"),
        ("sdc", "FossilSafe system"),
        ("sdd", "smaller"),
        ("sde", "nothing is in it"),
        ("sdf", "write-protected"),
        ("sdg", "built upon"),
    ] {
        assert!(why_not(&disks, name).unwrap().contains(why), "{name}");
    }
    let sdb = disks.disks.iter().find(|disk| disk.name == "sdb").unwrap();
    assert_eq!((sdb.size_bytes, sdb.model.as_deref()), (2000 * GB, Some("FAST DISK 1")));
    assert_eq!((sdb.is_staging, &sdb.content), (false, &None));
    let sdc = disks.disks.iter().find(|disk| disk.name == "sdc").unwrap();
    assert_eq!(sdc.content.as_deref(), Some("a partition"));
}

#[test]
fn while_there_is_a_staging_disk_no_other_is_taken() {
    let machine = Machine::new();
    machine.disk("sdb", "8:16", 100 * GB);
    machine.disk("sdc", "8:32", 100 * GB);
    machine.write("run/udev/data/b8:16", "E:ID_FS_TYPE=ext4\nE:ID_FS_LABEL=fossil-staging\n");
    let mounts = "99 1 8:16 / /srv/staging rw - ext4 /dev/sdb rw\n";
    machine.write("proc/self/mountinfo", mounts);
    let disks = machine.keeper("false").disks();
    assert!(disks.disks[0].is_staging);
    assert_eq!(disks.folder.as_deref(), Some(Path::new("/srv/staging")));
    assert!(why_not(&disks, "sdc").unwrap().contains("sdb is the staging disk"));
    let error = machine.keeper("true").format("sdb", "erase sdb").unwrap_err();
    assert_eq!(error.kind(), StagingDiskErrorKind::InUse);
}

#[test]
fn nothing_is_written_to_a_disk_that_was_not_named_to_the_letter() {
    let machine = Machine::new();
    machine.disk("sdb", "8:16", 8 * GB);
    machine.write("dev/sdb", "what is on it");
    let keeper = machine.keeper("true");
    for (name, typed, kind) in [
        ("sdb", "", StagingDiskErrorKind::NotConfirmed),
        ("sdb", "erase sdc", StagingDiskErrorKind::NotConfirmed),
        ("sdb", "Erase sdb", StagingDiskErrorKind::NotConfirmed),
        ("sdx", "erase sdx", StagingDiskErrorKind::Unknown),
        ("../sdb", "erase ../sdb", StagingDiskErrorKind::Unknown),
    ] {
        let error = keeper.format(name, typed).unwrap_err();
        assert_eq!(error.kind(), kind, "{name} {typed}: {error}");
    }
    assert_eq!(fs::read_to_string(machine.root().join("dev/sdb")).unwrap(), "what is on it");
}

#[test]
fn a_disk_that_is_taken_loses_its_old_tables_and_a_failure_of_mkfs_is_told() {
    let machine = Machine::new();
    machine.disk("sdb", "8:16", 8 * GB);
    let device = machine.root().join("dev/sdb");
    machine.write("dev/sdb", "");
    let file = fs::File::options().write(true).open(&device).unwrap();
    file.set_len(8 * GB / 512 * 512).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"EFI PART", 512).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"EFI PART", 8 * GB - 512).unwrap();
    let error = machine.keeper("false").format("sdb", "erase sdb").unwrap_err();
    assert!(matches!(error, StagingDiskError::Format { .. }), "{error}");
    let mut first = [1; 8];
    let mut last = [1; 8];
    let file = fs::File::open(&device).unwrap();
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut first, 512).unwrap();
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, 8 * GB - 512).unwrap();
    assert_eq!((first, last), ([0; 8], [0; 8]));
    let unmounted = machine.keeper("true").format("sdb", "erase sdb").unwrap_err();
    assert!(unmounted.to_string().contains("was not mounted"), "{unmounted}");
    // It is mounted by others, who see the label; here that is said beforehand.
    let mounts = "99 1 8:99 / /srv/staging rw - ext4 /dev/sdz rw\n";
    machine.write("proc/self/mountinfo", mounts);
    machine.keeper("true").format("sdb", "erase sdb").unwrap();
    let line = br#"{"order":"format","disk":"sdb","typed":"erase"}"#;
    let answer = answer_staging_disk(&machine.keeper("true"), line).unwrap();
    assert!(String::from_utf8(answer).unwrap().contains("not_confirmed"));
}
