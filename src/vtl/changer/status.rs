//! READ ELEMENT STATUS, INITIALIZE ELEMENT STATUS and POSITION TO ELEMENT.

use super::ChangerUnit;
use super::elements::Element;
use crate::scsi::opcode;
use crate::vtl::bytes::{be16, be24, byte, size};
use crate::vtl::drive::Request;
use crate::vtl::pages::element::{self, Contents, ElementKind, ElementView};
use crate::vtl::pages::inquiry::drive_identifier;
use crate::vtl::plan::CartridgeKind;
use crate::vtl::senses;
use crate::vtl::unit::{Answer, done, send};

impl ChangerUnit {
    /// READ ELEMENT STATUS.
    pub(super) fn read_element_status(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const VOLUME_TAGS: u8 = 0x10;
        const DEVICE_IDENTIFIERS: u8 = 0x01;
        const ALL_KINDS: u8 = 0;
        let cdb = request.cdb;
        let wanted = byte(cdb, 1) & 0x0F;
        if wanted > ElementKind::Drive.code() {
            return Err(senses::invalid_field().into());
        }
        let (first, count) = (be16(cdb, 2), usize::from(be16(cdb, 4)));
        let views: Vec<ElementView> = (self.elements.iter())
            .filter(|element| element.address >= first)
            .filter(|element| wanted == ALL_KINDS || element.kind.code() == wanted)
            .take(count)
            .map(|element| self.view(element))
            .collect();
        let contents = Contents {
            volume_tags: byte(cdb, 1) & VOLUME_TAGS != 0,
            identifiers: byte(cdb, 6) & DEVICE_IDENTIFIERS != 0,
        };
        let page = element::answer(&views, contents);
        send(request.data, page.as_bytes(), size(be24(cdb, 7)))
    }

    fn view(&self, element: &Element) -> ElementView {
        let drive = self.drive_at(element).map(|drive| drive.lock());
        let card = element.card.as_ref();
        let is_readable =
            card.is_some_and(|card| !self.record.unreadable_labels.contains(&card.serial));
        const BARCODE_UNREADABLE: (u8, u8) = (0x30, 0x83);
        ElementView {
            address: element.address,
            kind: element.kind,
            is_full: card.is_some(),
            barcode: card.filter(|_| is_readable).map(|card| card.barcode.to_string()),
            source: element.source.filter(|_| card.is_some()),
            is_accessible: drive.as_ref().is_none_or(|drive| !drive.is_loaded()),
            was_imported: element.was_imported,
            exception: (card.is_some() && !is_readable).then_some(BARCODE_UNREADABLE),
            is_cleaning: card.is_some_and(|card| card.kind == CartridgeKind::Cleaning),
            identifier: drive.map(|drive| drive_identifier(drive.generation, &drive.serial)),
        }
    }

    /// INITIALIZE ELEMENT STATUS, of all or of a range: the robot looks at every barcode again.
    pub(super) fn initialize(&mut self, code: u8, cdb: &[u8]) -> Answer {
        let is_ranged =
            code == opcode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE && byte(cdb, 1) & 1 != 0;
        if is_ranged && self.elements.get(be16(cdb, 2)).is_none() {
            return Err(senses::invalid_element().into());
        }
        self.spend_move();
        done()
    }

    /// POSITION TO ELEMENT.
    pub(super) fn position_to_element(&mut self, cdb: &[u8]) -> Answer {
        if self.elements.get(be16(cdb, 4)).is_none() || !self.is_robot(be16(cdb, 2)) {
            return Err(senses::invalid_element().into());
        }
        self.spend_move();
        done()
    }
}
