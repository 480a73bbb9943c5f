//! Writing: positions, the buffer, early warning, the end, attributes, what must not be written.

use super::*;

#[test]
fn a_volume_written_like_ltfs_does_reads_back_and_survives_the_process() {
    let mut rig = Rig::formatted();
    for partition in [1, 0] {
        rig.drive.locate(partition, 0).unwrap();
        rig.drive.write(&[partition; 80]).unwrap();
        rig.drive.filemarks(1).unwrap();
        rig.drive.write(&vec![0x55; 524_288]).unwrap();
        rig.drive.filemarks(1).unwrap();
        assert_eq!(rig.drive.position(), (u32::from(partition), 4, 2));
    }
    let mut rig = rig.kill_and_reopen();
    for partition in [0, 1] {
        rig.drive.locate(partition, 0).unwrap();
        assert_eq!(rig.drive.read(4096).unwrap(), vec![partition; 80]);
        let mark = rig.drive.read(4096).unwrap_err();
        assert!(mark.filemark && mark.key == SenseKey::NoSense);
        assert_eq!(mark.information, Some(4096));
        assert_eq!(rig.drive.read(524_288).unwrap(), vec![0x55; 524_288]);
        assert!(rig.drive.read(80).unwrap_err().filemark);
        let end = rig.drive.read(80).unwrap_err();
        assert_eq!((end.key.code(), end.code, end.qualifier), (8, 0, 5));
        assert_eq!(rig.drive.position(), (u32::from(partition), 4, 2));
    }
}

#[test]
fn what_was_not_flushed_is_gone_with_the_power_and_nothing_else() {
    let mut rig = Rig::loaded();
    rig.drive.write(b"flushed").unwrap();
    rig.drive.filemarks(1).unwrap();
    rig.drive.write(b"buffered").unwrap();
    rig.drive.none([0x10, 1, 0, 0, 1, 0]).unwrap();
    assert_eq!(rig.drive.position(), (0, 4, 2));
    rig.library.power_fail();
    assert_eq!(numbers(rig.drive.none([0; 6])), (6, 0x29, 0));
    assert_eq!(rig.drive.position(), (0, 0, 0));
    assert_eq!(rig.drive.read(64).unwrap(), b"flushed");
    assert!(rig.drive.read(64).unwrap_err().filemark);
    assert_eq!(rig.drive.read(64).unwrap_err().key, SenseKey::BlankCheck);
}

#[test]
fn overwriting_ends_the_data_behind_it_and_loses_nothing_before_it_is_flushed() {
    let mut rig = Rig::loaded();
    for n in 0..10_u8 {
        rig.drive.write(&[n; 1000]).unwrap();
    }
    rig.drive.filemarks(1).unwrap();
    rig.drive.locate(0, 4).unwrap();
    rig.drive.write(b"new").unwrap();
    rig.library.power_fail();
    rig.drive.settle();
    rig.drive.locate(0, 4).unwrap();
    assert_eq!(rig.drive.read(1000).unwrap(), [4; 1000]);
    rig.drive.locate(0, 4).unwrap();
    rig.drive.write(b"new").unwrap();
    rig.drive.filemarks(0).unwrap();
    let mut rig = rig.kill_and_reopen();
    rig.drive.locate(0, 3).unwrap();
    assert_eq!(rig.drive.read(1000).unwrap(), [3; 1000]);
    assert_eq!(rig.drive.read(1000).unwrap(), b"new");
    assert_eq!(rig.drive.read(1000).unwrap_err().key, SenseKey::BlankCheck);
}

#[test]
fn the_volume_change_reference_counts_at_the_first_write_after_it_was_looked_at() {
    let mut rig = Rig::formatted();
    let first = rig.drive.change_reference();
    assert_ne!(first, 0);
    assert_eq!(rig.drive.change_reference(), first);
    rig.drive.write(b"a").unwrap();
    rig.drive.write(b"b").unwrap();
    let second = rig.drive.change_reference();
    assert_eq!(second, first + 1);
    rig.drive.set_attribute(0, 0x080C, &[8; 70]).unwrap();
    rig.drive.set_attribute(1, 0x080C, &[9; 70]).unwrap();
    assert_eq!(rig.drive.change_reference(), second);
    assert_eq!(rig.drive.attribute(0, 0x080C).unwrap(), [8; 70]);
    assert_eq!(rig.drive.attribute(1, 0x080C).unwrap(), [9; 70]);
    rig.drive.write(b"c").unwrap();
    rig.unload(0);
    rig.load(0);
    assert_eq!(rig.drive.change_reference(), second + 1);
    assert_eq!(rig.drive.attribute(1, 0x080C).unwrap(), [9; 70]);
    assert_eq!(rig.drive.attribute(0, 8).unwrap(), b"FSP001L9                        ");
    assert_eq!(numbers(rig.drive.attribute(0, 0x0806).map(|_| ())), (5, 0x24, 0));
    assert_eq!(numbers(rig.drive.set_attribute(0, 0x0001, &[0; 8])), (5, 0x26, 0));
}

