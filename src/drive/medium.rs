//! The cartridge in the drive: what it is, without touching the tape.

use super::command::optional;
use super::{AttributeId, Drive, DriveError, Operation};
use crate::domain::{Barcode, LtoGeneration, Partition};
use crate::scsi::Condition;
use crate::scsi::cdb::primary::{self, ModePageCode, PageControl};
use crate::scsi::mode::{self, ModeParameters};

/// The cartridge in the drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medium {
    /// Generation, from the density code.
    pub generation: Option<LtoGeneration>,
    /// Density code.
    pub density: Option<u8>,
    /// Can be written once only.
    pub is_worm: bool,
    /// The drive will not write it: its switch, its generation, or its state.
    pub is_write_protected: bool,
    /// A cleaning cartridge; nothing else is known of it.
    pub is_cleaning: bool,
    /// Partitions, 1 or more.
    pub partition_count: u8,
    /// The barcode that the host which formatted it wrote into its memory. A label may say otherwise.
    pub barcode: Option<Barcode>,
    /// The cartridge's own serial number, which never changes.
    pub medium_serial: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
}

const OPERATION: Operation = Operation::Named("identify the cartridge");
/// Room for a mode page with headers: the longest that we read has 32 bytes.
const MODE_BYTES: usize = 256;

impl Drive {
    /// What cartridge is loaded; `None` if there is none. Does not move the tape.
    ///
    /// # Errors
    /// If the drive is not ready (yet) or does not answer.
    pub fn medium(&mut self) -> Result<Option<Medium>, DriveError> {
        match self.query(OPERATION, primary::test_unit_ready(), None) {
            Ok(_) => {}
            Err(DriveError::NoMedium { .. }) => return Ok(None),
            Err(error) if error.condition() == Some(Condition::CleaningCartridgeInstalled) => {
                return Ok(Some(Medium::cleaning()));
            }
            Err(error) => return Err(error),
        }
        let layout = optional(self.mode_page(OPERATION, mode::PAGE_MEDIUM_PARTITION))?;
        let parameters = match layout {
            Some((parameters, _)) => parameters,
            None => self.mode_page(OPERATION, mode::PAGE_DEVICE_CONFIGURATION)?.0,
        };
        let partition_count = parameters
            .page(mode::PAGE_MEDIUM_PARTITION)
            .and_then(|page| mode::parse_partition_layout(page).ok())
            .map_or(1, |layout| layout.partitions);
        self.partition_count = Some(partition_count);

        let kind = self.medium_number(AttributeId::MEDIUM_TYPE)?;
        let density = match parameters.descriptor.map(|d| d.density).filter(|code| *code != 0) {
            Some(code) => Some(code),
            None => {
                self.medium_number(AttributeId::MEDIUM_DENSITY)?.and_then(|n| n.try_into().ok())
            }
        };
        Ok(Some(Medium {
            generation: density.and_then(LtoGeneration::from_density_code),
            density,
            is_worm: match kind {
                Some(kind) => kind & 0x80 != 0,
                None => self.has_worm_page()?,
            },
            is_write_protected: parameters.is_write_protected(),
            is_cleaning: kind == Some(1),
            partition_count,
            barcode: self.medium_text(AttributeId::BARCODE)?.and_then(|text| text.parse().ok()),
            medium_serial: self.medium_text(AttributeId::MEDIUM_SERIAL)?,
            manufacturer: self.medium_text(AttributeId::MEDIUM_MANUFACTURER)?,
        }))
    }

    fn has_worm_page(&mut self) -> Result<bool, DriveError> {
        let page = optional(self.mode_page(OPERATION, mode::PAGE_MEDIUM_CONFIGURATION))?;
        Ok(page.is_some_and(|(_, page)| mode::is_worm_medium(&page).unwrap_or(false)))
    }

    fn medium_text(&mut self, id: AttributeId) -> Result<Option<String>, DriveError> {
        let text = self.read_attribute(Partition(0), id)?.map(|attribute| attribute.text());
        Ok(text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()))
    }

    fn medium_number(&mut self, id: AttributeId) -> Result<Option<u64>, DriveError> {
        Ok(self.read_attribute(Partition(0), id)?.and_then(|attribute| attribute.number()))
    }

    /// Reads one mode page: all parameters, and the page itself.
    pub(super) fn mode_page(
        &mut self,
        operation: Operation,
        code: ModePageCode,
    ) -> Result<(ModeParameters, Vec<u8>), DriveError> {
        const ALLOCATION: u16 = 256;
        let parameters = self.ask::<_, MODE_BYTES>(
            operation,
            primary::mode_sense10(code, PageControl::Current, ALLOCATION),
            ModeParameters::parse10,
        )?;
        match parameters.page(code).map(<[u8]>::to_vec) {
            Some(page) => Ok((parameters, page)),
            None => Err(self.unsupported("a mode page")),
        }
    }
}

impl Medium {
    fn cleaning() -> Self {
        Self {
            generation: None,
            density: None,
            is_worm: false,
            is_write_protected: true,
            is_cleaning: true,
            partition_count: 1,
            barcode: None,
            medium_serial: None,
            manufacturer: None,
        }
    }
}
