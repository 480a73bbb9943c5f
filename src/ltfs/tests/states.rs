//! Each state of a tape that the fact sheet lists, built on a cartridge, and what a mount makes of
//! it.
//!
//! "The reference mounts it" and "the reference refuses it" are [`Severity::Note`] and
//! [`Severity::Repair`] here; readable it must be in either case.

use super::*;
use crate::drive::ReadOutcome;
use crate::ltfs::check::check;
use crate::ltfs::coherency::Coherency;
use crate::ltfs::error::NotLtfs;
use crate::ltfs::mount::{ChoiceReason, Finding, KnownVolume, Severity, Tail, VolumeLock};
use crate::scsi::opcode;
use crate::vtl::faults::{Effect, Execution, Fault, SensePlan};

/// The leading filemark of generation 3 on the data partition of [`closed_volume`].
pub(super) const LAST_INDEX: u64 = 14;
/// Its leading filemark on the index partition.
pub(super) const INDEX_CONSTRUCT: u64 = 4;

/// The text of the index behind the filemark at `filemark`.
pub(super) fn index_text(drive: &mut Drive, partition: Partition, filemark: u64) -> String {
    drive.locate(Position { partition, block: BlockNumber(filemark + 1) }).unwrap();
    let mut text = Vec::new();
    let mut buffer = vec![0; BLOCK];
    while let ReadOutcome::Block { len } = drive.read_block(&mut buffer).unwrap() {
        text.extend_from_slice(&buffer[..len]);
    }
    String::from_utf8(text).unwrap()
}

/// Writes an index construct; everything behind is gone.
pub(super) fn put_index(drive: &mut Drive, partition: Partition, filemark: u64, text: &str) {
    let mut records = vec![Raw::Filemark];
    records.extend(text.as_bytes().chunks(BLOCK).map(Raw::Block));
    records.push(Raw::Filemark);
    put(drive, partition, filemark, &records);
}

/// Changes the last index of a partition; the volume's memory is stale afterwards.
pub(super) fn edit_index(rig: &Rig, partition: Partition, edit: impl FnOnce(String) -> String) {
    let filemark = if partition == DATA { LAST_INDEX } else { INDEX_CONSTRUCT };
    rig.raw(|drive| {
        let text = index_text(drive, partition, filemark);
        let edited = edit(text.clone());
        assert_ne!(edited, text);
        put_index(drive, partition, filemark, &edited);
    });
}

/// Whose label was believed where they contradict each other.
fn believed(mounted: &MountedVolume) -> PartitionId {
    let found = mounted.findings.iter().find_map(|finding| match finding {
        Finding::LabelsContradict { believed, .. } => Some(*believed),
        _ => None,
    });
    found.unwrap()
}

fn worst(mounted: &MountedVolume) -> Option<Severity> {
    mounted.findings.iter().map(Finding::severity).max()
}

fn tails(mounted: &MountedVolume) -> [Tail; 2] {
    [mounted.index_partition.tail.clone(), mounted.data_partition.tail.clone()]
}

/// The volume is readable; returns it for more.
fn mounts(rig: &Rig, generation: u64, severity: Option<Severity>) -> MountedVolume {
    let mounted = rig.mount();
    assert_eq!(mounted.generation(), generation, "{:#?}", mounted.findings);
    assert_eq!(worst(&mounted), severity, "{:#?}", mounted.findings);
    assert_eq!(mounted.needs_repair(), severity >= Some(Severity::Repair));
    assert_eq!(rig.read(&mounted, "a"), content(1, 10_000));
    if generation >= 3 {
        assert_eq!(rig.read(&mounted, "b"), content(2, 4096));
    }
    for finding in &mounted.findings {
        assert!(!finding.to_string().is_empty());
    }
    assert!(!mounted.index.why.to_string().is_empty());
    mounted
}