#[test]
fn early_warnings_come_before_the_end_and_the_end_writes_nothing() {
    let mut rig = Rig::formatted();
    // Programmable early warning 10 MB before early warning.
    let mut list = vec![0, 0, 0, 0x10, 0, 0, 0, 0, 0x50, 1, 0, 28, 0, 0, 0, 10];
    list.extend_from_slice(&[0; 24]);
    rig.drive.put([0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0], &list).unwrap();
    rig.drive.locate(1, 0).unwrap();
    let block = vec![1; 1 << 20];
    let mut seen = Vec::new();
    let full = loop {
        match rig.drive.write(&block) {
            Ok(()) => seen.push((0, 0)),
            Err(sense) if sense.key == SenseKey::NoSense => {
                assert!(sense.end_of_medium);
                seen.push((sense.code, sense.qualifier));
            }
            Err(sense) => break sense,
        }
    };
    assert_eq!((full.key.code(), full.code, full.qualifier), (0x0D, 0, 2));
    assert_eq!(full.information, Some(1 << 20));
    let count = |which| seen.iter().filter(|said| **said == which).count();
    assert_eq!(count((0, 7)), 1, "programmable early warning is told once");
    assert_eq!(count((0, 2)), 2, "early warning is told at every write in its zone of 2 MiB");
    // 64 MiB: a quarter for the index partition.
    assert_eq!(seen.len(), 48);
    assert_eq!(rig.drive.position(), (1, 48, 0));
    assert_eq!(rig.drive.get([0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0])[0], 0x41);
    assert_eq!(numbers(rig.drive.filemarks(1)), (0, 0, 2));
}

#[test]
fn worm_appends_only_and_write_protection_refuses_all() {
    let mut plan = plan(LtoGeneration::Lto8);
    plan.cartridges[0].kind = CartridgeKind::Worm;
    plan.cartridges[1].write_protected = true;
    let mut rig = Rig::of(&plan);
    rig.load(0);
    rig.drive.format_two_partitions();
    rig.drive.write(b"once").unwrap();
    rig.drive.filemarks(1).unwrap();
    rig.drive.write(b"appended").unwrap();
    rig.drive.locate(0, 0).unwrap();
    assert_eq!(numbers(rig.drive.write(b"again")), (7, 0x30, 0x0C));
    assert_eq!(numbers(rig.drive.none([0x19, 0, 0, 0, 0, 0])), (7, 0x30, 0x0C));
    assert_eq!(numbers(rig.drive.none([0x04, 0, 1, 0, 0, 0])), (7, 0x30, 0x0C));
    rig.unload(0);
    rig.load(1);
    for refused in [
        rig.drive.write(b"x"),
        rig.drive.filemarks(1),
        rig.drive.none([0x19, 0, 0, 0, 0, 0]),
        rig.drive.none([0x04, 0, 0, 0, 0, 0]),
        rig.drive.set_attribute(0, 0x0803, b"name"),
    ] {
        assert_eq!(numbers(refused), (7, 0x27, 0));
    }
    assert_eq!(rig.drive.get([0x1A, 0, 0x3F, 0, 255, 0])[2] & 0x80, 0x80);
}

#[test]
fn fixed_blocks_are_written_and_read_by_count() {
    let mut rig = Rig::loaded();
    // Block descriptor: length 512.
    rig.drive.put([0x15, 0x10, 0, 0, 12, 0], &[0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 2, 0]).unwrap();
    let blocks: Vec<u8> = (0..4 * 512).map(|n| u8::try_from(n / 512).unwrap()).collect();
    rig.drive.put([0x0A, 1, 0, 0, 4, 0], &blocks).unwrap();
    rig.drive.filemarks(1).unwrap();
    assert_eq!(rig.drive.position(), (0, 5, 1));
    rig.drive.none([0x01, 0, 0, 0, 0, 0]).unwrap();
    let (bytes, completion) = rig.drive.data_in([0x08, 1, 0, 0, 6, 0], 6 * 512);
    assert_eq!(bytes, blocks);
    let sense = completion.sense.unwrap();
    assert!(sense.filemark);
    assert_eq!(sense.information, Some(2), "two of six blocks were not read");
}

#[test]
fn unbuffered_mode_leaves_nothing_to_lose() {
    let mut rig = Rig::loaded();
    rig.drive.put([0x15, 0x10, 0, 0, 4, 0], &[0, 0, 0x00, 0]).unwrap();
    rig.drive.write(b"safe").unwrap();
    rig.library.power_fail();
    rig.drive.settle();
    assert_eq!(rig.drive.read(64).unwrap(), b"safe");
}

