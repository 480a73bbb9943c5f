//! What is swept: each scenario prepares a library and a host, and names the one task that is disturbed.

use std::path::{Path, PathBuf};

use fossilsafe::domain::{Barcode, ByteCount, MIB, RunId, SetName};
use fossilsafe::jobs::spec::{
    BackupMode, BackupSpec, Compression, EraseConsent, Existing, FormatSpec, Hooks,
    MissingCartridge, MoveSpec, Place, Priority, RebuildSpec, RestoreSelection, RestoreSpec,
    SelfTestSpec, VerifyScope, VerifySpec,
};
use fossilsafe::jobs::{JobSpec, pool};
use fossilsafe::keys::asked_groups;
use fossilsafe::keys::sealed::KeySource as _;
use fossilsafe::pools::{Encryption, KeyPlace};
use fossilsafe::scsi::opcode;

use crate::host::Failed;
use crate::rig::Rig;
use crate::tree::{noise, write};
use crate::wire::{Blow, Count, Cut, Strike};

/// What is done while something happens.
#[derive(Clone, Debug)]
pub(crate) enum Task {
    Job(JobSpec),
    /// `fossilsafe ltfs repair`, which is no job.
    Repair(Barcode),
}

/// What must be true when the task was completed, beside what must always be true.
#[derive(Clone, Debug)]
pub(crate) enum Goal {
    /// The catalog and the tape name the same empty volume.
    Formatted(Barcode),
    /// Every file of the folder is called indexed, and so many volumes hold it.
    Kept(PathBuf, usize),
    /// The second folder is like the first.
    Restored(PathBuf, PathBuf),
    /// Every file of the folder is called read back.
    ReadBack(PathBuf),
    /// The catalog makes the claims again that the lost one had made.
    Rebuilt,
    /// The cartridge is there.
    Moved(Barcode, fossilsafe::vtl::Place),
    /// The volume ends as after a clean close.
    Repaired(Barcode),
}

/// A prepared scenario.
pub(crate) struct Prepared {
    pub(crate) task: Task,
    pub(crate) goal: Goal,
    /// Cartridges that may be written; to all others no command that writes may go.
    pub(crate) may_write: Vec<Barcode>,
}

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// MiB of a cartridge's data partition.
    pub(crate) data_mib: u64,
    pub(crate) prepare: fn(&mut Rig) -> Result<Prepared, Failed>,
}

/// All of them.
pub(crate) const SCENARIOS: [Scenario; 15] = [
    Scenario { name: "format", data_mib: 64, prepare: format },
    Scenario { name: "backup", data_mib: 64, prepare: backup },
    Scenario { name: "append", data_mib: 64, prepare: append },
    Scenario { name: "incremental", data_mib: 64, prepare: incremental },
    Scenario { name: "spanning", data_mib: 24, prepare: spanning },
    Scenario { name: "copies", data_mib: 64, prepare: copies },
    Scenario { name: "sealed", data_mib: 64, prepare: sealed },
    Scenario { name: "by-drive", data_mib: 64, prepare: by_drive },
    Scenario { name: "restore", data_mib: 64, prepare: restore },
    Scenario { name: "verify", data_mib: 64, prepare: verify },
    Scenario { name: "repair", data_mib: 64, prepare: repair },
    Scenario { name: "rebuild", data_mib: 64, prepare: rebuild },
    Scenario { name: "move", data_mib: 64, prepare: move_by_robot },
    Scenario { name: "move-from-drive", data_mib: 64, prepare: move_from_drive },
    Scenario { name: "self-test", data_mib: 16, prepare: self_test },
];

/// Cartridges of every library. The last two are a stranger's and a blank one.
pub(crate) const CARTRIDGES: u16 = 5;
/// Those that are formatted for the sets.
const OURS: std::ops::RangeInclusive<u16> = 1..=3;

pub(crate) fn barcode(number: u16) -> Result<Barcode, Failed> {
    Ok(format!("FSP{number:03}L9").parse()?)
}

fn ours() -> Result<Vec<Barcode>, Failed> {
    OURS.map(barcode).collect()
}

fn format_job(barcode: Barcode) -> JobSpec {
    let (volume_name, erase) = (None, EraseConsent::BlankOnly);
    JobSpec::Format(FormatSpec { barcode, volume_name, erase })
}

fn backup_job(folder: &Path, mode: BackupMode) -> Result<JobSpec, Failed> {
    Ok(JobSpec::Backup(backup_spec(folder, mode)?))
}

fn backup_spec(folder: &Path, mode: BackupMode) -> Result<BackupSpec, Failed> {
    Ok(BackupSpec {
        set: "set".parse::<SetName>()?,
        paths: vec![folder.to_owned()],
        mode,
        exclude: Vec::new(),
        compression: Compression::None,
        cartridges: Vec::new(),
        copies: None,
        pool: None,
        // Two blocks: an index in the middle of even a small tree.
        index_interval: ByteCount(MIB),
        hooks: Hooks::default(),
        priority: Priority::default(),
    })
}