#[test]
fn a_clean_volume_mounts_by_the_cartridges_memory_without_a_search() {
    let rig = closed_volume();
    let mounted = rig.mounting(CheckEnds::WhenInDoubt);
    assert_eq!(mounted.findings, []);
    assert_eq!(mounted.index.why.reason, ChoiceReason::MemoryIsCurrent);
    assert_eq!(tails(&mounted), [Tail::NotChecked, Tail::NotChecked]);
    assert_holds_closed(&rig, &mounted);
    assert!(mounted.ensure_appendable().is_err());
}

#[test]
fn a_clean_volume_has_clean_ends() {
    let rig = closed_volume();
    let mounted = mounts(&rig, 3, None);
    assert_eq!(tails(&mounted), [Tail::Clean, Tail::Clean]);
    assert_eq!(mounted.index.why.reason, ChoiceReason::SameOnBoth);
    mounted.ensure_appendable().unwrap();
}

#[test]
fn a_clean_volume_without_memory_is_searched() {
    let rig = closed_volume();
    forget_coherency(&rig);
    let mounted = mounts(&rig, 3, Some(Severity::Note));
    assert!(matches!(
        mounted.findings[..],
        [Finding::CoherencyAbsent(_), Finding::CoherencyAbsent(_)]
    ));
    mounted.ensure_appendable().unwrap();
}

#[test]
fn a_memory_of_version_zero_proves_nothing() {
    let rig = closed_volume();
    rig.raw(|drive| {
        drive.locate(Position::new(0, 0)).unwrap();
        let known = Coherency::read(drive, INDEX).unwrap().unwrap();
        Coherency { version: 0, ..known }.write(drive, INDEX).unwrap();
    });
    let mounted = mounts(&rig, 3, Some(Severity::Note));
    assert_eq!(mounted.findings, [Finding::CoherencyStale]);
}

#[test]
fn a_newer_index_on_the_data_partition_wins_with_fresh_and_with_stale_memory() {
    let rig = closed_volume();
    let mut volume = rig.open();
    add_files(&mut volume, &[("c", content(3, 5000))], IndexPlacement::DataPartition).unwrap();
    drop(volume.into_drive());
    for ends in [CheckEnds::WhenInDoubt, CheckEnds::Always] {
        let mounted = rig.mounting(ends);
        assert_eq!(mounted.generation(), 4);
        assert_eq!(mounted.findings, [Finding::IndexPartitionBehind { index: 3, data: 4 }]);
        assert_eq!(rig.read(&mounted, "c"), content(3, 5000));
    }
    forget_coherency(&rig);
    let mounted = mounts(&rig, 4, Some(Severity::Note));
    assert_eq!(mounted.index.why.reason, ChoiceReason::NewerThanOther { other: 3 });
    mounted.ensure_appendable().unwrap();
}

#[test]
fn an_index_partition_with_its_label_only_is_a_note_or_a_repair_if_the_memory_is_fresh() {
    for is_fresh in [false, true] {
        let rig = closed_volume();
        let map = rig.mount().map;
        rig.raw(|drive| {
            go_and_replace(drive, INDEX, 4);
            drive.erase(crate::drive::Erase::Quick).unwrap();
        });
        if is_fresh {
            refresh_coherency(&rig, &map);
        }
        let severity = if is_fresh { Severity::Repair } else { Severity::Note };
        let mounted = mounts(&rig, 3, Some(severity));
        assert!(mounted.findings.contains(&Finding::NoIndex(map.index.0)));
        assert_eq!(mounted.index.why.reason, ChoiceReason::OnlyOne);
        assert_eq!(mounted.findings.contains(&Finding::CoherencyWrong(map.index.0)), is_fresh);
    }
}

#[test]
fn a_data_partition_without_any_index_is_read_by_the_index_partitions() {
    let rig = Rig::formatted();
    rig.raw(|drive| {
        go_and_replace(drive, DATA, 4);
        drive.erase(crate::drive::Erase::Quick).unwrap();
    });
    let mounted = rig.mount();
    assert_eq!(mounted.generation(), 1);
    assert_eq!(worst(&mounted), Some(Severity::Note));
    assert!(mounted.findings.contains(&Finding::NoIndex(mounted.map.data.0)));
    mounted.ensure_appendable().unwrap();
}

