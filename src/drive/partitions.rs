//! Dividing a cartridge into partitions. Everything on it is lost.

use super::command::Ended;
use super::{Access, Drive, DriveError, Operation};
use crate::domain::Position;
use crate::scsi::cdb::primary;
use crate::scsi::cdb::stream::{self, MediumFormat, Reply};
use crate::scsi::{Cdb, Data, SenseKey, mode};

/// How thoroughly FORMAT MEDIUM works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionMethod {
    /// Partition only: minutes.
    Quick,
    /// Default format first. Repeats LTO-9's initialisation: up to two hours, and wear.
    Optimise,
}

/// How a cartridge is to be divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionPlan {
    /// Size of partition 0 in units of 10^9 bytes, rounded up by the drive to what it can make; the
    /// rest is partition 1. `None` makes one partition.
    first_gigabytes: Option<u16>,
    method: PartitionMethod,
}

impl PartitionPlan {
    /// The two partitions of LTFS: the smallest first one that the drive makes for the index (two wraps
    /// on LTO-5 and later), the rest for data.
    #[must_use]
    pub fn ltfs() -> Self {
        Self { first_gigabytes: Some(1), method: PartitionMethod::Quick }
    }

    /// One partition.
    #[must_use]
    pub fn single() -> Self {
        Self { first_gigabytes: None, method: PartitionMethod::Quick }
    }

    /// The same with another method.
    #[must_use]
    pub fn with_method(self, method: PartitionMethod) -> Self {
        Self { method, ..self }
    }

    /// How many partitions it makes.
    #[must_use]
    pub fn partition_count(self) -> u8 {
        if self.first_gigabytes.is_some() { 2 } else { 1 }
    }
}

const OPERATION: Operation = Operation::Named("partition the cartridge");

impl Drive {
    /// Makes the partitions of `plan` and leaves the tape at the beginning of partition 0. **Everything
    /// on the cartridge is lost.** Access stays as it was.
    ///
    /// # Errors
    /// Without a permit nothing is sent. After a failure the position is lost and the cartridge may
    /// have any layout.
    pub fn format_partitions(&mut self, plan: PartitionPlan) -> Result<(), DriveError> {
        self.deliver_attention(OPERATION)?;
        if self.access == Access::ReadOnly {
            return Err(self.not_permitted(OPERATION));
        }
        // Whatever happened to the drive comes out now, before anything is changed.
        self.go_to_beginning()?;
        self.allow_layout()?;
        self.use_whole_capacity()?;
        self.go_to_beginning()?;
        let format = match (plan.first_gigabytes, plan.method) {
            (Some(first_gigabytes), method) => {
                self.define_two_partitions(first_gigabytes)?;
                match method {
                    PartitionMethod::Quick => MediumFormat::Partition,
                    PartitionMethod::Optimise => MediumFormat::DefaultThenPartition,
                }
            }
            (None, _) => MediumFormat::Default,
        };
        self.allow_layout()?;
        self.change_medium(stream::format_medium(format, Reply::AtEnd))?;
        self.partition_count = None;
        if self.arrive(OPERATION)? != Position::new(0, 0) {
            return Err(self.contradicts(OPERATION, "formatted and not at the beginning"));
        }
        let made = self.medium()?.map(|medium| medium.partition_count);
        if made != Some(plan.partition_count()) {
            return Err(self.contradicts(OPERATION, "the drive made another layout"));
        }
        Ok(())
    }

    /// FORMAT MEDIUM and SET CAPACITY want the beginning of partition 0. A locate and not a load: a load
    /// would take unit attentions off the drive, and one of them may say that this is another cartridge.
    fn go_to_beginning(&mut self) -> Result<(), DriveError> {
        self.locate(Position::new(0, 0))
    }

    /// Undoes an earlier scaling. Drives that cannot scale refuse the command, which is as good.
    fn use_whole_capacity(&mut self) -> Result<(), DriveError> {
        const ALL: u16 = 0xFFFF;
        self.deliver_attention(OPERATION)?;
        let cdb = stream::set_capacity(ALL, Reply::AtEnd);
        match self.send(OPERATION, cdb, Data::None)? {
            Ended::Good { .. } => Ok(()),
            Ended::Check { sense, .. } if sense.key == SenseKey::IllegalRequest => Ok(()),
            Ended::Check { sense, .. } => Err(self.failed(OPERATION, sense)),
        }
    }

    fn define_two_partitions(&mut self, first_gigabytes: u16) -> Result<(), DriveError> {
        let (parameters, page) = self.mode_page(OPERATION, mode::PAGE_MEDIUM_PARTITION)?;
        let layout = mode::parse_partition_layout(&page)
            .map_err(|source| self.misunderstood(OPERATION, source))?;
        if layout.partitions_max < 2 {
            return Err(self.unsupported("a cartridge with two partitions"));
        }
        let page = mode::set_two_partitions(&page, first_gigabytes)
            .map_err(|source| self.misunderstood(OPERATION, source))?;
        let list = parameters.select10(&page);
        let length = u16::try_from(list.len()).unwrap_or(u16::MAX);
        self.tell(OPERATION, primary::mode_select10(length), &list)
    }

    fn change_medium(&mut self, cdb: impl Into<Cdb>) -> Result<(), DriveError> {
        self.deliver_attention(OPERATION)?;
        if self.access == Access::ReadOnly {
            return Err(self.not_permitted(OPERATION));
        }
        match self.send(OPERATION, cdb, Data::None)? {
            Ended::Good { .. } => Ok(()),
            Ended::Check { sense, .. } => Err(self.failed(OPERATION, sense)),
        }
    }
}
