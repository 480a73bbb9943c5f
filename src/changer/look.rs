//! Looking: READ ELEMENT STATUS of every kind, with fallbacks, and INITIALIZE ELEMENT STATUS.
//!
//! Kinds are asked for one by one: some changers cut long answers, and some refuse volume tags and
//! device identifiers in one command. What a changer refuses is not asked for again; drives are then
//! asked for twice, once with tags and once with identifiers.

use super::command::is_refusal;
use super::{Changer, ChangerError, ElementAddress, Inventory};
use crate::scsi::cdb::changer::{self, ElementStatusRequest, ElementType};
use crate::scsi::cdb::primary::{self, PageControl};
use crate::scsi::element::{self, ElementReport, ElementStatus};
use crate::scsi::mode::{self, ElementAddresses, ModeParameters};

/// What the changer takes together with READ ELEMENT STATUS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asks {
    /// Volume tags.
    tags: Ask,
    /// Device identifiers of drives.
    device_ids: Ask,
    /// Both in one command.
    both: Ask,
}

/// Whether a changer takes something. What it has taken once it has: a refusal later on is a failure of
/// that moment and teaches nothing, for without tags no cartridge would be found any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ask {
    #[default]
    Untried,
    Taken,
    Refused,
}

impl Ask {
    fn is_open(self) -> bool {
        self != Self::Refused
    }

    /// True if that error says that the changer does not take it.
    fn is_refused_by(self, error: &ChangerError) -> bool {
        self == Self::Untried && is_refusal(error)
    }
}

/// First room for an answer; what is longer is asked for again with the length that it has.
const ALLOCATION_BYTES: u32 = 64 * 1024;
/// Longest answer: 24 bits of ALLOCATION LENGTH.
const ALLOCATION_BYTES_MAX: u32 = 0x00FF_FFFF;
/// Elements asked for in one command: all.
const ALL: u16 = 0xFFFF;

impl Changer {
    /// What is where, as the changer knows it now. Nothing moves.
    ///
    /// # Errors
    /// If the changer does not answer or is not ready.
    pub fn inventory(&mut self) -> Result<Inventory, ChangerError> {
        let mut elements = Vec::new();
        for kind in [ElementType::Transport, ElementType::Storage, ElementType::ImportExport] {
            elements.extend(self.with_tags(kind)?);
        }
        elements.extend(self.drives()?);
        Ok(Inventory::from_status(&elements))
    }

    /// Makes the changer look into its elements again: all, or `count` from an address on. Takes
    /// minutes where the robot must scan barcodes.
    ///
    /// # Errors
    /// If the changer fails or refuses. A range that it cannot do is done as all.
    pub fn initialize_elements(
        &mut self,
        range: Option<(ElementAddress, u16)>,
    ) -> Result<(), ChangerError> {
        const OPERATION: &str = "look into its elements";
        if let Some((first, count)) = range {
            let cdb = changer::initialize_element_status_with_range(first.0, count);
            match self.send(OPERATION, cdb) {
                Err(error) if is_refusal(&error) => {}
                result => return result,
            }
        }
        self.send(OPERATION, changer::initialize_element_status())
    }

    /// Where the elements are; `None` if the changer does not say.
    pub(super) fn element_addresses(&mut self) -> Result<Option<ElementAddresses>, ChangerError> {
        const OPERATION: &str = "read its element addresses";
        let mut buffer = [0; 255];
        let cdb = primary::mode_sense6(mode::PAGE_ELEMENT_ADDRESSES, PageControl::Current, 255);
        let answer = match self.read(OPERATION, cdb, &mut buffer) {
            Ok(answer) => answer,
            Err(error) if is_refusal(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let parameters = ModeParameters::parse6(answer);
        let parameters = parameters.map_err(|source| self.misunderstood(OPERATION, source))?;
        let page = parameters.page(mode::PAGE_ELEMENT_ADDRESSES);
        Ok(page.and_then(|page| mode::parse_element_addresses(page).ok()))
    }

    fn with_tags(&mut self, kind: ElementType) -> Result<Vec<ElementStatus>, ChangerError> {
        if self.asks.tags.is_open() {
            match self.read_elements(kind, true, false) {
                Err(error) if self.asks.tags.is_refused_by(&error) => {}
                result => {
                    let elements = result?;
                    self.asks.tags = Ask::Taken;
                    return Ok(elements);
                }
            }
        }
        let elements = self.read_elements(kind, false, false)?;
        // Only a changer that answers without tags has refused the tags and not the kind.
        self.asks.tags = Ask::Refused;
        Ok(elements)
    }

    fn drives(&mut self) -> Result<Vec<ElementStatus>, ChangerError> {
        const DRIVES: ElementType = ElementType::DataTransfer;
        let Asks { tags, device_ids, both } = self.asks;
        if both.is_open() && tags.is_open() && device_ids.is_open() {
            match self.read_elements(DRIVES, true, true) {
                Err(error) if both.is_refused_by(&error) => self.asks.both = Ask::Refused,
                result => {
                    let drives = result?;
                    self.asks.both = Ask::Taken;
                    return Ok(drives);
                }
            }
        }
        let mut drives = self.with_tags(DRIVES)?;
        if device_ids.is_open() {
            match self.read_elements(DRIVES, false, true) {
                Ok(identified) => {
                    self.asks.device_ids = Ask::Taken;
                    add_identifiers(&mut drives, identified);
                }
                Err(error) if device_ids.is_refused_by(&error) => {
                    self.asks.device_ids = Ask::Refused;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(drives)
    }

    fn read_elements(
        &mut self,
        kind: ElementType,
        with_volume_tags: bool,
        with_device_ids: bool,
    ) -> Result<Vec<ElementStatus>, ChangerError> {
        let mut allocation = ALLOCATION_BYTES;
        loop {
            let request = ElementStatusRequest {
                kind: Some(kind),
                first: 0,
                count: ALL,
                with_volume_tags,
                with_device_ids,
            };
            let report = self.read_report(request, allocation)?;
            let needed = u32::try_from(report.bytes).unwrap_or(u32::MAX);
            if needed <= allocation || allocation == ALLOCATION_BYTES_MAX {
                return Ok(report.elements);
            }
            allocation = needed.min(ALLOCATION_BYTES_MAX);
        }
    }

    fn read_report(
        &mut self,
        request: ElementStatusRequest,
        allocation: u32,
    ) -> Result<ElementReport, ChangerError> {
        const OPERATION: &str = "read its element status";
        let mut buffer = vec![0; usize::try_from(allocation).unwrap_or_default()];
        let cdb = changer::read_element_status(request, allocation);
        let report = element::parse_element_status(self.read(OPERATION, cdb, &mut buffer)?);
        report.map_err(|source| self.misunderstood(OPERATION, source))
    }
}

/// Puts the identifiers of a second look at the drives to the first.
fn add_identifiers(drives: &mut [ElementStatus], identified: Vec<ElementStatus>) {
    for status in identified {
        if let Some(drive) = drives.iter_mut().find(|d| d.address == status.address) {
            drive.designator = status.designator;
        }
    }
}