#[test]
fn a_missing_filemark_behind_the_last_index_is_a_note_or_a_repair_if_the_memory_is_fresh() {
    for is_fresh in [false, true] {
        let rig = closed_volume();
        let map = rig.mount().map;
        rig.raw(|drive| {
            let text = index_text(drive, DATA, LAST_INDEX);
            put(drive, DATA, LAST_INDEX, &[Raw::Filemark, Raw::Block(text.as_bytes())]);
        });
        if is_fresh {
            refresh_coherency(&rig, &map);
        }
        let severity = if is_fresh { Severity::Repair } else { Severity::Note };
        let mounted = mounts(&rig, 3, Some(severity));
        assert_eq!(mounted.data_partition.tail, Tail::NoTrailingFilemark);
        assert!(mounted.ensure_appendable().is_err());
    }
}

#[test]
fn blocks_that_no_index_lists_need_a_repair_unless_the_memory_is_fresh() {
    for is_fresh in [false, true] {
        let rig = closed_volume();
        let map = rig.mount().map;
        rig.raw(|drive| {
            let end = end_of(drive, DATA);
            put(drive, DATA, end, &[Raw::Block(&content(9, BLOCK)), Raw::Block(&content(8, 77))]);
        });
        if is_fresh {
            refresh_coherency(&rig, &map);
            assert_eq!(rig.mounting(CheckEnds::WhenInDoubt).findings, []);
        }
        let severity = if is_fresh { Severity::Note } else { Severity::Repair };
        let mounted = mounts(&rig, 3, Some(severity));
        let (from, to) = (BlockNumber(17), Some(BlockNumber(19)));
        assert_eq!(mounted.data_partition.tail, Tail::Data { from, to });
        assert!(mounted.ensure_appendable().is_err());
    }
}

#[test]
fn an_additional_filemark_on_either_partition_needs_a_repair() {
    for partition in [INDEX, DATA] {
        let rig = closed_volume();
        rig.raw(|drive| {
            let end = end_of(drive, partition);
            put(drive, partition, end, &[Raw::Filemark]);
        });
        let mounted = mounts(&rig, 3, Some(Severity::Repair));
        let extra = Tail::ExtraFilemarks { count: 1 };
        assert_eq!(tails(&mounted)[usize::from(partition.0)], extra);
    }
}

#[test]
fn an_index_partition_that_ends_in_data_or_in_a_cut_index_is_passed_over() {
    let rig = closed_volume();
    rig.raw(|drive| {
        let end = end_of(drive, INDEX);
        put(drive, INDEX, end, &[Raw::Block(b"data")]);
    });
    let mounted = mounts(&rig, 3, Some(Severity::Repair));
    assert!(matches!(mounted.index_partition.tail, Tail::Data { .. }));

    let rig = closed_volume();
    edit_index(&rig, INDEX, |text| text[..text.len() - 20].to_owned());
    let mounted = mounts(&rig, 3, Some(Severity::Repair));
    assert!(matches!(mounted.index_partition.tail, Tail::DamagedIndex { .. }));
    assert_eq!(mounted.index.location.partition, mounted.map.data.0);
    assert_eq!(mounted.index.why.passed_over, 1);
}

#[test]
fn a_cut_index_at_the_end_of_data_leaves_the_index_partitions_newer_one() {
    let rig = closed_volume();
    edit_index(&rig, DATA, |text| text[..text.len() / 2].to_owned());
    let mounted = mounts(&rig, 3, Some(Severity::Repair));
    assert_eq!(mounted.index.location.partition, mounted.map.index.0);
    assert!(matches!(mounted.data_partition.tail, Tail::DamagedIndex { .. }));
    assert_eq!(mounted.index.why.reason, ChoiceReason::NewerThanOther { other: 2 });
}

