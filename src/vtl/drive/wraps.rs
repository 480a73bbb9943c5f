//! READ END OF WRAP POSITION: at which objects the tape turns round. LTO-7 and later.

use super::{DriveUnit, Request};
use crate::domain::LtoGeneration;
use crate::scsi::opcode;
use crate::vtl::bytes::{Page, be32, byte, size};
use crate::vtl::senses;
use crate::vtl::store::wraps;
use crate::vtl::unit::{Answer, send};

impl DriveUnit {
    /// The long form, for all wraps that hold data, which is all that the product asks for.
    pub(super) fn read_end_of_wrap_positions(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const REPORT_ALL: u8 = 0x02;
        if self.generation < LtoGeneration::Lto7
            || byte(request.cdb, 2) != opcode::SAQ_READ_END_OF_WRAP_POSITION
            || byte(request.cdb, 3) & REPORT_ALL == 0
        {
            return Err(senses::invalid_field().into());
        }
        let cartridge = &self.ready()?.cartridge;
        let identity = &cartridge.identity;
        let wrap_bytes = (identity.capacity.0 / wraps(identity.generation)).max(1);
        let mut page = Page::new();
        page.u16(0_u16).zeros(2);
        // Where the partition begins, in bytes of tape.
        let mut begins = 0;
        for (number, store) in (0_u16..).zip(&cartridge.partitions) {
            let used = store.used_before(store.end_of_data());
            let first = begins / wrap_bytes;
            let past = (begins + used).div_ceil(wrap_bytes);
            for wrap in first..past {
                let ends = ((wrap + 1) * wrap_bytes).saturating_sub(begins);
                let last = store.objects_within(ends).saturating_sub(1);
                page.u16(wrap).u16(number).zeros(2).u16(last >> 32).u32(last & 0xFFFF_FFFF);
            }
            begins += store.capacity_to_end().0;
        }
        page.close_u16(0);
        send(request.data, page.as_bytes(), size(be32(request.cdb, 6)))
    }
}
