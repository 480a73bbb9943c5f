//! Input that nobody bounds: what begins like an index and is none, numbers at their end, a way
//! back that is damaged.

use super::*;
use crate::ltfs::coherency::Coherency;
use crate::ltfs::rollback::generations;
use crate::ltfs::tests::states::{LAST_INDEX, edit_index, index_text};
use crate::ltfs::writer::Refused;
use crate::vtl::faults::{Effect, Execution, Fault, SensePlan};

/// Blocks behind the last index, so many that copying them would show.
const BLOCKS: usize = 200;

fn blocks_read(rig: &Rig, work: impl FnOnce()) -> usize {
    let before = rig.library.log().last_number();
    work();
    let log = rig.library.log();
    log.since(before).iter().filter(|record| record.cdb.opcode() == opcode::READ_6).count()
}

/// Puts a block that begins like an index, and many more, behind the last index of the data
/// partition.
fn stray_index(rig: &Rig, edit: impl FnOnce(String) -> String) {
    rig.raw(|drive| {
        let mut text = edit(index_text(drive, DATA, LAST_INDEX));
        text.truncate(BLOCK);
        let mut first = text.into_bytes();
        first.resize(BLOCK, b' ');
        let filler = content(7, BLOCK);
        let mut records = vec![Raw::Block(&first)];
        records.extend((0..BLOCKS).map(|_| Raw::Block(&filler)));
        let end = end_of(drive, DATA);
        put(drive, DATA, end, &records);
    });
}

/// Goal: a person who backs up index files (ours are kept off the tape) does not make the volume
/// unmountable by it. Method: power fails after blocks that begin with one; a mount must not copy
/// all of them.
#[test]
fn data_that_begins_like_an_index_is_not_copied() {
    type Edit = fn(String) -> String;
    let foreign: Edit = |text| {
        let at = text.find("<volumeuuid>").unwrap() + "<volumeuuid>".len();
        format!("{}00000000-0000-4000-8000-000000000000{}", &text[..at], &text[at + 36..])
    };
    let cases: [(Edit, &str); 3] = [
        (foreign, "it belongs to volume 00000000-0000-4000-8000-000000000000"),
        (|text| text, "it says that it stands at block 15 of partition b"),
        (|text| text.replacen("<creator>", "<creator/><creator>", 1), "<creator> is missing"),
    ];
    for (edit, why) in cases {
        let rig = closed_volume();
        stray_index(&rig, edit);
        let mut mounted = None;
        let count = blocks_read(&rig, || mounted = Some(rig.mount()));
        assert!(count < 40, "{count} blocks were read");
        let mounted = mounted.unwrap();
        assert_eq!(mounted.generation(), 3);
        let Tail::DamagedIndex { at, why: said } = &mounted.data_partition.tail else {
            panic!("{:?}", mounted.findings)
        };
        assert_eq!(*at, BlockNumber(17));
        assert!(said.contains(why), "{said}");
        assert_holds_closed(&rig, &mounted);
        let listed = generations(&mut rig.drive(), &mounted).unwrap();
        assert_eq!(listed.iter().map(|index| index.generation).collect::<Vec<_>>(), [3, 2, 1]);
        let Mended::Done(5, left) = mend(&rig, &mounted) else { panic!("not repaired") };
        assert_eq!(left, [""; 0]);
        assert_holds_closed(&rig, &rig.mount());
    }
}

/// Goal: blocks behind an index that fills its last block exactly and lost its filemark are not
/// taken for its continuation.
#[test]
fn blocks_behind_a_full_index_without_its_filemark_are_no_part_of_it() {
    let rig = closed_volume();
    rig.raw(|drive| {
        let text = index_text(drive, DATA, LAST_INDEX);
        let filler = " ".repeat(BLOCK - text.len());
        let text = text.replacen("<directory>", &format!("{filler}<directory>"), 1);
        assert_eq!(text.len(), BLOCK);
        let stray = content(7, BLOCK);
        let mut records = vec![Raw::Filemark, Raw::Block(text.as_bytes())];
        records.extend((0..BLOCKS).map(|_| Raw::Block(&stray)));
        put(drive, DATA, LAST_INDEX, &records);
    });
    let mut mounted = None;
    let count = blocks_read(&rig, || mounted = Some(rig.mount()));
    assert!(count < 40, "{count} blocks were read");
    let mounted = mounted.unwrap();
    let (from, to) = (BlockNumber(16), Some(BlockNumber(16 + 200)));
    assert_eq!(mounted.data_partition.tail, Tail::Data { from, to });
    assert_eq!(mounted.data_partition.last_index.unwrap().generation, 3);
    assert_holds_closed(&rig, &mounted);
    let Mended::Done(4, left) = mend(&rig, &mounted) else { panic!("not repaired") };
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_volume_at_the_end_of_its_numbers_is_read_and_not_written() {
    let cases = [
        ("number>3<", "number>4294967295<", "its index has no generations left"),
        (
            "<highestfileuid>3<",
            "<highestfileuid>18446744073709551615<",
            "its index has no numbers left for new files",
        ),
    ];
    for (from, to, why) in cases {
        let rig = closed_volume();
        for partition in [INDEX, DATA] {
            edit_index(&rig, partition, |text| text.replacen(from, to, 1));
        }
        let mounted = rig.mount();
        assert_holds_closed(&rig, &mounted);
        let Refused { error, .. } =
            *OpenVolume::begin(rig.drive(), &mounted, rig.write_options()).map(drop).unwrap_err();
        assert_eq!(error.to_string(), format!("the cartridge cannot be written: {why}"));
    }
}

/// Goal: an index behind a place that cannot be crossed is found where something points to it.
/// Method: the drive fails to space back over the last index's leading filemark, and that index is
/// damaged.
#[test]
fn a_way_back_that_is_damaged_is_passed_by_pointers() {
    let rig = closed_volume();
    edit_index(&rig, INDEX, |text| text.replacen("number>3<", "number>x<", 1));
    edit_index(&rig, DATA, |text| text.replacen("number>3<", "number>x<", 1));
    // The memory says where generation 2 stands, as it would if it had been the last one.
    rig.raw(|drive| {
        drive.locate(Position::new(0, 0)).unwrap();
        let known = Coherency::read(drive, DATA).unwrap().unwrap();
        Coherency { generation: 2, block: BlockNumber(11), ..known }.write(drive, DATA).unwrap();
    });
    let sense = SensePlan::new(SenseKey::MediumError, 0x11, 0);
    let mut fault = Fault::at_opcode(
        opcode::SPACE_16,
        1,
        Effect::Sense { sense, execution: Execution::Skipped },
    );
    fault.times = crate::vtl::faults::Times::Always;
    rig.set_faults(FaultPlan::of(fault));
    let mounted = rig.mount();
    assert_eq!(mounted.generation(), 2);
    assert_eq!(rig.read(&mounted, "a"), content(1, 10_000));
    assert!(mounted.needs_repair());
}
