//! Who a drive is and what it supports, read once when it is opened.

use std::sync::Arc;

use super::command::optional;
use super::{Access, Belief, Drive, DriveError, Guard, Operation, Quirks, quirks};
use crate::domain::{Clock, DriveSerial, LtoGeneration};
use crate::scsi::cdb::primary;
use crate::scsi::cdb::stream::{self, DensityOf};
use crate::scsi::density::{self, BLOCK_LIMITS_BYTES, Density};
use crate::scsi::inquiry::{self, Designator, DeviceType, Inquiry};
use crate::scsi::timeouts::{self, SupportedCommand, Timeouts};
use crate::scsi::{AnswerError, Transport, opcode};

/// Who a drive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveIdentity {
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Firmware.
    pub revision: String,
    /// The only key by which a drive is known.
    pub serial: DriveSerial,
    /// The newest generation that it writes; `None` if it is no LTO drive that we know.
    pub generation: Option<LtoGeneration>,
}

/// What a drive supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Longest block in bytes that we send or ask for.
    pub block_bytes_max: usize,
    /// Shortest block in bytes.
    pub block_bytes_min: usize,
    /// What it can read and write; empty if it does not say.
    pub densities: Vec<Density>,
    /// It can write WORM cartridges; `None` if it does not say.
    pub worm: Option<bool>,
    /// The names by which a changer may report it.
    pub designators: Vec<Designator>,
    /// LOCATE(16), SPACE(16) and the long READ POSITION; assumed until one is refused.
    pub has_long_commands: bool,
    /// The commands it has; `None` if it does not say.
    commands: Option<Vec<SupportedCommand>>,
}

/// Longest block that we use on any drive: the limit of other LTFS implementations.
const BLOCK_BYTES_MAX: usize = 1 << 20;

impl Capabilities {
    /// True if the drive says that it has a command, or does not say anything.
    #[must_use]
    pub fn may_have(&self, opcode: u8, service_action: Option<u16>) -> bool {
        self.commands.as_ref().is_none_or(|commands| {
            commands.iter().any(|c| {
                c.opcode == opcode
                    && (service_action.is_none() || c.service_action == service_action)
            })
        })
    }

    /// True if the drive can recommend an order for reading (LTO-9 full height and later).
    #[must_use]
    pub fn recommends_access_order(&self) -> bool {
        let action = u16::from(opcode::SA_GENERATE_RECOMMENDED_ACCESS_ORDER);
        self.commands.is_some() && self.may_have(opcode::MAINTENANCE_OUT, Some(action))
    }

    /// True if the drive says that it tells where its wraps end (LTO-7 and later, of most vendors). One
    /// that does not say is not asked: the command is a vendor's own.
    #[must_use]
    pub fn tells_wrap_ends(&self) -> bool {
        let action = u16::from(opcode::SA_VENDOR_MAINTENANCE_IN);
        self.commands.is_some() && self.may_have(opcode::MAINTENANCE_IN, Some(action))
    }

    /// True if the drive may encrypt.
    #[must_use]
    pub fn may_encrypt(&self) -> bool {
        self.may_have(opcode::SECURITY_PROTOCOL_OUT, None)
    }
}

const OPERATION: Operation = Operation::Named("be identified");

impl Drive {
    /// Takes over the way to a drive: reads who it is and what it supports. Does not move the tape. The
    /// position is not established and access is read-only afterwards.
    ///
    /// # Errors
    /// If it does not answer, is no tape drive, or has no serial number.
    pub fn open(transport: Box<dyn Transport>, clock: Arc<dyn Clock>) -> Result<Self, DriveError> {
        let mut drive = Self::identified(transport, clock)?;
        drive.complete()?;
        Ok(drive)
    }

