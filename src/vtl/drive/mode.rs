//! MODE SENSE and MODE SELECT: the settings of a drive, and the layout that is asked for.

use super::seat::PARTITIONS_MAX;
use super::{BLOCK_BYTES_MAX, DriveUnit, Request};
use crate::domain::LtoGeneration;
use crate::scsi::{Sense, opcode};
use crate::vtl::bytes::{be16, be24, byte, size};
use crate::vtl::pages::mode::{self, ModeHeader, ModeView, PageControl, code};
use crate::vtl::plan::CartridgeKind;
use crate::vtl::senses::{self, Attention};
use crate::vtl::unit::{Answer, Refusal, done, parameters, send};

/// What MODE SELECT changes and a reset sets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// Length of a fixed block; 0: variable.
    pub(super) block_length: u32,
    pub(super) is_buffered: bool,
    pub(super) is_compressing: bool,
    pub(super) programmable_warning_megabytes: u16,
    /// WRITE MODE: what is not at the end of data is not written over. Lasts until the cartridge goes.
    pub(super) is_append_only: bool,
    pub(super) partitions: PartitionRequest,
}

/// The layout that the next FORMAT MEDIUM makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartitionRequest {
    /// Partitions beside the first.
    pub(super) additional: u8,
    /// Sizes in units; `None`: the drive chooses.
    pub(super) sizes: Option<Vec<u16>>,
    pub(super) unit_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            block_length: 0,
            is_buffered: true,
            is_compressing: true,
            programmable_warning_megabytes: 0,
            is_append_only: false,
            partitions: PartitionRequest::default(),
        }
    }
}

impl DriveUnit {
    /// MODE SENSE(6) and (10).
    pub(super) fn mode_sense(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const DISABLE_BLOCK_DESCRIPTORS: u8 = 0x08;
        let cdb = request.cdb;
        let is_short = byte(cdb, 0) == opcode::MODE_SENSE_6;
        let control =
            PageControl::from_code(byte(cdb, 2) >> 6).ok_or_else(senses::invalid_field)?;
        let view = self.mode_view(control);
        let pages = mode::drive_pages(&view, byte(cdb, 2) & 0x3F, byte(cdb, 3))
            .ok_or_else(senses::invalid_field)?;
        let header = ModeHeader {
            is_short,
            is_write_protected: view.is_write_protected,
            is_buffered: self.settings.is_buffered,
            density: view.density,
            block_length: self.settings.block_length,
            has_descriptor: byte(cdb, 1) & DISABLE_BLOCK_DESCRIPTORS == 0,
        };
        let allocation = if is_short { u16::from(byte(cdb, 4)) } else { be16(cdb, 7) };
        send(request.data, mode::answer(&header, &pages).as_bytes(), usize::from(allocation))
    }

    fn mode_view(&mut self, control: PageControl) -> ModeView {
        let generation = self.generation;
        let settings = match control {
            PageControl::Default => Settings::default(),
            _ => self.settings.clone(),
        };
        let medium = self.ready().ok().map(|seat| &seat.cartridge);
        let partitions = medium.map_or(vec![], |cartridge| {
            cartridge.partitions.iter().map(|p| p.capacity_to_end().0).collect()
        });
        ModeView {
            control,
            density: medium.map_or(0, |m| m.identity.generation.density_code()),
            is_write_protected: medium.is_some_and(|m| m.identity.write_protected),
            is_worm: medium.is_some_and(|m| m.identity.kind == CartridgeKind::Worm),
            is_compressing: settings.is_compressing,
            programmable_warning_megabytes: settings.programmable_warning_megabytes,
            is_append_only: settings.is_append_only,
            additional_partitions_max: additional_partitions_max(generation),
            partitions,
        }
    }

    /// MODE SELECT(6) and (10).
    pub(super) fn mode_select(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const SAVE_PAGES: u8 = 1;
        let cdb = request.cdb;
        if byte(cdb, 1) & SAVE_PAGES != 0 {
            return Err(senses::invalid_field().into());
        }
        let is_short = byte(cdb, 0) == opcode::MODE_SELECT_6;
        let length = if is_short { u16::from(byte(cdb, 4)) } else { be16(cdb, 7) };
        let list = parameters(request.data, usize::from(length));
        if list.is_empty() {
            return done();
        }
        let mut settings = self.settings.clone();
        self.take_mode_list(&mut settings, list, is_short).map_err(Refusal::from)?;
        if settings != self.settings {
            self.settings = settings;
            self.state.raise_for_others(request.initiator, Attention::ModeParametersChanged);
        }
        done()
    }

