//! READ ATTRIBUTE and WRITE ATTRIBUTE: the memory chip of the cartridge.
//!
//! Identifiers below 0400h are the drive's, below 0800h the manufacturer's: computed here, read
//! only. From 0800h on they are the host's. An attribute of the volume is the same from whichever
//! partition it is read; 0000h, 0001h and the coherency information 080Ch belong to a partition.

use super::writing::internal;
use super::{DriveUnit, Request};
use crate::domain::MIB;
use crate::vtl::bytes::{Page, be16, be32, byte, size};
use crate::vtl::pages::mam::{self, Value};
use crate::vtl::plan::CartridgeKind;
use crate::vtl::senses;
use crate::vtl::store::{Attribute, AttributeFormat, Cartridge};
use crate::vtl::unit::{Answer, Refusal, done, parameters, send};

/// Attributes of the drive and the manufacturer that a cartridge has.
const COMPUTED: &[u16] = &[
    0x0000, 0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0006, 0x0007, 0x0008, 0x0009, 0x020A, 0x020B,
    0x020C, 0x020D, 0x0220, 0x0221, 0x0222, 0x0223, 0x0400, 0x0401, 0x0402, 0x0403, 0x0404, 0x0405,
    0x0406, 0x0407, 0x0408,
];
const CHANGE_REFERENCE: u16 = 0x0009;
const COHERENCY: u16 = 0x080C;
/// Host attributes that the standard names, with their length (080Ch: at most).
const HOST: &[(u16, usize)] = &[
    (0x0800, 8),
    (0x0801, 32),
    (0x0802, 8),
    (0x0803, 160),
    (0x0804, 12),
    (0x0805, 1),
    (0x0806, 32),
    (0x0807, 80),
    (0x0808, 160),
    (0x0809, 16),
    (0x080A, 64),
    (0x080B, 16),
    (COHERENCY, 1023),
    (0x0820, 36),
    (0x0821, 36),
];
/// Host attributes of vendors, among them the volume lock of LTFS, 1623h.
const VENDOR_HOST: std::ops::RangeInclusive<u16> = 0x1400..=0x17FF;
const VENDOR_HOST_BYTES_MAX: usize = 1024;
/// Bytes of the chip of these generations.
const CHIP_BYTES: u64 = 16 * 1024;

impl DriveUnit {
    /// READ ATTRIBUTE.
    pub(super) fn read_attribute(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const VALUES: u8 = 0;
        const IDENTIFIERS: u8 = 1;
        const VOLUMES: u8 = 2;
        const PARTITIONS: u8 = 3;
        const SUPPORTED: u8 = 5;
        let (partition, first) = (byte(request.cdb, 7), be16(request.cdb, 8));
        let count = self.ready()?.cartridge.partitions.len();
        if usize::from(partition) >= count {
            return Err(senses::invalid_field().into());
        }
        let page = match byte(request.cdb, 1) & 0x1F {
            VALUES => self.attribute_values(partition, first)?,
            IDENTIFIERS => mam::identifiers(&attribute_ids(&self.ready()?.cartridge, partition)),
            VOLUMES => mam::list(0, 1),
            PARTITIONS => mam::list(0, u8::try_from(count).unwrap_or(u8::MAX)),
            SUPPORTED => {
                let host = HOST.iter().map(|(id, _)| *id).chain([0x1623]);
                mam::identifiers(&COMPUTED.iter().copied().chain(host).collect::<Vec<_>>())
            }
            _ => return Err(senses::invalid_field().into()),
        };
        send(request.data, page.as_bytes(), size(be32(request.cdb, 10)))
    }

    fn attribute_values(&mut self, partition: u8, first: u16) -> Result<Page, Refusal> {
        let ids = attribute_ids(&self.ready()?.cartridge, partition);
        if !ids.contains(&first) {
            return Err(senses::invalid_field().into());
        }
        if first <= CHANGE_REFERENCE {
            // The reference covers what is buffered, and once somebody knows it the next change
            // must show.
            self.flush()?;
            self.ready()?.will_change = true;
        }
        let alerts = self.alerts;
        let cartridge = &self.ready()?.cartridge;
        let wanted = ids.into_iter().filter(|id| *id >= first);
        Ok(mam::values(wanted.filter_map(|id| {
            let value = value_of(cartridge, partition, id, alerts)?;
            Some((id, value))
        })))
    }

