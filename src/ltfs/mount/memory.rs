//! What the cartridge's memory says of the volume, and whether it is current.

use super::{Finding, LastIndex};
use crate::domain::{BlockNumber, VolumeUuid};
use crate::drive::{AttributeId, Drive};
use crate::ltfs::coherency::{Coherency, change_reference};
use crate::ltfs::error::LtfsError;
use crate::ltfs::label::PartitionMap;

/// The attributes that matter to a mount. Those of another volume count as absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) index: Option<Coherency>,
    pub(super) data: Option<Coherency>,
    /// The volume lock attribute.
    pub(super) lock: Option<u8>,
    change_reference: Option<u64>,
}

/// The last index of a partition, as the memory says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastKnown {
    pub(super) generation: u64,
    pub(super) block: BlockNumber,
}

impl LastKnown {
    /// True if this is the index that was found.
    pub(super) fn is(self, found: Option<LastIndex>) -> bool {
        found.is_some_and(|found| {
            found.generation == self.generation && found.location.block == self.block
        })
    }
}

impl Memory {
    pub(super) fn read(
        drive: &mut Drive,
        map: &PartitionMap,
        uuid: VolumeUuid,
    ) -> Result<Self, LtfsError> {
        let own = |coherency: Option<Coherency>| coherency.filter(|found| found.uuid == uuid);
        let index = own(Coherency::read(drive, map.index.1)?);
        let data = own(Coherency::read(drive, map.data.1)?);
        let lock = drive
            .read_attribute(crate::domain::Partition(0), AttributeId::VOLUME_LOCK)
            .map_err(LtfsError::drive("read whether the volume is locked"))?
            .and_then(|attribute| attribute.value.first().copied());
        Ok(Self { index, data, lock, change_reference: change_reference(drive)? })
    }

    /// The last indexes of the index and the data partition, if nothing was written since.
    pub(super) fn current(&self) -> Option<(LastKnown, LastKnown)> {
        let now = self.change_reference?;
        let last = |coherency: Option<Coherency>| {
            let known = coherency?;
            let is_current = known.version != 0 && known.change_reference == now;
            is_current.then_some(LastKnown { generation: known.generation, block: known.block })
        };
        Some((last(self.index)?, last(self.data)?))
    }

    /// Why it is not current.
    pub(super) fn findings(&self, map: &PartitionMap) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (coherency, (id, _)) in [(self.index, map.index), (self.data, map.data)] {
            if coherency.is_none() {
                findings.push(Finding::CoherencyAbsent(id));
            }
        }
        if findings.is_empty() {
            findings.push(Finding::CoherencyStale);
        }
        findings
    }
}
