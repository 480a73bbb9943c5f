//! What every drive has to do with a cartridge of two partitions.

use std::time::{Duration, Instant};

use fossilsafe::domain::{ByteCount, Partition, Position};
use fossilsafe::drive::{
    Access, Attribute, AttributeFormat, AttributeId, Compression, Drive, DriveError,
    DriveErrorKind, Erase, Flush, Lock, ReadOutcome, SpaceOutcome, WriteOutcome,
};

use super::Cartridges;

type Scenario = (&'static str, Cartridges, fn(&mut Drive));

/// With the cartridges that it can be done with: all where it says large.
pub(super) const SCENARIOS: &[Scenario] = &[
    (
        "what was written is read in order, with filemarks and the end",
        Cartridges::Large,
        reads_in_order,
    ),
    ("blocks of any length up to the limit come back", Cartridges::Large, takes_any_length),
    ("positions are its own word", Cartridges::Large, knows_positions),
    ("a partition that is not there is never asked for", Cartridges::Large, has_no_third_partition),
    ("spacing over filemarks ends where it should", Cartridges::Large, spaces),
    ("a write cuts off what was behind it", Cartridges::Large, cuts_off),
    ("near its end a tape warns twice and then is full", Cartridges::Small, warns_before_the_end),
    ("attributes are kept by partition over a load", Cartridges::Large, keeps_attributes),
    ("loading takes the permit away", Cartridges::Large, loading_takes_the_permit_away),
    ("a locked cartridge cannot be unloaded", Cartridges::Large, keeps_a_locked_cartridge),
    ("compression is set and erasing cuts off", Cartridges::Large, compresses_and_erases),
    ("a stream of blocks comes back", Cartridges::Large, streams),
];

/// Length of the blocks where it does not matter.
const BLOCK: usize = 4096;
/// The data partition.
const DATA: Partition = Partition(1);
/// What LTFS writes.
const LTFS_BLOCK: usize = 512 * 1024;
/// 64 MiB: more than a virtual drive's buffer, and a second of iron.
const STREAM_BLOCKS: u8 = 128;

/// A block that is told from every other one.
fn block(number: u8) -> Vec<u8> {
    vec![number.wrapping_mul(37).wrapping_add(1); BLOCK]
}

/// In partition 1: three blocks, filemark, two blocks, filemark, flushed; at the end of it, block 7.
fn record(drive: &mut Drive) {
    drive.locate(Position::new(1, 0)).unwrap();
    for (blocks, first) in [(3, 0), (2, 4)] {
        for n in 0..blocks {
            assert_eq!(drive.write_block(&block(first + n)).unwrap(), WriteOutcome::Written);
        }
        let outcome = drive.write_filemarks(1, Flush::Synchronous).unwrap();
        assert_eq!(outcome, WriteOutcome::Written);
    }
    assert_eq!(drive.position(), Some(Position::new(1, 7)));
}

fn reads_in_order(drive: &mut Drive) {
    record(drive);
    drive.locate(Position::new(1, 0)).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut seen = Vec::new();
    loop {
        let at = drive.position().unwrap().block.0;
        match drive.read_block(&mut buffer).unwrap() {
            ReadOutcome::Block { len } => {
                assert_eq!(buffer[..len], block(u8::try_from(at).unwrap()));
                seen.push('B');
            }
            ReadOutcome::Filemark => seen.push('F'),
            ReadOutcome::EndOfData => break,
        }
    }
    assert_eq!(seen, ['B', 'B', 'B', 'F', 'B', 'B', 'F']);
    assert_eq!(drive.position(), Some(Position::new(1, 7)));
    assert_eq!(drive.read_block(&mut buffer).unwrap(), ReadOutcome::EndOfData);
}

fn takes_any_length(drive: &mut Drive) {
    drive.locate(Position::new(1, 0)).unwrap();
    let lengths = [1, 80, 4095, LTFS_BLOCK, 1 << 20];
    for len in lengths {
        assert_eq!(drive.write_block(&vec![7; len]).unwrap(), WriteOutcome::Written);
    }
    let too_long = drive.write_block(&vec![0; (1 << 20) + 1]).unwrap_err();
    assert_eq!(too_long.kind(), DriveErrorKind::Bug);
    assert_eq!(drive.write_block(&[]).unwrap_err().kind(), DriveErrorKind::Bug);
    drive.locate(Position::new(1, 0)).unwrap();
    for len in lengths {
        // Both with room to spare and with exactly the room that it needs.
        let mut buffer = vec![0; if len % 2 == 0 { len } else { 1 << 20 }];
        assert_eq!(drive.read_block(&mut buffer).unwrap(), ReadOutcome::Block { len });
    }
    drive.locate(Position::new(1, 3)).unwrap();
    let error = drive.read_block(&mut [0; 1000]).unwrap_err();
    assert!(matches!(error, DriveError::BlockTooLong { len: 524_288, limit: 1000, .. }));
    drive.ensure_position(Position::new(1, 4)).unwrap();
}

fn knows_positions(drive: &mut Drive) {
    // Also of an empty partition 0.
    drive.locate(Position::new(0, 0)).unwrap();
    drive.erase(Erase::Quick).unwrap();
    record(drive);
    let position = drive.read_position().unwrap();
    assert_eq!(position.position, Position::new(1, 7));
    assert_eq!(position.filemarks_before, Some(2));
    assert!(!position.is_at_beginning && !position.is_past_early_warning);
    drive.rewind().unwrap();
    assert!(drive.read_position().unwrap().is_at_beginning);
    assert_eq!(drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
    drive.locate(Position::new(0, 0)).unwrap();
    assert_eq!(drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
    assert_eq!(drive.locate_end_of_data(Partition(0)).unwrap(), Position::new(0, 0));
    let beyond = drive.locate(Position::new(1, 70)).unwrap_err();
    assert!(matches!(
        beyond,
        DriveError::BeyondEndOfData { end, .. } if end == Position::new(1, 7)
    ));
    assert_eq!(drive.position(), Some(Position::new(1, 7)));
}

fn has_no_third_partition(drive: &mut Drive) {
    record(drive);
    drive.medium().unwrap();
    let error = drive.locate(Position::new(2, 0)).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::Bug);
    assert_eq!(drive.locate_end_of_data(Partition(9)).unwrap_err().kind(), DriveErrorKind::Bug);
    drive.ensure_position(Position::new(1, 7)).unwrap();
}

fn spaces(drive: &mut Drive) {
    record(drive);
    let mut space = |count| {
        let outcome = drive.space_filemarks(count).unwrap();
        (outcome, drive.position().unwrap().block.0)
    };
    assert_eq!(space(-1), (SpaceOutcome::Done, 6));
    assert_eq!(space(-1), (SpaceOutcome::Done, 3));
    assert_eq!(space(-1), (SpaceOutcome::BeginningOfPartition, 0));
    assert_eq!(space(2), (SpaceOutcome::Done, 7));
    assert_eq!(space(1), (SpaceOutcome::EndOfData, 7));
    assert_eq!(space(0), (SpaceOutcome::Done, 7));
    assert_eq!(space(-9), (SpaceOutcome::BeginningOfPartition, 0));
}

fn cuts_off(drive: &mut Drive) {
    record(drive);
    drive.locate(Position::new(1, 1)).unwrap();
    assert!(drive.write_block(&block(9)).unwrap().is_on_tape());
    assert_eq!(drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 2));
    assert!(drive.end_of_data_known(DATA).unwrap());
}

fn warns_before_the_end(drive: &mut Drive) {
    drive.set_programmable_early_warning(ByteCount(8_000_000)).unwrap();
    drive.locate(Position::new(1, 0)).unwrap();
    let data = vec![5; LTFS_BLOCK];
    let mut written = 0;
    let mut seen = Vec::new();
    loop {
        let outcome = drive.write_block(&data).unwrap();
        if seen.last() != Some(&outcome) {
            seen.push(outcome);
        }
        if outcome == WriteOutcome::Full {
            break;
        }
        written += 1;
        assert_eq!(drive.position(), Some(Position::new(1, written)));
    }
    assert!(seen.contains(&WriteOutcome::NearEnd), "{seen:?}");
    assert!(seen.contains(&WriteOutcome::EarlyWarning), "{seen:?}");
    assert_eq!(drive.position(), Some(Position::new(1, written)));
    // Every block that was taken is there.
    assert_eq!(drive.locate_end_of_data(DATA).unwrap(), Position::new(1, written));
    let data_partition = drive.partition_capacities().unwrap()[1];
    assert_eq!(data_partition.remaining, ByteCount(0));
}

fn keeps_attributes(drive: &mut Drive) {
    record(drive);
    let coherency = |value: u8| Attribute {
        id: AttributeId::VOLUME_COHERENCY,
        format: AttributeFormat::Binary,
        value: vec![value; 70],
    };
    let name = Attribute {
        id: AttributeId::APPLICATION_NAME,
        format: AttributeFormat::Ascii,
        value: format!("{:<32}", "LTFS").into_bytes(),
    };
    drive.write_attributes(Partition(0), &[coherency(1), name]).unwrap();
    drive.write_attributes(DATA, &[coherency(2)]).unwrap();
    drive.load().unwrap();
    let mut read = |partition, id| drive.read_attribute(partition, id).unwrap();
    assert_eq!(read(Partition(0), AttributeId::VOLUME_COHERENCY), Some(coherency(1)));
    assert_eq!(read(DATA, AttributeId::VOLUME_COHERENCY), Some(coherency(2)));
    assert_eq!(read(Partition(0), AttributeId::APPLICATION_NAME).unwrap().text(), "LTFS");
    assert!(read(Partition(0), AttributeId::VOLUME_CHANGE_REFERENCE).unwrap().number().is_some());
    assert_eq!(read(Partition(0), AttributeId(0x0BFF)), None);
    let refused = drive.write_attributes(DATA, &[coherency(3)]).unwrap_err();
    assert!(matches!(refused, DriveError::WriteNotPermitted { .. }));
}

fn loading_takes_the_permit_away(drive: &mut Drive) {
    record(drive);
    drive.load().unwrap();
    assert_eq!(drive.position(), Some(Position::new(0, 0)));
    assert_eq!(drive.access(), Access::ReadOnly);
    assert!(matches!(drive.write_block(&block(0)), Err(DriveError::WriteNotPermitted { .. })));
    assert_eq!(drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
}

fn keeps_a_locked_cartridge(drive: &mut Drive) {
    assert_eq!(drive.lock_medium().unwrap(), Lock::Locked);
    assert_eq!(drive.unload().unwrap_err().kind(), DriveErrorKind::OperatorNeeded);
    drive.unlock_medium().unwrap();
    drive.load().unwrap();
    assert!(drive.medium().unwrap().is_some());
}

fn compresses_and_erases(drive: &mut Drive) {
    record(drive);
    drive.set_compression(Compression::On).unwrap();
    drive.set_compression(Compression::Off).unwrap();
    drive.locate(Position::new(1, 4)).unwrap();
    drive.erase(Erase::Quick).unwrap();
    assert_eq!(drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 4));
}

fn streams(drive: &mut Drive) {
    drive.locate(Position::new(1, 0)).unwrap();
    let begun = Instant::now();
    let mut data = vec![0x5A; LTFS_BLOCK];
    for number in 0..STREAM_BLOCKS {
        data[0] = number;
        assert_eq!(drive.write_block(&data).unwrap(), WriteOutcome::Written);
    }
    let outcome = drive.write_filemarks(1, Flush::Synchronous).unwrap();
    assert_eq!(outcome, WriteOutcome::Written);
    let written = begun.elapsed();
    drive.locate(Position::new(1, 0)).unwrap();
    let begun = Instant::now();
    let mut buffer = vec![0; LTFS_BLOCK];
    for number in 0..STREAM_BLOCKS {
        let outcome = drive.read_block(&mut buffer).unwrap();
        assert_eq!(outcome, ReadOutcome::Block { len: LTFS_BLOCK });
        data[0] = number;
        assert!(buffer == data, "block {number} came back as something else");
    }
    let read = begun.elapsed();
    assert_eq!(drive.read_block(&mut buffer).unwrap(), ReadOutcome::Filemark);
    // Told and not judged: it depends on who else uses this machine.
    let rate = |time: Duration| {
        f64::from(u32::from(STREAM_BLOCKS)) * 0.524_288 / time.as_secs_f64().max(1e-9)
    };
    println!(
        "67 MB: written at {:.0} MB/s with the flush, read at {:.0} MB/s",
        rate(written),
        rate(read)
    );
}