#[test]
fn the_position_says_what_is_still_buffered() {
    let mut rig = Rig::loaded();
    rig.drive.write(&[0; 100]).unwrap();
    rig.drive.write(&[0; 50]).unwrap();
    let short = rig.drive.get([0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(short, [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 150]);
    rig.drive.filemarks(0).unwrap();
    let short = rig.drive.get([0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(short, [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn the_buffer_drains_oldest_first_when_it_is_full() {
    let mut rig = Rig::with(&plan(LtoGeneration::Lto9), |o| o.buffer = ByteCount(1000));
    rig.load(0);
    for n in 0..25_u8 {
        rig.drive.write(&[n; 100]).unwrap();
    }
    rig.library.power_fail();
    rig.drive.settle();
    let mut kept = 0_u8;
    while let Ok(block) = rig.drive.read(100) {
        assert_eq!(block, [kept; 100]);
        kept += 1;
    }
    assert!((15..25).contains(&kept), "{kept} of 25 blocks were on the tape");
}

#[test]
fn formatting_needs_the_beginning_and_makes_what_was_asked_for() {
    let mut rig = Rig::formatted();
    let page = rig.drive.get([0x5A, 0x08, 0x11, 0, 0, 0, 0, 0, 64, 0]);
    // MAXIMUM ADDITIONAL 3, DEFINED 1, PSUM by exponent 6, sizes in megabytes.
    assert_eq!(page[8..20], [0x11, 10, 3, 1, 0x18, 3, 6, 0, 0, 16, 0, 50]);
    rig.drive.write(b"x").unwrap();
    assert_eq!(numbers(rig.drive.none([0x04, 0, 0, 0, 0, 0])), (5, 0x3B, 0x0C));
    rig.drive.locate(0, 0).unwrap();
    rig.drive.none([0x04, 0, 0, 0, 0, 0]).unwrap();
    assert_eq!(rig.drive.read(1).unwrap_err().key, SenseKey::BlankCheck);
    assert_eq!(numbers(rig.drive.locate(1, 0)), (5, 0x24, 0));
    // SET CAPACITY to half of it.
    rig.drive.none([0x0B, 0, 0, 0x7F, 0xFF, 0]).unwrap();
    let remaining = rig.drive.attribute(0, 0).unwrap();
    assert_eq!(u64::from_be_bytes(remaining.try_into().unwrap()), 29);
}

/// WRITE MODE of the device configuration extension, as the reference switches it on.
fn append_only(rig: &mut Rig, on: bool) -> Result<(), Sense> {
    let mut list = vec![0; 8];
    list.extend_from_slice(&[0x50, 1, 0, 28, 0, u8::from(on) << 4]);
    list.resize(40, 0);
    rig.drive.put([0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0], &list)
}

fn allow(rig: &mut Rig, how: u8, block: u8) -> Result<(), Sense> {
    rig.drive.none([0x82, 0, how, 0, 0, 0, 0, 0, 0, 0, 0, block, 0, 0, 0, 0])
}

#[test]
fn in_append_only_mode_what_is_there_is_replaced_only_where_it_was_allowed() {
    let mut rig = Rig::loaded();
    for n in 0..4_u8 {
        rig.drive.write(&[n; 100]).unwrap();
    }
    append_only(&mut rig, true).unwrap();
    assert_eq!(rig.drive.get([0x5A, 8, 0x10, 1, 0, 0, 0, 0, 64, 0])[13] >> 4, 1);
    rig.drive.write(&[4; 100]).unwrap();
    rig.drive.locate(0, 2).unwrap();
    let refused = (5, 0x3B, 0);
    assert_eq!(numbers(rig.drive.write(b"no")), refused);
    assert_eq!(numbers(rig.drive.filemarks(1)), refused);
    assert_eq!(numbers(rig.drive.none([0x19, 0, 0, 0, 0, 0])), refused);
    assert_eq!(numbers(allow(&mut rig, 1, 3)), refused);
    // A motion ends what was allowed.
    allow(&mut rig, 1, 2).unwrap();
    rig.drive.locate(0, 2).unwrap();
    assert_eq!(numbers(rig.drive.write(b"no")), refused);
    allow(&mut rig, 1, 2).unwrap();
    rig.drive.write(b"new").unwrap();
    assert_eq!(rig.drive.position(), (0, 3, 0));
    assert_eq!(rig.drive.read(100).unwrap_err().key, SenseKey::BlankCheck);
    // The mode stays as long as the cartridge; laying it out anew must be allowed too.
    assert_eq!(numbers(append_only(&mut rig, false)), (5, 0x26, 0));
    rig.drive.locate(0, 0).unwrap();
    assert_eq!(numbers(rig.drive.none([0x04, 0, 0, 0, 0, 0])), refused);
    allow(&mut rig, 2, 0).unwrap();
    rig.drive.none([0x04, 0, 0, 0, 0, 0]).unwrap();
}