#[test]
fn an_index_partition_that_does_not_lead_back_yields_to_the_data_partition() {
    let previous = "<previousgenerationlocation>\n<partition>b</partition>\n<startblock>15</startblock>\n</previousgenerationlocation>\n";
    for replacement in [String::new(), previous.replace("15", "11")] {
        let rig = closed_volume();
        edit_index(&rig, INDEX, |text| text.replace(previous, &replacement));
        let mounted = mounts(&rig, 3, Some(Severity::Note));
        assert_eq!(mounted.index.location.partition, mounted.map.data.0);
        assert!(mounted.findings.iter().any(|f| matches!(f, Finding::BackPointer { .. })));
        mounted.ensure_appendable().unwrap();
    }
}

#[test]
fn a_broken_chain_on_the_data_partition_is_found_by_a_check_only() {
    let rig = closed_volume();
    let previous = "<previousgenerationlocation>\n<partition>b</partition>\n<startblock>11</startblock>\n</previousgenerationlocation>\n";
    assert!(check(&mut rig.drive(), &rig.mount()).unwrap().is_clean());
    edit_index(&rig, DATA, |text| text.replace(previous, ""));
    let mounted = mounts(&rig, 3, Some(Severity::Note));
    let report = check(&mut rig.drive(), &mounted).unwrap();
    assert_eq!(report.generations.iter().map(|g| g.generation).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(report.broken_chain.len(), 1);
    assert!(!report.is_clean());
}

#[test]
fn an_index_partition_may_be_a_generation_ahead() {
    let rig = closed_volume();
    edit_index(&rig, INDEX, |text| text.replace("number>3<", "number>4<"));
    let mounted = mounts(&rig, 4, Some(Severity::Note));
    assert_eq!(mounted.findings, [Finding::CoherencyStale]);
    assert_eq!(mounted.index.location.partition, mounted.map.index.0);
    mounted.ensure_appendable().unwrap();
}

#[test]
fn an_index_with_a_wrong_place_or_volume_is_passed_over() {
    let edits: [fn(String) -> String; 3] = [
        |text| text.replacen("<startblock>5<", "<startblock>6<", 1),
        |text| {
            text.replacen(
                "<volumeuuid>",
                "<volumeuuid>00000000-0000-4000-8000-000000000000</volumeuuid>\n<x>",
                1,
            )
            .replacen("</volumeuuid>\n<generation", "</x>\n<generation", 1)
        },
        |text| {
            text.replacen(
                "<partition>b</partition>\n<startblock>15<",
                "<partition>a</partition>\n<startblock>15<",
                1,
            )
        },
    ];
    for edit in edits {
        let rig = closed_volume();
        edit_index(&rig, INDEX, edit);
        let mounted = mounts(&rig, 3, Some(Severity::Repair));
        assert!(matches!(mounted.index_partition.tail, Tail::DamagedIndex { .. }));
    }
}

#[test]
fn indexes_that_the_reference_cannot_read_are_passed_over_on_both_partitions() {
    for (from, to) in [
        ("version=\"2.4.0\"", "version=\"3.0.0\""),
        ("<name>b</name>", "<name>b/b</name>"),
        ("<readonly>false</readonly>\n", ""),
    ] {
        let rig = closed_volume();
        for partition in [INDEX, DATA] {
            edit_index(&rig, partition, |text| text.replacen(from, to, 1));
        }
        let mounted = mounts(&rig, 2, Some(Severity::Repair));
        assert_eq!(mounted.index.why.passed_over, 2);
        assert!(matches!(mounted.data_partition.tail, Tail::DamagedIndex { .. }));
    }
}

#[test]
fn a_label_that_contradicts_the_other_or_is_gone_is_damage() {
    let rig = closed_volume();
    let other = closed_volume().mount().label;
    rig.raw(|drive| {
        let records = [other.encode_vol1().to_vec(), other.encode_xml(PartitionId::INDEX)];
        let [vol1, xml] = &records;
        put(drive, INDEX, 0, &[Raw::Block(vol1), Raw::Filemark, Raw::Block(xml), Raw::Filemark]);
    });
    let mounted = mounts(&rig, 3, Some(Severity::Damage));
    assert_eq!(believed(&mounted), PartitionId::DATA);
    rig.raw(|drive| put(drive, INDEX, 0, &[Raw::Block(b"something else")]));
    let mounted = mounts(&rig, 3, Some(Severity::Damage));
    assert!(matches!(mounted.findings[0], Finding::LabelUnusable { .. }));
    assert!(mounted.ensure_appendable().is_err());
    rig.raw(|drive| put(drive, DATA, 0, &[Raw::Block(b"something else")]));
    let refused = rig.try_mount().unwrap_err();
    assert!(matches!(refused, LtfsError::NotLtfs(NotLtfs::NoLabel(_))), "{refused:?}");
}

#[test]
fn cartridges_without_a_volume_are_named() {
    let rig = Rig::new();
    let refused = rig.try_mount().unwrap_err();
    assert!(matches!(refused, LtfsError::NotLtfs(NotLtfs::Blank)), "{refused:?}");
    rig.raw(|drive| put(drive, INDEX, 0, &[Raw::Block(b"a tar archive")]));
    let refused = rig.try_mount().unwrap_err();
    assert!(
        matches!(&refused, LtfsError::NotLtfs(NotLtfs::OnePartition(what)) if what.contains("a tar"))
    );
    rig.raw(|drive| drive.format_partitions(crate::drive::PartitionPlan::ltfs()).unwrap());
    assert!(matches!(rig.try_mount(), Err(LtfsError::NotLtfs(NotLtfs::Blank))));
    let rig = Rig::formatted();
    rig.move_cartridge_out();
    let mut drive = Drive::open(Box::new(rig.library.drive(0)), rig.clock.clone()).unwrap();
    let refused = mount(&mut drive, &rig.mount_options(CheckEnds::Always));
    assert!(matches!(refused, Err(LtfsError::NoCartridge)));
}

#[test]
fn a_volume_without_a_single_index_is_refused_with_what_was_tried() {
    let rig = Rig::formatted();
    for partition in [INDEX, DATA] {
        rig.raw(|drive| {
            let text = index_text(drive, partition, INDEX_CONSTRUCT);
            put_index(drive, partition, INDEX_CONSTRUCT, &text.replace("</ltfsindex>", "</>"));
        });
    }
    assert!(matches!(rig.try_mount(), Err(LtfsError::NoIndex { tried: 2, .. })));
    assert!(is_empty_folder(rig.spool.path()));
}

#[test]
fn another_volume_and_an_older_state_than_known_are_told() {
    let rig = closed_volume();
    let uuid = rig.mount().label.uuid;
    let mut options = rig.mount_options(CheckEnds::Always);
    options.known = Some(KnownVolume { uuid, generation: Some(7) });
    let mounted = mount(&mut rig.drive(), &options).unwrap();
    assert_eq!(mounted.findings, [Finding::OlderThanKnown { known: 7, found: 3 }]);
    let other = crate::domain::VolumeUuid::random();
    options.known = Some(KnownVolume { uuid: other, generation: None });
    let refused = mount(&mut rig.drive(), &options);
    assert!(matches!(refused, Err(LtfsError::WrongVolume { .. })));
}

#[test]
fn locks_of_the_index_and_of_the_memory_forbid_writing() {
    let rig = closed_volume();
    edit_index(&rig, INDEX, |text| {
        text.replacen("<directory>", "<volumelockstate>locked</volumelockstate>\n<directory>", 1)
    });
    let mounted = mounts(&rig, 3, Some(Severity::Note));
    assert_eq!(mounted.lock, Some(VolumeLock::Locked));
    assert!(matches!(mounted.ensure_appendable(), Err(LtfsError::Locked { .. })));
    let mut options = rig.write_options();
    options.locked = Locked::Unlock;
    let mut volume = OpenVolume::begin(rig.drive(), &mounted, options).unwrap();
    add_files(&mut volume, &[], IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    assert_eq!(rig.mount().lock, None);
    for (value, lock) in
        [(1, None), (3, Some(VolumeLock::PermanentlyLocked)), (4, Some(VolumeLock::WriteError))]
    {
        rig.raw(|drive| {
            use crate::drive::{Attribute, AttributeFormat, AttributeId};
            drive.locate(Position::new(0, 0)).unwrap();
            let attribute = Attribute {
                id: AttributeId::VOLUME_LOCK,
                format: AttributeFormat::Binary,
                value: vec![value],
            };
            drive.write_attributes(INDEX, &[attribute]).unwrap();
        });
        assert_eq!(rig.mount().lock, lock);
    }
}

#[test]
fn files_behind_the_end_of_the_data_are_damage() {
    let rig = closed_volume();
    for partition in [INDEX, DATA] {
        edit_index(&rig, partition, |text| text.replacen("<startblock>13<", "<startblock>99<", 1));
    }
    let mounted = rig.mount();
    assert_eq!(worst(&mounted), Some(Severity::Damage));
    let report = check(&mut rig.drive(), &mounted).unwrap();
    assert_eq!(report.out_of_reach.paths, ["/b"]);
}

#[test]
fn an_index_whose_size_is_an_exact_multiple_of_the_block_size_is_read() {
    for blocks in [1, 2] {
        let rig = closed_volume();
        for partition in [INDEX, DATA] {
            edit_index(&rig, partition, |text| {
                let filler = blocks * BLOCK - text.len();
                text.replacen("<directory>", &format!("{}<directory>", " ".repeat(filler)), 1)
            });
        }
        let mounted = mounts(&rig, 3, Some(Severity::Note));
        assert_eq!(tails(&mounted), [Tail::Clean, Tail::Clean]);
        assert_eq!(mounted.index.file.bytes().0 % u64::from(BLOCK_SIZE), 0);
    }
}

impl Rig {
    fn move_cartridge_out(&self) {
        self.drive().unload().unwrap();
        self.move_cartridge(address::drive(0), address::slot(0));
    }
}

/// What a mount passes over is in no index that is written from then on, so one failure to read, a false
/// end of data or the deferred error of an earlier write must not send it to an older index.
#[test]
fn a_drive_that_fails_once_does_not_make_a_mount_choose_an_older_index() {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    add_files(&mut volume, &[("a", content(1, 10_000))], IndexPlacement::Both).unwrap();
    add_files(&mut volume, &[("b", content(2, 4096))], IndexPlacement::DataPartition).unwrap();
    drop(volume.into_drive());
    let newest = rig.mount();
    assert!(newest.generation() > newest.index_partition.last_index.unwrap().generation);

    let failed = |key, code, qualifier| Effect::Sense {
        sense: SensePlan::new(key, code, qualifier),
        execution: Execution::Skipped,
    };
    let late = SensePlan::new(SenseKey::MediumError, 0x0C, 0x00);
    let failures = [
        (opcode::READ_6, failed(SenseKey::MediumError, 0x11, 0x00)),
        (opcode::READ_6, failed(SenseKey::BlankCheck, 0x00, 0x05)),
        (opcode::READ_6, Effect::FlippedBit { bit: Some(13) }),
        (opcode::SPACE_16, failed(SenseKey::MediumError, 0x15, 0x02)),
        (opcode::LOCATE_16, failed(SenseKey::MediumError, 0x15, 0x02)),
        (opcode::READ_6, Effect::DeferredError { sense: late, objects_kept: 0 }),
        (opcode::SPACE_16, Effect::DeferredError { sense: late, objects_kept: 0 }),
    ];
    for (opcode, effect) in failures {
        for nth in 1..=20 {
            rig.set_faults(FaultPlan::of(Fault::at_opcode(opcode, nth, effect.clone())));
            let mounted = rig.mount();
            assert_eq!(mounted.generation(), newest.generation(), "{effect:?} at {nth}");
            assert_eq!(mounted.index.why, newest.index.why, "{effect:?} at {nth}");
        }
    }
}