/// Packed small files, a file over several blocks, links, an empty file, a name of its own.
fn small_tree(folder: &Path) -> Result<(), Failed> {
    for number in 0..24_u64 {
        let size = usize::try_from(number * 997 % 20_000)?;
        write(&folder.join(format!("d{}/f{number}", number % 4)), &noise(number, size));
    }
    write(&folder.join("large"), &noise(100, 1_400_000));
    write(&folder.join("later/a:b"), &noise(101, 300_000));
    write(&folder.join("later/more"), &noise(102, 700_000));
    std::os::unix::fs::symlink("large", folder.join("link"))?;
    std::fs::hard_link(folder.join("large"), folder.join("later/same"))?;
    Ok(())
}

/// The tree some time later.
fn change_tree(folder: &Path) -> Result<(), Failed> {
    std::fs::remove_file(folder.join("d1/f1"))?;
    for number in 4..8_u64 {
        write(&folder.join(format!("d{}/f{number}", number % 4)), &noise(200 + number, 9_000));
    }
    write(&folder.join("new/large"), &noise(210, 1_100_000));
    write(&folder.join("new/small"), &noise(211, 5_000));
    Ok(())
}

/// Three formatted cartridges, a stranger's, and a blank one.
fn shelf(rig: &mut Rig) -> Result<(), Failed> {
    let stranger = rig.folder("stranger")?;
    write(&stranger.join("theirs"), &noise(7, 900_000));
    rig.complete(&format_job(barcode(4)?))?;
    rig.complete(&backup_job(&stranger, BackupMode::Full)?)?;
    rig.forget_everything()?;
    for number in OURS {
        rig.complete(&format_job(barcode(number)?))?;
    }
    Ok(())
}

fn run_of(rig: &mut Rig, spec: &JobSpec) -> Result<RunId, Failed> {
    let end = rig.complete(spec)?;
    Ok(end.outcome.and_then(|outcome| outcome.run).ok_or("the backup made no run")?)
}

fn format(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let blank = barcode(5)?;
    Ok(Prepared {
        task: Task::Job(format_job(blank.clone())),
        goal: Goal::Formatted(blank.clone()),
        may_write: vec![blank],
    })
}

fn backup(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let source = rig.folder("source")?;
    small_tree(&source)?;
    let task = Task::Job(backup_job(&source, BackupMode::Full)?);
    Ok(Prepared { task, goal: Goal::Kept(source, 1), may_write: ours()? })
}

fn second_run(rig: &mut Rig, mode: BackupMode) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let source = rig.folder("source")?;
    small_tree(&source)?;
    rig.complete(&backup_job(&source, BackupMode::Full)?)?;
    change_tree(&source)?;
    let task = Task::Job(backup_job(&source, mode)?);
    Ok(Prepared { task, goal: Goal::Kept(source, 1), may_write: ours()? })
}

fn append(rig: &mut Rig) -> Result<Prepared, Failed> {
    second_run(rig, BackupMode::Full)
}

fn incremental(rig: &mut Rig) -> Result<Prepared, Failed> {
    second_run(rig, BackupMode::Incremental)
}

fn spanning(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let source = rig.folder("source")?;
    for number in 0..3_u64 {
        write(&source.join(format!("big{number}")), &noise(300 + number, 7 * 1024 * 1024));
    }
    for number in 0..6_u64 {
        write(&source.join(format!("small/f{number}")), &noise(310 + number, 30_000));
    }
    let spec = backup_spec(&source, BackupMode::Full)?;
    let task =
        Task::Job(JobSpec::Backup(BackupSpec { index_interval: ByteCount(6 * MIB), ..spec }));
    Ok(Prepared { task, goal: Goal::Kept(source, 1), may_write: ours()? })
}

/// One read of the source for two drives.
fn copies(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let source = rig.folder("source")?;
    small_tree(&source)?;
    let spec = BackupSpec { copies: Some(2), ..backup_spec(&source, BackupMode::Full)? };
    let task = Task::Job(JobSpec::Backup(spec));
    Ok(Prepared { task, goal: Goal::Kept(source, 2), may_write: ours()? })
}

/// Compressed and sealed: what stands on the tape is not what was read.
fn sealed(rig: &mut Rig) -> Result<Prepared, Failed> {
    encrypted(rig, Encryption::Sealed, Compression::Zstd { level: 1 })
}

/// Encrypted by the drive: each load has to set the key anew, and labels and indexes stay clear.
fn by_drive(rig: &mut Rig) -> Result<Prepared, Failed> {
    encrypted(rig, Encryption::Drive, Compression::None)
}

