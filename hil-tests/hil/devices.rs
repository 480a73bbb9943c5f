//! The devices of a rig, found by what they answer to INQUIRY.

use std::fmt;

use crate::place::Place;
use crate::rig::{Identity, Rig};
use crate::steps::ensure;

/// Peripheral device types, as in INQUIRY.
const TAPE: u8 = 1;
const CHANGER: u8 = 8;
/// The kernel asks every device once; here is what it was told, a line each.
const LIST: &str = "for d in /sys/class/scsi_generic/sg*/device; do \
    [ -e $d ] || continue; n=${d%/device}; \
    echo \"/dev/${n##*/}|$(cat $d/type)|$(cat $d/vendor)|$(cat $d/model)|$(cat $d/rev)\"; done";

/// One of them.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) node: String,
    kind: u8,
    vendor: String,
    product: String,
    firmware: String,
}

impl Device {
    pub(crate) fn is_drive(&self) -> bool {
        self.kind == TAPE
    }

    fn is(&self, kind: u8, identity: &Identity) -> bool {
        self.kind == kind
            && self.vendor.starts_with(&identity.vendor)
            && self.product.starts_with(&identity.product)
    }

    /// One line of [`LIST`].
    fn parse(line: &str) -> Option<Self> {
        let mut cells = line.split('|').map(|cell| cell.trim().to_owned());
        let (node, kind) = (cells.next()?, cells.next()?.parse().ok()?);
        Some(Self {
            node,
            kind,
            vendor: cells.next()?,
            product: cells.next()?,
            firmware: cells.next()?,
        })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, vendor, product, firmware, .. } = self;
        write!(f, "{node}: {vendor} {product}, firmware {firmware}")
    }
}

/// All of the rig's, or which of them are missing.
pub(crate) fn find(place: &mut Place, rig: &Rig) -> Result<Vec<Device>, String> {
    let listed = place.run(LIST)?;
    let of_rig = |device: &Device| {
        let is_changer = rig.changer.as_ref().is_some_and(|it| device.is(CHANGER, it));
        is_changer || device.is(TAPE, &rig.drive)
    };
    let devices: Vec<_> = listed.lines().filter_map(Device::parse).filter(of_rig).collect();
    let drives = devices.iter().filter(|device| device.is_drive()).count();
    let changers = devices.len() - drives;
    let has_all = drives == rig.drives && changers == usize::from(rig.changer.is_some());
    ensure(has_all, || {
        format!("{drives} drives and {changers} changers of the rig in:\n{listed}")
    })?;
    Ok(devices)
}
