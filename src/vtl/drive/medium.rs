//! Commands that lay the medium out anew: FORMAT MEDIUM, SET CAPACITY, ERASE.

use super::writing::{LAYOUT, internal};
use super::{DriveUnit, mode::PartitionRequest};
use crate::domain::ByteCount;
use crate::vtl::bytes::{be16, byte};
use crate::vtl::plan::CartridgeKind;
use crate::vtl::senses;
use crate::vtl::store::Cartridge;
use crate::vtl::unit::{Answer, Refusal, done};

/// PARTITION SIZE that means: what is left.
const REST: u16 = 0xFFFF;

impl DriveUnit {
    /// FORMAT MEDIUM: format 0 one partition, 1 and 2 as the mode page says.
    pub(super) fn format_medium(&mut self, cdb: &[u8]) -> Answer {
        self.ensure_layout_can_change()?;
        let request = match byte(cdb, 2) & 0x0F {
            0 => PartitionRequest::default(),
            1 | 2 => self.settings.partitions.clone(),
            _ => return Err(senses::invalid_field().into()),
        };
        let cartridge = &self.ready()?.cartridge;
        let Some(partitions) = plan_partitions(cartridge, &request) else {
            return Err(senses::invalid_parameter().into());
        };
        self.lay_out(partitions)
    }

    /// SET CAPACITY: as many 65535ths of the tape as asked for, in one partition.
    pub(super) fn set_capacity(&mut self, cdb: &[u8]) -> Answer {
        self.ensure_layout_can_change()?;
        let proportion = be16(cdb, 3);
        if proportion == 0 {
            return Err(senses::invalid_field().into());
        }
        let identity = &mut self.ready()?.cartridge.identity;
        identity.proportion = proportion;
        let partitions = vec![identity.usable()];
        self.lay_out(partitions)
    }

    /// ERASE(6): end of data is here; short and long leave the same.
    pub(super) fn erase(&mut self, _cdb: &[u8]) -> Answer {
        let (partition, number) = self.position;
        let is_worm = self.ready()?.cartridge.identity.kind == CartridgeKind::Worm;
        self.ensure_writable(number)?;
        if is_worm {
            return Err(senses::worm_overwrite().into());
        }
        self.flush()?;
        self.note_change().map_err(|error| internal(&error))?;
        let store = &mut self.ready()?.cartridge.partitions[usize::from(partition)];
        store.truncate(number);
        store.commit(0).map_err(|error| internal(&error))?;
        done()
    }

    /// At the beginning of partition 0, writable, and a WORM cartridge blank.
    fn ensure_layout_can_change(&mut self) -> Result<(), Refusal> {
        self.ready()?;
        if self.position != (0, 0) {
            return Err(senses::position_past_beginning().into());
        }
        self.ensure_writable(LAYOUT)?;
        let cartridge = &self.ready()?.cartridge;
        let is_blank = cartridge.partitions.iter().all(|p| p.end_of_data() == 0);
        if cartridge.identity.kind == CartridgeKind::Worm && !is_blank {
            return Err(senses::worm_overwrite().into());
        }
        Ok(())
    }

    fn lay_out(&mut self, partitions: Vec<ByteCount>) -> Answer {
        self.note_change().map_err(|error| internal(&error))?;
        let seat = self.ready()?;
        seat.cartridge.format(partitions).map_err(|error| internal(&error))?;
        seat.is_past_warning = Default::default();
        seat.bad_object = None;
        self.position = (0, 0);
        done()
    }
}

/// The partitions that a request gives on this cartridge; `None` if it cannot be met.
fn plan_partitions(cartridge: &Cartridge, request: &PartitionRequest) -> Option<Vec<ByteCount>> {
    let capacity = cartridge.identity.usable().0;
    let smallest = cartridge.index_partition_bytes().0;
    let count = u64::from(request.additional) + 1;
    if count == 1 {
        return Some(vec![ByteCount(capacity)]);
    }
    let rest_at_least = capacity.checked_sub(smallest * (count - 1))?;
    let Some(sizes) = &request.sizes else {
        // The drive's own choice: all but the last as small as they can be.
        let mut partitions = vec![ByteCount(smallest); usize::from(request.additional)];
        partitions.push(ByteCount(rest_at_least));
        return Some(partitions);
    };
    let sizes = sizes.get(..usize::from(request.additional) + 1)?;
    let asked = |size: u16| {
        let bytes = u64::from(size).saturating_mul(request.unit_bytes);
        // One unit or less is how hosts ask for the smallest that the drive makes.
        if size <= 1 { smallest } else { bytes.max(smallest) }
    };
    let fixed: u64 = sizes.iter().filter(|size| **size != REST).map(|size| asked(*size)).sum();
    let rest = capacity.checked_sub(fixed)?;
    match sizes.iter().filter(|size| **size == REST).count() {
        0 => {}
        1 if rest >= smallest => {}
        _ => return None,
    }
    let bytes = |size: &u16| ByteCount(if *size == REST { rest } else { asked(*size) });
    Some(sizes.iter().map(bytes).collect())
}
