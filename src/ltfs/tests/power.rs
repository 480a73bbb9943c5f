//! Power failure at each command of a format and of a session that appends and closes.
//!
//! A first pass counts the commands; then the session runs once for each, with the power failing around
//! that one. Afterwards a mount must work (or say honestly that there is no volume), and everything that
//! a synchronised index listed must be readable.

use super::*;
use crate::ltfs::error::NotLtfs;
use crate::ltfs::mount::Severity;
use crate::ltfs::repair::repair;
use crate::vtl::Device;
use crate::vtl::faults::{Effect, Fault, PowerMoment};

/// Commands to drive 0 so far.
fn commands(rig: &Rig) -> u64 {
    u64::try_from(rig.library.log().of_device(Device::Drive(0)).len()).unwrap()
}

fn power_fails(nth: u64, moment: PowerMoment) -> FaultPlan {
    let effect = Effect::PowerFailure { moment };
    FaultPlan::of(Fault::at_command(nth, effect).on(Device::Drive(0)))
}

/// What the session got on tape for certain, as far as it was told.
#[derive(Default)]
struct Certain {
    generation: u64,
    files: usize,
}

const SESSION: [(&str, IndexPlacement); 3] = [
    ("x", IndexPlacement::DataPartition),
    ("y", IndexPlacement::Both),
    ("z", IndexPlacement::Both),
];

fn session_content(number: usize) -> Vec<u8> {
    content(u64::try_from(number).unwrap() + 50, 3000 + number * 4000)
}

/// Mounts, appends three files, each with an index, and closes.
fn session(rig: &Rig, certain: &mut Certain) -> Result<(), LtfsError> {
    let transport = Box::new(rig.library.drive(0));
    let mut drive =
        Drive::open(transport, rig.clock.clone()).map_err(LtfsError::drive("open the drive"))?;
    let mounted = mount(&mut drive, &rig.mount_options(CheckEnds::Always))?;
    let begun = OpenVolume::begin(drive, &mounted, rig.write_options());
    let mut volume = begun.map_err(|refused| refused.error)?;
    certain.generation = volume.generation();
    for (number, (file, placement)) in SESSION.into_iter().enumerate() {
        let written = add_files(&mut volume, &[(file, session_content(number))], placement);
        certain.files = number + usize::from(volume.generation() > certain.generation);
        certain.generation = volume.generation();
        written?.coherency?;
    }
    volume.close().map_err(|failed| failed.1)?;
    Ok(())
}

#[test]
fn power_failure_at_each_command_of_an_append_and_close_loses_nothing_that_was_indexed() {
    let counted = closed_volume();
    let before = commands(&counted);
    session(&counted, &mut Certain::default()).unwrap();
    let total = commands(&counted) - before;
    assert!(total > 50, "{total}");
    for moment in [PowerMoment::Before, PowerMoment::During] {
        for nth in 1..=total {
            let rig = closed_volume();
            rig.set_faults(power_fails(nth, moment));
            let mut certain = Certain::default();
            let failed = session(&rig, &mut certain).is_err();
            assert!(failed, "power failed {moment:?} command {nth} of {total} unnoticed");
            rig.set_faults(FaultPlan::default());
            rig.library.power_on();
            let what = format!("{moment:?} command {nth} of {total}");
            let mounted = rig.mount();
            assert!(mounted.generation() >= certain.generation, "{what}");
            assert_holds_closed(&rig, &mounted);
            for (number, (file, _)) in SESSION.into_iter().enumerate().take(certain.files) {
                assert_eq!(rig.read(&mounted, file), session_content(number), "{what}");
            }
            goes_on(&rig, mounted, &what);
        }
    }
}

/// After a repair, where one is needed, the volume takes more and holds everything that it held.
fn goes_on(rig: &Rig, mounted: MountedVolume, what: &str) {
    let held: Vec<bool> = SESSION.iter().map(|(file, _)| find(&mounted, file).is_some()).collect();
    if mounted.ensure_appendable().is_err() {
        let repaired = repair(rig.drive(), &mounted, rig.write_options(), None);
        let (_, repaired) =
            repaired.unwrap_or_else(|refused| panic!("{what}: {:?}", refused.error));
        let left = repaired.left.iter().filter(|finding| finding.severity() > Severity::Note);
        assert_eq!(left.count(), 0, "{what}: {:?}", repaired.left);
    }
    let mut volume = rig.open();
    add_files(&mut volume, &[("after", content(99, 5000))], IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    let mounted = rig.mount();
    assert_eq!(rig.read(&mounted, "after"), content(99, 5000), "{what}");
    assert_holds_closed(rig, &mounted);
    for (number, (file, _)) in SESSION.into_iter().enumerate().filter(|(n, _)| held[*n]) {
        assert_eq!(rig.read(&mounted, file), session_content(number), "{what}");
    }
}

#[test]
fn power_failure_at_each_command_of_a_format_leaves_no_volume_or_a_good_one() {
    let counted = closed_volume();
    let mut drive = counted.drive();
    let before = commands(&counted);
    format(&mut drive, &counted.format_options()).unwrap();
    let total = commands(&counted) - before;
    assert!(total > 30, "{total}");
    for moment in [PowerMoment::Before, PowerMoment::During] {
        for nth in 1..=total {
            let rig = closed_volume();
            let old = rig.mount().label.uuid;
            let mut drive = rig.drive();
            rig.set_faults(power_fails(nth, moment));
            let formatted = format(&mut drive, &rig.format_options());
            assert!(formatted.is_err(), "power failed {moment:?} command {nth} unnoticed");
            drop(drive);
            rig.set_faults(FaultPlan::default());
            rig.library.power_on();
            match rig.try_mount() {
                Ok(mounted) if mounted.label.uuid == old => assert_holds_closed(&rig, &mounted),
                Ok(mounted) => assert_eq!(mounted.generation(), 1),
                Err(LtfsError::NotLtfs(
                    NotLtfs::Blank | NotLtfs::NoLabel(_) | NotLtfs::OnePartition(_),
                ))
                | Err(LtfsError::NoIndex { .. }) => {}
                Err(error) => panic!("{moment:?} command {nth} of {total}: {error:?}"),
            }
            rig.format();
            assert_eq!(rig.mount().findings, []);
        }
    }
}

#[test]
fn a_silent_reset_with_a_full_buffer_is_noticed_before_the_next_index() {
    let rig = closed_volume();
    let mut volume = rig.open();
    append(&mut volume, &content(3, 20 * BLOCK)).unwrap();
    let opcode = crate::scsi::opcode::WRITE_FILEMARKS_6;
    let reset = Effect::Reset { unit_attention: false };
    rig.set_faults(FaultPlan::of(Fault::at_opcode(opcode, 1, reset)));
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    assert!(volume.write_index(&mut tree, IndexPlacement::Both).is_err());
    assert!(volume.is_stopped());
}
