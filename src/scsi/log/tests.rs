//! Log pages as drives send them.

use super::*;
use crate::scsi::error::torture;

fn page(code: u8, parameters: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![code, 0, 0, 0];
    for (parameter, value) in parameters {
        bytes.extend_from_slice(&parameter.to_be_bytes());
        bytes.extend_from_slice(&[0x03, u8::try_from(value.len()).unwrap()]);
        bytes.extend_from_slice(value);
    }
    let length = u16::try_from(bytes.len() - 4).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn parsed(code: u8, parameters: &[(u16, &[u8])]) -> LogPage {
    LogPage::parse(&page(code, parameters), code).unwrap()
}

#[test]
fn the_literal_layout_of_a_page_is_understood() {
    let bytes = [0x2E, 0, 0, 10, 0, 1, 0xC0, 1, 0, 0, 20, 0xC0, 1, 1];
    let alerts = LogPage::parse(&bytes, PAGE_TAPE_ALERT).unwrap();
    assert_eq!(alerts.parameters.len(), 2);
    assert_eq!(tape_alert_flags(&alerts), [20]);
    assert!(LogPage::parse(&bytes, PAGE_READ_ERRORS).is_err());
    torture(&bytes, |damaged| LogPage::parse(damaged, PAGE_TAPE_ALERT));
}

#[test]
fn error_counters_are_summed_and_unknown_ones_are_none() {
    let counters = error_counters(&parsed(
        PAGE_WRITE_ERRORS,
        &[(0, &[0, 5]), (1, &[2]), (5, &[0, 0, 1, 0, 0]), (6, &[0xFF, 0xFF])],
    ));
    assert_eq!(counters.corrected, Some(7));
    assert_eq!(counters.repeats, None);
    assert_eq!(counters.bytes_processed, Some(0x1_0000));
    assert_eq!(counters.uncorrected, None);
    let total_only = error_counters(&parsed(PAGE_READ_ERRORS, &[(3, &[9])]));
    assert_eq!(total_only.corrected, Some(9));
}

#[test]
fn capacities_are_in_mib_and_absent_partitions_are_left_out() {
    let one = parsed(
        PAGE_TAPE_CAPACITY,
        &[(1, &[0, 0, 1, 0]), (2, &[0; 4]), (3, &[0, 0, 2, 0]), (4, &[0; 4])],
    );
    assert_eq!(
        tape_capacity(&one),
        [TapeCapacity {
            partition: Partition(0),
            maximum: ByteCount(512 * MIB),
            remaining: ByteCount(256 * MIB)
        }]
    );
    let two = parsed(PAGE_TAPE_CAPACITY, &[(1, &[1]), (2, &[2]), (3, &[3]), (4, &[4])]);
    assert_eq!(tape_capacity(&two).len(), 2);
    assert_eq!(tape_capacity(&two)[1].remaining, ByteCount(2 * MIB));
}

#[test]
fn a_missing_end_of_data_is_a_record_without_a_counter() {
    let records: Vec<u8> =
        [[7, 0, 0, 0, 0, 0, 0, 5], [7, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]].concat();
    let statistics = parsed(PAGE_VOLUME_STATISTICS, &[(VOLUME_USED_CAPACITY, &records)]);
    assert_eq!(
        statistics.partition_records(VOLUME_USED_CAPACITY),
        [
            PartitionRecord { partition: Partition(0), counter: Some(5) },
            PartitionRecord { partition: Partition(1), counter: None },
        ]
    );
    assert!(statistics.partition_records(VOLUME_REMAINING_CAPACITY).is_empty());
    torture(&page(PAGE_VOLUME_STATISTICS, &[(VOLUME_USED_CAPACITY, &records)]), |damaged| {
        LogPage::parse(damaged, PAGE_VOLUME_STATISTICS)
            .map(|p| p.partition_records(VOLUME_USED_CAPACITY))
    });
}

#[test]
fn a_record_of_length_zero_ends_the_records() {
    let statistics = parsed(PAGE_VOLUME_STATISTICS, &[(VOLUME_USED_CAPACITY, &[0, 0, 0, 0])]);
    assert!(statistics.partition_records(VOLUME_USED_CAPACITY).is_empty());
}

#[test]
fn the_life_of_a_cartridge_and_the_use_of_a_drive_are_read() {
    let life = volume_statistics(&parsed(
        PAGE_VOLUME_STATISTICS,
        &[(1, &[0, 0, 0, 42]), (4, &[1]), (0x10, &[0, 0, 4, 0]), (0x101, &[7])],
    ));
    assert_eq!(life.mounts, Some(42));
    assert_eq!(life.unrecovered_write_errors, Some(1));
    assert_eq!(life.lifetime_megabytes_written, Some(1024));
    assert_eq!(life.beginning_passes, Some(7));
    assert_eq!(life.unrecovered_read_errors, None);

    let access = sequential_access(&parsed(
        PAGE_SEQUENTIAL_ACCESS,
        &[(0, &[0, 0, 0, 9]), (3, &[8]), (0x100, &[1])],
    ));
    assert_eq!((access.bytes_from_host, access.bytes_to_host), (Some(9), Some(8)));
    assert!(access.cleaning_required);
    let clean = sequential_access(&parsed(PAGE_SEQUENTIAL_ACCESS, &[(0x100, &[0, 0])]));
    assert!(!clean.cleaning_required);

    assert_eq!(tape_usage(&parsed(PAGE_TAPE_USAGE, &[(1, &[3]), (8, &[2])])).mounts, Some(3));
    let ratios = compression_ratios(&parsed(PAGE_DATA_COMPRESSION, &[(0, &[100]), (1, &[0, 250])]));
    assert_eq!((ratios.read_percent, ratios.write_percent), (Some(100), Some(250)));
}
