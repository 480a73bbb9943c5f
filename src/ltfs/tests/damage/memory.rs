//! A cartridge's memory that is stale, malformed, or lies: it may cost a search and never a file.

use super::*;
use crate::domain::VolumeUuid;
use crate::drive::{Attribute, AttributeFormat, AttributeId};
use crate::ltfs::coherency::Coherency;

fn attribute_of(rig: &Rig, partition: Partition) -> Coherency {
    let mut known = None;
    rig.raw(|drive| {
        drive.locate(Position::new(0, 0)).unwrap();
        known = Coherency::read(drive, partition).unwrap();
    });
    known.unwrap()
}

/// Writes a value as it is, whatever it means.
pub(super) fn write_value(rig: &Rig, partition: Partition, value: Vec<u8>) {
    rig.raw(|drive| {
        drive.locate(Position::new(0, 0)).unwrap();
        let (id, format) = (AttributeId::VOLUME_COHERENCY, AttributeFormat::Binary);
        drive.write_attributes(partition, &[Attribute { id, format, value }]).unwrap();
    });
}

/// Both mounts find generation 3 and all files. Returns what the careful one says.
fn told(rig: &Rig) -> Vec<String> {
    rig.library.log().clear();
    let quick = rig.mounting(CheckEnds::WhenInDoubt);
    let careful = rig.mount();
    for mounted in [&quick, &careful] {
        assert_eq!(mounted.generation(), 3, "{:?}", mounted.findings);
        assert_holds_closed(rig, mounted);
    }
    sentences(&careful.findings)
}

fn absent(id: char) -> String {
    format!("note: the cartridge's memory does not describe partition {id}")
}

fn wrong(id: char) -> String {
    format!("repair: the cartridge's memory points to an index of partition {id} that is not there")
}

const STALE: &str =
    "note: something was written after the cartridge's memory was brought up to date";

#[test]
fn each_field_of_the_memory_that_lies_is_told_and_costs_nothing() {
    type Edit = fn(Coherency) -> Coherency;
    type Said = fn(char) -> String;
    let stale: Said = |_| STALE.to_owned();
    let cases: [(&str, Edit, Said); 14] = [
        ("newer VCR", |c| Coherency { change_reference: c.change_reference + 1, ..c }, stale),
        ("older VCR", |c| Coherency { change_reference: c.change_reference - 1, ..c }, stale),
        ("no VCR", |c| Coherency { change_reference: 0, ..c }, stale),
        ("unknown VCR", |c| Coherency { change_reference: 0xFFFF_FFFF, ..c }, stale),
        ("version 0", |c| Coherency { version: 0, ..c }, stale),
        ("older generation", |c| Coherency { generation: 2, ..c }, wrong),
        ("newer generation", |c| Coherency { generation: 4, ..c }, wrong),
        ("last generation", |c| Coherency { generation: u64::MAX, ..c }, wrong),
        ("block of the label", |c| Coherency { block: BlockNumber(2), ..c }, wrong),
        ("block of a filemark", |c| Coherency { block: BlockNumber(4), ..c }, wrong),
        ("block of data, or behind the end", |c| Coherency { block: BlockNumber(8), ..c }, wrong),
        ("block behind the end", |c| Coherency { block: BlockNumber(1 << 40), ..c }, wrong),
        ("last block", |c| Coherency { block: BlockNumber(u64::MAX), ..c }, wrong),
        ("UUID", |c| Coherency { uuid: VolumeUuid::random(), ..c }, absent),
    ];
    let rig = closed_volume();
    for (partition, id) in [(INDEX, 'a'), (DATA, 'b')] {
        let right = attribute_of(&rig, partition);
        for (what, edit, said) in cases {
            write_value(&rig, partition, edit(right).encode());
            assert_eq!(told(&rig), [said(id)], "{what} on {id}");
        }
        write_value(&rig, partition, right.encode());
        assert_eq!(told(&rig), [""; 0]);
    }
}

/// Goal: a memory that is current and points to an older index, which is good by itself, does not hide the
/// newer ones.
#[test]
fn a_memory_that_points_to_older_indexes_is_found_out() {
    let rig = closed_volume();
    for partition in [INDEX, DATA] {
        let right = attribute_of(&rig, partition);
        let (generation, block) = if partition == DATA { (2, 11) } else { (1, 5) };
        let lie = Coherency { generation, block: BlockNumber(block), ..right };
        write_value(&rig, partition, lie.encode());
    }
    assert_eq!(told(&rig), [wrong('a'), wrong('b')]);
    let mounted = rig.mount();
    let Mended::Done(4, left) = mend(&rig, &mounted) else { panic!("not repaired") };
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_malformed_memory_counts_as_absent_whatever_its_length() {
    let rig = closed_volume();
    for (partition, id) in [(INDEX, 'a'), (DATA, 'b')] {
        let right = attribute_of(&rig, partition).encode();
        let mut values: Vec<Vec<u8>> =
            (0..right.len()).step_by(9).map(|n| right[..n].to_vec()).collect();
        values.push([right.as_slice(), &[0]].concat());
        values.push(vec![0xFF; 255]);
        for (at, byte) in
            [(0, 4), (0, 0), (25, 1), (26, 41), (26, 44), (27, b'l'), (31, 1), (40, b'x')]
        {
            let mut value = right.clone();
            value[at] = byte;
            values.push(value);
        }
        for value in values {
            let shown = format!("{value:?} on {id}");
            write_value(&rig, partition, value);
            assert_eq!(told(&rig), [absent(id)], "{shown}");
        }
        // What the reference accepts too: the older length of the last field.
        let mut older = right.clone();
        older[26] = 42;
        write_value(&rig, partition, older);
        assert_eq!(told(&rig), [""; 0]);
        write_value(&rig, partition, right);
    }
}
