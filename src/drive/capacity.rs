//! How large the partitions are, how much is left, and whether their end of data is known.

use super::command::optional;
use super::{AttributeId, Drive, DriveError, Operation};
use crate::domain::{ByteCount, MIB, Partition};
use crate::scsi::cdb::primary;
use crate::scsi::log::{self, LogPage};

/// Capacity of one partition, without compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionCapacity {
    /// Which partition.
    pub partition: Partition,
    /// All of it, up to early warning.
    pub maximum: ByteCount,
    /// What is left of it.
    pub remaining: ByteCount,
}

/// Bytes in the megabyte of volume statistics.
const MEGABYTE: u64 = 1_000_000;
/// More partitions than any LTO cartridge has.
const PARTITIONS_MAX: u8 = 4;

impl Drive {
    /// Capacities of all partitions: from the tape capacity log page, else volume statistics, else the
    /// cartridge's memory. Drives update them when they write their buffer out.
    ///
    /// # Errors
    /// [`DriveError::Unsupported`] if the drive says it nowhere.
    pub fn partition_capacities(&mut self) -> Result<Vec<PartitionCapacity>, DriveError> {
        const OPERATION: Operation = Operation::Named("read the capacity");
        if let Some(page) = optional(self.log_page(OPERATION, log::PAGE_TAPE_CAPACITY))? {
            let capacities: Vec<_> = log::tape_capacity(&page)
                .into_iter()
                .map(|c| PartitionCapacity {
                    partition: c.partition,
                    maximum: c.maximum,
                    remaining: c.remaining,
                })
                .collect();
            if !capacities.is_empty() {
                return Ok(capacities);
            }
        }
        if let Some(page) = optional(self.log_page(OPERATION, log::PAGE_VOLUME_STATISTICS))? {
            let capacities = capacities_of_statistics(&page);
            if !capacities.is_empty() {
                return Ok(capacities);
            }
        }
        let capacities = self.capacities_of_memory()?;
        if capacities.is_empty() {
            return Err(self.unsupported("reading the capacity of the cartridge"));
        }
        Ok(capacities)
    }

    fn capacities_of_memory(&mut self) -> Result<Vec<PartitionCapacity>, DriveError> {
        let mut capacities = Vec::new();
        for partition in (0..self.partition_count.unwrap_or(PARTITIONS_MAX)).map(Partition) {
            let mut mebibytes = |id| -> Result<Option<u64>, DriveError> {
                Ok(self.read_attribute(partition, id)?.and_then(|attribute| attribute.number()))
            };
            let maximum = mebibytes(AttributeId::MAXIMUM_CAPACITY)?;
            let remaining = mebibytes(AttributeId::REMAINING_CAPACITY)?;
            let (Some(maximum), Some(remaining)) = (maximum, remaining) else { break };
            capacities.push(PartitionCapacity {
                partition,
                maximum: ByteCount(maximum.saturating_mul(MIB)),
                remaining: ByteCount(remaining.saturating_mul(MIB)),
            });
        }
        Ok(capacities)
    }

    /// True if the drive knows where the data of a partition ends, or does not say anything of it.
    /// False says that a write was cut off (power, reset) and the partition must be searched.
    ///
    /// # Errors
    /// If the drive does not answer.
    pub fn end_of_data_known(&mut self, partition: Partition) -> Result<bool, DriveError> {
        const OPERATION: Operation = Operation::Named("read whether the end of data is known");
        let page = optional(self.log_page(OPERATION, log::PAGE_VOLUME_STATISTICS))?;
        let records = page.map(|page| page.partition_records(log::VOLUME_USED_CAPACITY));
        let record = records.into_iter().flatten().find(|record| record.partition == partition);
        Ok(record.is_none_or(|record| record.counter.is_some()))
    }

    /// Reads one log page.
    pub(super) fn log_page(
        &mut self,
        operation: Operation,
        page: u8,
    ) -> Result<LogPage, DriveError> {
        const ALLOCATION: u16 = 0x4000;
        let mut buffer = vec![0; usize::from(ALLOCATION)];
        let cdb = primary::log_sense(page, 0, ALLOCATION);
        let got = self.query(operation, cdb, Some(&mut buffer))?;
        LogPage::parse(&buffer[..got], page).map_err(|source| self.misunderstood(operation, source))
    }
}

fn capacities_of_statistics(page: &LogPage) -> Vec<PartitionCapacity> {
    let bytes = |megabytes: u64| ByteCount(megabytes.saturating_mul(MEGABYTE));
    let remaining = page.partition_records(log::VOLUME_REMAINING_CAPACITY);
    page.partition_records(log::VOLUME_PARTITION_CAPACITY)
        .into_iter()
        .filter_map(|maximum| {
            let remaining = remaining.iter().find(|r| r.partition == maximum.partition)?;
            Some(PartitionCapacity {
                partition: maximum.partition,
                maximum: bytes(maximum.counter?),
                remaining: bytes(remaining.counter?),
            })
        })
        .collect()
}