    fn take_mode_list(
        &self,
        settings: &mut Settings,
        list: &[u8],
        is_short: bool,
    ) -> Result<(), Sense> {
        const BUFFERED_MODE: u8 = 0x70;
        const DESCRIPTOR_BYTES: usize = 8;
        let header = if is_short { 4 } else { 8 };
        if list.len() < header {
            return Err(senses::parameter_list_length());
        }
        settings.is_buffered = list[if is_short { 2 } else { 3 }] & BUFFERED_MODE != 0;
        let descriptors = if is_short { usize::from(list[3]) } else { usize::from(be16(list, 6)) };
        let mut pages = list.get(header..).unwrap_or_default();
        if descriptors != 0 {
            if descriptors != DESCRIPTOR_BYTES || pages.len() < descriptors {
                return Err(senses::parameter_list_length());
            }
            let block_length = be24(pages, 5);
            if block_length > BLOCK_BYTES_MAX {
                return Err(senses::invalid_parameter());
            }
            settings.block_length = block_length;
            pages = &pages[descriptors..];
        }
        while !pages.is_empty() {
            pages = self.take_page(settings, pages)?;
        }
        Ok(())
    }

    /// Takes the first page of `pages`; what follows it.
    fn take_page<'a>(&self, settings: &mut Settings, pages: &'a [u8]) -> Result<&'a [u8], Sense> {
        const SUBPAGE_FORMAT: u8 = 0x40;
        let has_subpage = pages[0] & SUBPAGE_FORMAT != 0;
        let (subpage, body_at, len) = if has_subpage {
            (byte(pages, 1), 4, usize::from(be16(pages, 2)))
        } else {
            (0, 2, usize::from(byte(pages, 1)))
        };
        let body = pages.get(body_at..body_at + len).ok_or_else(senses::parameter_list_length)?;
        match (pages[0] & 0x3F, subpage) {
            (code::DATA_COMPRESSION, 0) => settings.is_compressing = byte(body, 0) & 0x80 != 0,
            (code::DEVICE_CONFIGURATION, code::DEVICE_CONFIGURATION_EXTENSION) => {
                settings.programmable_warning_megabytes = be16(body, 2);
                let is_append_only = byte(body, 1) >> 4 == 1;
                if settings.is_append_only && !is_append_only && self.seat.is_some() {
                    return Err(senses::invalid_parameter());
                }
                settings.is_append_only = is_append_only;
            }
            (code::MEDIUM_PARTITION, 0) => {
                settings.partitions = self.take_partitions(body)?;
            }
            (
                code::READ_WRITE_RECOVERY
                | code::DISCONNECT
                | code::CONTROL
                | code::DEVICE_CONFIGURATION
                | code::POWER
                | code::INFORMATIONAL_EXCEPTIONS
                | code::MEDIUM_CONFIGURATION,
                0,
            ) => {}
            _ => return Err(senses::invalid_parameter()),
        }
        Ok(&pages[body_at + len..])
    }

    /// Medium partition page: `body` begins behind PAGE LENGTH.
    fn take_partitions(&self, body: &[u8]) -> Result<PartitionRequest, Sense> {
        const INITIATOR_DEFINED: u8 = 0x20;
        const SIZES_AT: usize = 6;
        let additional = byte(body, 1);
        if body.len() < SIZES_AT || additional > additional_partitions_max(self.generation) {
            return Err(senses::invalid_parameter());
        }
        let unit_bytes = match byte(body, 2) >> 3 & 0x03 {
            0 => 1,
            1 => 1_000,
            2 => 1_000_000,
            _ => 10_u64.checked_pow(u32::from(byte(body, 4) & 0x0F)).unwrap_or(u64::MAX),
        };
        let is_defined = byte(body, 2) & INITIATOR_DEFINED != 0;
        let sizes: Vec<u16> = body[SIZES_AT..].chunks_exact(2).map(|pair| be16(pair, 0)).collect();
        if is_defined && sizes.len() < size(additional) + 1 {
            return Err(senses::invalid_parameter());
        }
        Ok(PartitionRequest { additional, sizes: is_defined.then_some(sizes), unit_bytes })
    }
}

/// Partitions beside the first that a drive can make.
fn additional_partitions_max(generation: LtoGeneration) -> u8 {
    const OF_LATER: u8 = 3;
    const { assert!(OF_LATER as usize + 1 == PARTITIONS_MAX) };
    if generation == LtoGeneration::Lto5 { 1 } else { OF_LATER }
}