    /// WRITE ATTRIBUTE. All or nothing: the list is checked before the first is written.
    pub(super) fn write_attribute(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const LIST_HEADER: usize = 4;
        let partition = byte(request.cdb, 7);
        if usize::from(partition) >= self.ready()?.cartridge.partitions.len() {
            return Err(senses::invalid_field().into());
        }
        if self.ready()?.cartridge.identity.write_protected {
            return Err(senses::write_protected().into());
        }
        let list = parameters(request.data, size(be32(request.cdb, 10)));
        if list.is_empty() {
            return done();
        }
        let mut rest = list.get(LIST_HEADER..).ok_or_else(senses::parameter_list_length)?;
        let mut attributes = Vec::new();
        while !rest.is_empty() {
            let (id, attribute, behind) = take_attribute(rest)?;
            attributes.push((id, attribute));
            rest = behind;
        }
        self.flush()?;
        let seat = self.ready()?;
        for (id, attribute) in attributes {
            let owner = if id == COHERENCY { partition } else { 0 };
            seat.cartridge.memory.set_attribute(owner, id, attribute);
        }
        seat.will_change = true;
        seat.cartridge.write_memory().map_err(|error| internal(&error))?;
        done()
    }
}

/// The first attribute of a parameter list, if a host may write it.
fn take_attribute(list: &[u8]) -> Result<(u16, Attribute, &[u8]), Refusal> {
    const HEADER: usize = 5;
    let id = be16(list, 0);
    let end = HEADER + usize::from(be16(list, 3));
    let value = list.get(HEADER..end).ok_or_else(senses::parameter_list_length)?;
    let format =
        AttributeFormat::from_code(byte(list, 2) & 0x03).ok_or_else(senses::invalid_parameter)?;
    let len_max = match HOST.iter().find(|(known, _)| *known == id) {
        Some((_, len)) => *len,
        None if VENDOR_HOST.contains(&id) => VENDOR_HOST_BYTES_MAX,
        None => return Err(senses::invalid_parameter().into()),
    };
    if value.len() > len_max {
        return Err(senses::invalid_parameter().into());
    }
    Ok((id, Attribute { format, value: value.to_vec() }, &list[end..]))
}

/// Identifiers of the attributes that exist for a partition, ascending.
fn attribute_ids(cartridge: &Cartridge, partition: u8) -> Vec<u16> {
    let memory = &cartridge.memory;
    let loads = memory.last_drives.len();
    let computed = COMPUTED.iter().copied().filter(|id| match id {
        0x020A..=0x020D => usize::from(id - 0x020A) < loads,
        _ => true,
    });
    let volume = memory.attribute_ids(0).filter(|id| *id != COHERENCY);
    let coherency = memory.attribute(partition, COHERENCY).map(|_| COHERENCY);
    let mut ids: Vec<u16> = computed.chain(volume).chain(coherency).collect();
    ids.sort_unstable();
    ids
}

fn value_of(cartridge: &Cartridge, partition: u8, id: u16, alerts: u64) -> Option<Value> {
    let (identity, memory) = (&cartridge.identity, &cartridge.memory);
    let store = cartridge.partitions.get(usize::from(partition))?;
    let early = store.capacity_to_early_warning().0;
    let used = store.used_before(store.end_of_data());
    let value = match id {
        0x0000 => Value::u64(early.saturating_sub(used) / MIB),
        0x0001 => Value::u64(early / MIB),
        0x0002 => Value::u64(alerts | memory.tape_alerts),
        0x0003 => Value::u64(memory.load_count),
        0x0004 => Value::u64(CHIP_BYTES),
        0x0005 => Value::ascii("LTO-CVE", 8),
        0x0006 => Value::u8(identity.generation.density_code()),
        0x0007 => Value::u16(memory.initializations),
        0x0008 => Value::ascii(identity.barcode.as_str(), 32),
        CHANGE_REFERENCE => Value::u32(memory.change_reference),
        0x020A..=0x020D => Value::ascii(memory.last_drives.get(usize::from(id - 0x020A))?, 40),
        0x0220 => Value::u64(memory.bytes_written / MIB),
        0x0221 => Value::u64(memory.bytes_read / MIB),
        0x0222 => Value::u64(memory.bytes_written_last_load / MIB),
        0x0223 => Value::u64(memory.bytes_read_last_load / MIB),
        0x0400 => Value::ascii("FOSSIL", 8),
        0x0401 => Value::ascii(&identity.serial, 32),
        // Metres and tenths of a millimetre of an LTO-9 tape; they differ little.
        0x0402 => Value::u32(1035),
        0x0403 => Value::u32(127),
        0x0404 => Value::ascii("LTO-CVE", 8),
        0x0405 => Value::u8(identity.generation.density_code()),
        0x0406 => Value::ascii("20260101", 8),
        0x0407 => Value::u64(CHIP_BYTES),
        0x0408 => Value::u8(match identity.kind {
            CartridgeKind::Data => 0x00,
            CartridgeKind::Cleaning => 0x01,
            CartridgeKind::Worm => 0x80,
        }),
        _ => {
            let owner = if id == COHERENCY { partition } else { 0 };
            let attribute = memory.attribute(owner, id)?;
            Value::host(attribute.format.code(), attribute.value.clone())
        }
    };
    Some(value)
}
