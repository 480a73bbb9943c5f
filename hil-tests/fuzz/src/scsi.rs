//! Answers of drives and changers.
//!
//! The lengths that are asserted are those of the standards' smallest descriptors: an answer can
//! never become more than it has bytes for.

use std::hint::black_box;

use fossilsafe::scsi::{cdb, log, mode};

use super::Seeds;
use super::devices::{ANSWER_BYTES, Devices};

pub(crate) mod element_status {
    use super::*;
    use cdb::changer::{ElementStatusRequest, read_element_status};
    use fossilsafe::scsi::element::parse_element_status;

    pub(crate) fn run(bytes: &[u8]) {
        let Ok(report) = parse_element_status(bytes) else { return };
        // A descriptor has at least 12 bytes: no answer makes more elements than it has room for.
        assert!(report.elements.len() <= bytes.len() / 12, "{report:?}");
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let all = ElementStatusRequest {
            kind: None,
            first: 0,
            count: u16::MAX,
            with_volume_tags: true,
            with_device_ids: true,
        };
        let plain = ElementStatusRequest { with_volume_tags: false, with_device_ids: false, ..all };
        let ask = |request| devices.changer(read_element_status(request, ANSWER_BYTES.into()));
        Ok(vec![ask(all), ask(plain), ask(ElementStatusRequest { count: 1, ..all })])
    }
}

pub(crate) mod mode_pages {
    use super::*;
    use cdb::primary::{ModePageCode, PageControl, mode_sense6, mode_sense10};
    use mode::ModeParameters;

    const PAGES: [ModePageCode; 5] = [
        ModePageCode { page: 0x0F, subpage: 0 },
        ModePageCode { page: 0x10, subpage: 0 },
        ModePageCode { page: 0x10, subpage: 1 },
        ModePageCode { page: 0x11, subpage: 0 },
        ModePageCode { page: 0x1D, subpage: 0 },
    ];

    pub(crate) fn run(bytes: &[u8]) {
        for parsed in [ModeParameters::parse6(bytes), ModeParameters::parse10(bytes)] {
            let Ok(parameters) = parsed else { continue };
            for code in PAGES {
                let Some(page) = parameters.page(code) else { continue };
                assert!(page.len() <= bytes.len());
                black_box(parameters.select10(page));
                let mut changed = page.to_vec();
                let _ = mode::set_compressing(&mut changed, true);
                let _ = mode::set_programmable_early_warning_mb(&mut changed, 7);
                let _ = black_box(mode::is_compressing(page));
                let _ = black_box(mode::active_partition(page));
                let _ = black_box(mode::programmable_early_warning_mb(page));
                let _ = black_box(mode::is_worm_medium(page));
                let _ = black_box(mode::parse_partition_layout(page));
                let _ = black_box(mode::set_two_partitions(page, 37));
                let _ = black_box(mode::parse_element_addresses(page));
            }
            black_box((parameters.is_write_protected(), parameters.is_buffered()));
        }
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let current = PageControl::Current;
        let mut seeds = vec![
            devices.drive(mode_sense6(ModePageCode::page(0x3F), current, u8::MAX)),
            devices.changer(mode_sense6(ModePageCode::page(0x3F), current, u8::MAX)),
            devices.changer(mode_sense10(ModePageCode::page(0x1D), current, ANSWER_BYTES)),
        ];
        seeds.extend(PAGES.map(|code| devices.drive(mode_sense10(code, current, ANSWER_BYTES))));
        Ok(seeds)
    }
}

pub(crate) mod log_pages {
    use super::*;
    use cdb::primary::log_sense;
    use log::LogPage;

    const PAGES: [u8; 8] = [
        log::PAGE_WRITE_ERRORS,
        log::PAGE_READ_ERRORS,
        log::PAGE_SEQUENTIAL_ACCESS,
        log::PAGE_VOLUME_STATISTICS,
        log::PAGE_TAPE_ALERT,
        log::PAGE_TAPE_USAGE,
        log::PAGE_TAPE_CAPACITY,
        log::PAGE_DATA_COMPRESSION,
    ];

    pub(crate) fn run(bytes: &[u8]) {
        let code = bytes.first().map_or(0, |first| first & 0x3F);
        let Ok(page) = LogPage::parse(bytes, code) else { return };
        assert!(page.parameters.len() <= bytes.len() / 4, "{page:?}");
        // Every reading of every page: a device may send one under the name of another.
        black_box(log::tape_alert_flags(&page));
        black_box(log::error_counters(&page));
        black_box(log::sequential_access(&page));
        black_box(log::volume_statistics(&page));
        black_box(log::tape_capacity(&page));
        black_box(log::tape_usage(&page));
        black_box(log::compression_ratios(&page));
        for parameter in &page.parameters {
            black_box((page.counter(parameter.code), page.partition_records(parameter.code)));
        }
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        Ok(PAGES.map(|page| devices.drive(log_sense(page, 0, ANSWER_BYTES))).into())
    }
}

pub(crate) mod inquiry {
    use super::*;
    use cdb::primary::inquiry_page;
    use fossilsafe::scsi::inquiry;