fn encrypted(
    rig: &mut Rig,
    encryption: Encryption,
    compression: Compression,
) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let source = rig.folder("source")?;
    small_tree(&source)?;
    write(&source.join("text"), "thirty years of photographs. ".repeat(40_000).as_bytes());
    let parts = &rig.host()?.parts;
    let (ring, now) = (parts.keys.ring(), parts.clock.now());
    let kit = ring.kit_to_print(now)?;
    let text = kit.text().to_string();
    let groups: Vec<_> = text.split('-').collect();
    let asked = asked_groups(kit.public().id());
    let typed: Vec<_> = asked.iter().map(|number| groups[number - 1].to_owned()).collect();
    ring.confirm_kit(&typed, now)?;
    let key = pool::create(parts, "safe".parse()?, encryption, KeyPlace::Appliance)?
        .key
        .ok_or("a pool without a key")?;
    let key = ring.data_key(key).ok_or("the pool's key is not there")?.drive_key();
    rig.drive_keys.push(key);
    let spec = BackupSpec {
        pool: Some("safe".parse()?),
        compression,
        ..backup_spec(&source, BackupMode::Full)?
    };
    let task = Task::Job(JobSpec::Backup(spec));
    Ok(Prepared { task, goal: Goal::Kept(source, 1), may_write: ours()? })
}

fn restore(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let source = rig.folder("source")?;
    small_tree(&source)?;
    run_of(rig, &backup_job(&source, BackupMode::Full)?)?;
    change_tree(&source)?;
    let run = run_of(rig, &backup_job(&source, BackupMode::Incremental)?)?;
    let destination = rig.host_folder().join("back");
    let selection = RestoreSelection { run, paths: vec![source.clone()] };
    let goal = Goal::Restored(source.clone(), destination.join(source.strip_prefix("/")?));
    let task = Task::Job(JobSpec::Restore(RestoreSpec {
        selection,
        destination,
        existing: Existing::Keep,
        missing: MissingCartridge::Wait,
        priority: Priority::default(),
    }));
    Ok(Prepared { task, goal, may_write: Vec::new() })
}

fn verify(rig: &mut Rig) -> Result<Prepared, Failed> {
    second_run(rig, BackupMode::Incremental)?;
    let source = rig.folder("source")?;
    rig.complete(&backup_job(&source, BackupMode::Incremental)?)?;
    let scope = VerifyScope::Set("set".parse()?);
    let task = Task::Job(JobSpec::Verify(VerifySpec::from(scope)));
    Ok(Prepared { task, goal: Goal::ReadBack(source), may_write: Vec::new() })
}

/// A volume with data behind its last index: a backup that died in the middle.
fn repair(rig: &mut Rig) -> Result<Prepared, Failed> {
    second_run(rig, BackupMode::Full)?;
    let source = rig.folder("source")?;
    let spec = backup_job(&source, BackupMode::Full)?;
    // Behind the index in the middle, and some blocks more.
    let (count, blow) = (Count::Opcode(opcode::WRITE_6), Blow::Cut(Cut::HostGone));
    rig.lose_host(&spec, Strike { count, at: 5, blow })?;
    rig.forget_everything()?;
    let volume = barcode(1)?;
    let goal = Goal::Repaired(volume.clone());
    Ok(Prepared { task: Task::Repair(volume.clone()), goal, may_write: vec![volume] })
}

fn rebuild(rig: &mut Rig) -> Result<Prepared, Failed> {
    second_run(rig, BackupMode::Incremental)?;
    let source = rig.folder("source")?;
    rig.complete(&backup_job(&source, BackupMode::Incremental)?)?;
    rig.forget_catalog()?;
    let task = Task::Job(JobSpec::Rebuild(RebuildSpec::default()));
    Ok(Prepared { task, goal: Goal::Rebuilt, may_write: Vec::new() })
}

fn move_job(from: Place, to: Place) -> JobSpec {
    JobSpec::Move(MoveSpec { from, to })
}

fn move_by_robot(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let (from, to) = (Place::Slot(0), Place::Slot(10));
    let goal = Goal::Moved(barcode(1)?, fossilsafe::vtl::Place::Slot(10));
    Ok(Prepared { task: Task::Job(move_job(from, to)), goal, may_write: Vec::new() })
}

fn move_from_drive(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    rig.complete(&move_job(Place::Slot(1), Place::Drive(1)))?;
    let goal = Goal::Moved(barcode(2)?, fossilsafe::vtl::Place::Slot(1));
    let task = Task::Job(move_job(Place::Drive(1), Place::Slot(1)));
    Ok(Prepared { task, goal, may_write: Vec::new() })
}

/// Two formats, and blocks behind the index of the first.
fn self_test(rig: &mut Rig) -> Result<Prepared, Failed> {
    shelf(rig)?;
    let blank = barcode(5)?;
    Ok(Prepared {
        task: Task::Job(JobSpec::SelfTest(SelfTestSpec { cartridge: Some(blank.clone()) })),
        goal: Goal::Formatted(blank.clone()),
        may_write: vec![blank],
    })
}