    /// Who a drive is, also while another host has reserved it.
    ///
    /// # Errors
    /// As [`Drive::open`].
    pub fn identity_of(
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<DriveIdentity, DriveError> {
        let mut drive = Self::identified(transport, clock)?;
        match drive.complete() {
            Ok(()) | Err(DriveError::ReservationConflict { .. }) => Ok(drive.identity),
            Err(error) => Err(error),
        }
    }

    /// A drive of which only the identity was read, which a drive tells to everybody.
    pub(super) fn identified(
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DriveError> {
        // Until the serial number is read, messages call the drive by its node.
        let node = DriveSerial(transport.name().to_owned());
        let mut drive = Self {
            transport,
            clock,
            identity: DriveIdentity {
                vendor: String::new(),
                product: String::new(),
                revision: String::new(),
                serial: node,
                generation: None,
            },
            capabilities: Capabilities {
                block_bytes_max: BLOCK_BYTES_MAX,
                block_bytes_min: 1,
                densities: Vec::new(),
                worm: None,
                designators: Vec::new(),
                has_long_commands: true,
                commands: None,
            },
            quirks: Quirks::default(),
            timeouts: Timeouts::default(),
            belief: Belief::Unknown,
            access: Access::ReadOnly,
            guard: Guard::PositionOnly,
            keys: super::encryption::Keys::default(),
            pending_attention: None,
            partition_count: None,
        };
        drive.identify()?;
        drive.quirks = quirks::quirks_of(&drive.identity);
        Ok(drive)
    }

    /// Reads what an identified drive supports.
    pub(super) fn complete(&mut self) -> Result<(), DriveError> {
        self.read_capabilities()?;
        self.begin_session();
        Ok(())
    }

    fn identify(&mut self) -> Result<(), DriveError> {
        let inquiry =
            self.ask::<Inquiry, 96>(OPERATION, primary::inquiry(96), inquiry::parse_standard)?;
        if inquiry.device_type != DeviceType::SequentialAccess || !inquiry.is_connected {
            return Err(self.inconsistent(OPERATION, "it is no tape drive"));
        }
        let serial = self.ask::<String, 255>(
            OPERATION,
            primary::inquiry_page(inquiry::PAGE_SERIAL, 255),
            inquiry::parse_serial,
        )?;
        if serial.is_empty() {
            return Err(self.inconsistent(OPERATION, "it has no serial number"));
        }
        self.identity = DriveIdentity {
            generation: generation_of_product(&inquiry.product),
            vendor: inquiry.vendor,
            product: inquiry.product,
            revision: inquiry.revision,
            serial: DriveSerial(serial),
        };
        Ok(())
    }

    fn read_capabilities(&mut self) -> Result<(), DriveError> {
        let commands = optional(self.ask_long(
            16 * 1024,
            |n| primary::report_supported_operation_codes(n).into(),
            timeouts::parse_supported_commands,
        ))?;
        if let Some(commands) = &commands {
            self.timeouts = Timeouts::from_supported(commands);
        }
        self.capabilities.commands = commands.filter(|list| !list.is_empty());

        let limits = self.ask::<_, BLOCK_LIMITS_BYTES>(
            OPERATION,
            stream::read_block_limits(),
            density::parse_block_limits,
        )?;
        let ours = self.quirks.block_bytes_max.unwrap_or(BLOCK_BYTES_MAX).min(BLOCK_BYTES_MAX);
        let theirs = limits.bytes_max.and_then(|n| usize::try_from(n).ok());
        self.capabilities.block_bytes_max = theirs.map_or(ours, |n| n.min(ours));
        self.capabilities.block_bytes_min = usize::from(limits.bytes_min).max(1);

        self.capabilities.designators = optional(self.ask::<_, 1024>(
            OPERATION,
            primary::inquiry_page(inquiry::PAGE_IDENTIFICATION, 1024),
            inquiry::parse_identification,
        ))?
        .unwrap_or_default();
        self.capabilities.worm = optional(self.ask::<_, 64>(
            OPERATION,
            primary::inquiry_page(inquiry::PAGE_SEQUENTIAL_CAPABILITIES, 64),
            inquiry::parse_supports_worm,
        ))?;
        self.capabilities.densities = optional(self.ask_long(
            4096,
            |n| {
                let n = u16::try_from(n).unwrap_or(u16::MAX);
                stream::report_density_support(DensityOf::Drive, n).into()
            },
            density::parse_densities,
        ))?
        .unwrap_or_default();
        let writable = self.capabilities.densities.iter().filter(|d| d.is_writable);
        let newest = writable.filter_map(|d| LtoGeneration::from_density_code(d.code)).max();
        self.identity.generation = newest.or(self.identity.generation);
        Ok(())
    }

    /// As [`Drive::ask`] for answers that are too long for the stack.
    fn ask_long<T>(
        &mut self,
        bytes: u32,
        cdb: impl FnOnce(u32) -> crate::scsi::Cdb,
        parse: impl FnOnce(&[u8]) -> Result<T, AnswerError>,
    ) -> Result<T, DriveError> {
        let mut buffer = vec![0; usize::try_from(bytes).unwrap_or_default()];
        let got = self.query(OPERATION, cdb(bytes), Some(&mut buffer))?;
        parse(&buffer[..got]).map_err(|source| self.misunderstood(OPERATION, source))
    }

    /// Nothing is known of cartridge and position, and nothing may be written.
    pub(super) fn begin_session(&mut self) {
        self.belief = Belief::Unknown;
        self.forbid();
        self.pending_attention = None;
        self.partition_count = None;
    }
}

/// The generation that the product's name ends in: `ULTRIUM-HH9`, `ULT3580-TD8`, `Ultrium 9-SCSI`.
fn generation_of_product(product: &str) -> Option<LtoGeneration> {
    let upper = product.to_ascii_uppercase();
    let is_lto = ["ULT", "LTO"].iter().any(|name| upper.contains(name));
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let number = match upper.strip_prefix("ULTRIUM ") {
        Some(rest) => digits(rest),
        None => {
            let at = upper.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |n| n + 1);
            upper.get(at..).unwrap_or_default().to_owned()
        }
    };
    let name = format!("LTO-{number}");
    if is_lto { LtoGeneration::from_name(&name) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_names_tell_the_generation() {
        use LtoGeneration as G;
        for (product, generation) in [
            ("ULTRIUM-HH9", Some(G::Lto9)),
            ("ULTRIUM-TD5", Some(G::Lto5)),
            ("ULT3580-TD8", Some(G::Lto8)),
            ("Ultrium 6-SCSI", Some(G::Lto6)),
            ("LTO-10", Some(G::Lto10)),
            ("ULTRIUM-HH3", None),
            ("SDLT600", None),
            ("", None),
        ] {
            assert_eq!(generation_of_product(product), generation, "{product}");
        }
    }
}