    pub(crate) fn run(bytes: &[u8]) {
        let _ = black_box(inquiry::parse_standard(bytes));
        let _ = black_box(inquiry::parse_serial(bytes));
        let _ = black_box(inquiry::parse_supported_pages(bytes));
        let _ = black_box(inquiry::parse_supports_worm(bytes));
        for designator in inquiry::parse_identification(bytes).unwrap_or_default() {
            black_box((designator.is_empty(), designator.serial()));
        }
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let mut seeds = vec![
            devices.drive(cdb::primary::inquiry(u16::from(u8::MAX))),
            devices.changer(cdb::primary::inquiry(u16::from(u8::MAX))),
        ];
        for page in [0x00, 0x80, 0x83, 0xB0] {
            seeds.push(devices.drive(inquiry_page(page, ANSWER_BYTES)));
            seeds.push(devices.changer(inquiry_page(page, ANSWER_BYTES)));
        }
        // A changer has no page of tapes.
        seeds.retain(|seed| !seed.is_empty());
        Ok(seeds)
    }
}

pub(crate) mod sense {
    use super::*;
    use fossilsafe::scsi::{Sense, SenseKey};

    pub(crate) fn run(bytes: &[u8]) {
        let Some(sense) = Sense::parse(bytes) else { return };
        black_box(format!("{sense} {sense:?}"));
        let again = Sense::parse(&sense.encode_fixed());
        assert!(again.is_some(), "{sense:?} is not read back");
    }

    pub(crate) fn seeds() -> Seeds {
        let keys = [SenseKey::MediumError, SenseKey::UnitAttention, SenseKey::BlankCheck];
        let mut seeds: Vec<Vec<u8>> =
            keys.map(|key| Sense::new(key, 0x11, 2).encode_fixed().to_vec()).into();
        // Descriptor format with information and stream commands.
        seeds.push(vec![
            0x72, 0x03, 0x11, 0, 0, 0, 0, 16, 0, 10, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 7, 4, 2, 0, 0xE0,
        ]);
        Ok(seeds)
    }
}

pub(crate) mod position {
    use super::*;
    use cdb::stream::{read_position_long, read_position_short};
    use fossilsafe::scsi::position::{parse_long, parse_short};

    pub(crate) fn run(bytes: &[u8]) {
        let _ = black_box((parse_long(bytes), parse_short(bytes)));
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        Ok(vec![devices.drive(read_position_long()), devices.drive(read_position_short())])
    }
}

pub(crate) mod density {
    use super::*;
    use cdb::stream::{DensityOf, read_block_limits, report_density_support};
    use fossilsafe::scsi::density::{parse_block_limits, parse_densities};

    pub(crate) fn run(bytes: &[u8]) {
        let _ = black_box(parse_block_limits(bytes));
        let densities = parse_densities(bytes).unwrap_or_default();
        assert!(densities.len() <= bytes.len());
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        Ok(vec![
            devices.drive(read_block_limits()),
            devices.drive(report_density_support(DensityOf::Drive, ANSWER_BYTES)),
            devices.drive(report_density_support(DensityOf::Medium, ANSWER_BYTES)),
        ])
    }
}

pub(crate) mod supported_commands {
    use super::*;
    use fossilsafe::scsi::timeouts::parse_supported_commands;

    pub(crate) fn run(bytes: &[u8]) {
        let commands = parse_supported_commands(bytes).unwrap_or_default();
        assert!(commands.len() <= bytes.len() / 8);
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let ask = || cdb::primary::report_supported_operation_codes(ANSWER_BYTES.into());
        Ok(vec![devices.drive(ask()), devices.changer(ask())])
    }
}

pub(crate) mod reservation {
    use super::*;
    use cdb::primary::{ReserveIn, persistent_reserve_in};
    use fossilsafe::scsi::reservation::{parse_keys, parse_reservation};

    pub(crate) fn run(bytes: &[u8]) {
        let _ = black_box(parse_reservation(bytes));
        assert!(parse_keys(bytes).unwrap_or_default().len() <= bytes.len() / 8);
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let ask = |what| devices.drive(persistent_reserve_in(what, ANSWER_BYTES));
        let held = [0, 0, 0, 1, 0, 0, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 3, 0, 0];
        Ok(vec![ask(ReserveIn::ReadKeys), ask(ReserveIn::ReadReservation), held.into()])
    }
}

pub(crate) mod encryption_pages {
    use super::*;
    use cdb::primary::security_protocol_in;
    use fossilsafe::scsi::security::{parse_algorithm, parse_next_block, parse_settings};

    pub(crate) fn run(bytes: &[u8]) {
        let _ = black_box((parse_algorithm(bytes), parse_settings(bytes), parse_next_block(bytes)));
    }

    pub(crate) fn seeds() -> Seeds {
        const TAPE_DATA_ENCRYPTION: u8 = 0x20;
        let devices = Devices::new()?;
        let ask = |page| {
            devices.drive(security_protocol_in(TAPE_DATA_ENCRYPTION, page, ANSWER_BYTES.into()))
        };
        Ok([0x10, 0x20, 0x21].map(ask).into())
    }
}

pub(crate) mod access_order {
    use super::*;
    use fossilsafe::domain::{BlockNumber, Partition};
    use fossilsafe::scsi::access_order::{Segment, encode_segments, parse_order};
    use fossilsafe::scsi::wraps::parse_wrap_ends;

    pub(crate) fn run(bytes: &[u8]) {
        assert!(parse_order(bytes).unwrap_or_default().len() <= bytes.len() / 32);
        assert!(parse_wrap_ends(bytes).unwrap_or_default().len() <= bytes.len() / 12);
    }

    pub(crate) fn seeds() -> Seeds {
        let segment = |first| Segment {
            partition: Partition(1),
            first: BlockNumber(first),
            last: BlockNumber(first + 9),
        };
        Ok(vec![encode_segments(&[segment(100), segment(5)]), encode_segments(&[])])
    }
}
