//! LOG SENSE of a drive: counters, volume statistics, TapeAlert, capacities.

use super::{DriveUnit, Request};
use crate::vtl::bytes::{be16, byte};
use crate::vtl::pages::log::{self, LogView, PartitionFigures};
use crate::vtl::plan::CartridgeKind;
use crate::vtl::senses;
use crate::vtl::unit::{Answer, send};

impl DriveUnit {
    /// LOG SENSE. Reading the TapeAlert page clears the flags.
    pub(super) fn log_sense(&mut self, request: &mut Request<'_, '_>) -> Answer {
        let (code, subpage) = (byte(request.cdb, 2) & 0x3F, byte(request.cdb, 3));
        if subpage != 0 {
            return Err(senses::invalid_field().into());
        }
        let view = self.log_view();
        let page =
            log::drive_page(&view, code, be16(request.cdb, 5)).ok_or_else(senses::invalid_field)?;
        if code == log::TAPE_ALERT {
            self.alerts = 0;
        }
        send(request.data, page.as_bytes(), usize::from(be16(request.cdb, 7)))
    }

    fn log_view(&mut self) -> LogView {
        let (totals, alerts, needs_cleaning) = (self.totals, self.alerts, self.needs_cleaning);
        let seat = self.ready().ok();
        let memory = seat.as_ref().map(|seat| seat.cartridge.memory.clone()).unwrap_or_default();
        let cartridge = seat.map(|seat| &seat.cartridge);
        let partitions = cartridge.map_or_else(Vec::new, |cartridge| {
            let figures = cartridge.partitions.iter().map(|store| PartitionFigures {
                capacity: store.capacity_to_early_warning().0,
                used: store.used_before(store.end_of_data()),
                to_end: store.capacity_to_end().0,
            });
            figures.collect()
        });
        LogView {
            bytes_written: totals.bytes_written,
            bytes_read: totals.bytes_read,
            write_errors: totals.write_errors,
            read_errors: totals.read_errors,
            alerts,
            needs_cleaning,
            volume_loads: memory.load_count,
            volume_bytes_written: memory.bytes_written,
            volume_bytes_read: memory.bytes_read,
            volume_bytes_written_last_load: memory.bytes_written_last_load,
            volume_bytes_read_last_load: memory.bytes_read_last_load,
            volume_serial: cartridge.map(|c| c.identity.serial.clone()),
            barcode: cartridge.map(|c| c.identity.barcode.to_string()),
            is_worm: cartridge.is_some_and(|c| c.identity.kind == CartridgeKind::Worm),
            partitions,
        }
    }
}
