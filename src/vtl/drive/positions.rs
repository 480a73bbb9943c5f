//! Commands that move the tape or say where it is: REWIND, LOCATE, SPACE, READ POSITION.

use super::{DriveUnit, Request};
use crate::scsi::{Completion, Sense, opcode};
use crate::vtl::bytes::{be24, be32, be64, byte};
use crate::vtl::pages::position::{self, PositionReport};
use crate::vtl::senses;
use crate::vtl::store::{Object, ObjectKind};
use crate::vtl::timing::TapePoint;
use crate::vtl::unit::{Answer, Refusal, done, send};

/// Where LOCATE goes.
enum Target {
    Object(u64),
    File(u64),
    EndOfData,
}

impl DriveUnit {
    pub(super) fn rewind(&mut self) -> Answer {
        self.ready()?;
        self.flush()?;
        self.wind_to((self.position.0, 0));
        done()
    }

    /// Moves the head, and lets the way take its time.
    pub(super) fn wind_to(&mut self, to: (u8, u64)) {
        if to == self.position {
            return;
        }
        if let Some(medium) = self.seat.as_ref().map(|seat| seat.cartridge.identity.generation) {
            self.motion.stop(medium);
        }
        if self.motion.has_motion()
            && let (Some(from), Some(target)) = (self.point(self.position), self.point(to))
            && let Some(seat) = &self.seat
        {
            self.motion.spend(from.way_to(target, seat.cartridge.identity.generation));
        }
        self.position = to;
    }

    /// Where on the tape a logical position is.
    pub(super) fn point(&self, (partition, number): (u8, u64)) -> Option<TapePoint> {
        let cartridge = &self.seat.as_ref()?.cartridge;
        let store = cartridge.partitions.get(usize::from(partition))?;
        let before: u64 = (cartridge.partitions.iter().take(usize::from(partition)))
            .map(|earlier| earlier.capacity_to_end().0)
            .sum();
        let identity = &cartridge.identity;
        let bytes = before + store.used_before(number);
        Some(TapePoint::behind(bytes, identity.capacity.0, identity.generation))
    }

    /// LOCATE(10) and (16).
    pub(super) fn locate(&mut self, cdb: &[u8]) -> Answer {
        const CHANGE_PARTITION: u8 = 1 << 1;
        self.ready()?;
        let is_short = byte(cdb, 0) == opcode::LOCATE_10_OR_POSITION_TO_ELEMENT;
        let target = if is_short {
            Target::Object(u64::from(be32(cdb, 3)))
        } else {
            match byte(cdb, 1) >> 3 & 0x07 {
                0 => Target::Object(be64(cdb, 4)),
                1 => Target::File(be64(cdb, 4)),
                3 => Target::EndOfData,
                _ => return Err(senses::invalid_field().into()),
            }
        };
        let partition = match byte(cdb, 1) & CHANGE_PARTITION {
            0 => self.position.0,
            _ => byte(cdb, if is_short { 8 } else { 3 }),
        };
        if usize::from(partition) >= self.ready()?.cartridge.partitions.len() {
            return Err(senses::invalid_field().into());
        }
        self.flush()?;
        let store = &self.ready()?.cartridge.partitions[usize::from(partition)];
        let end = store.end_of_data();
        let object = match target {
            Target::Object(number) => Some(number).filter(|number| *number <= end),
            Target::File(0) => Some(0),
            Target::File(ordinal) => store.filemark(ordinal - 1).map(|mark| mark + 1),
            Target::EndOfData => Some(end),
        };
        self.wind_to((partition, object.unwrap_or(end)));
        match object {
            Some(_) => done(),
            None => Err(senses::end_of_data(0).into()),
        }
    }

    /// SPACE(6) and (16).
    pub(super) fn space(&mut self, cdb: &[u8]) -> Answer {
        self.ready()?;
        let count = if byte(cdb, 0) == opcode::SPACE_6 {
            let count = be24(cdb, 2);
            // The field is a 24-bit two's complement.
            i64::from(count) - if count & 0x80_0000 == 0 { 0 } else { 1 << 24 }
        } else {
            i64::from_be_bytes(be64(cdb, 4).to_be_bytes())
        };
        self.flush()?;
        match byte(cdb, 1) & 0x0F {
            0 => self.space_blocks(count),
            1 => self.space_filemarks(count),
            3 => {
                let partition = self.position.0;
                let store = &self.ready()?.cartridge.partitions[usize::from(partition)];
                let end = store.end_of_data();
                self.wind_to((partition, end));
                done()
            }
            _ => Err(senses::invalid_field().into()),
        }
    }

    fn space_blocks(&mut self, count: i64) -> Answer {
        let (partition, from) = self.position;
        let wanted = count.unsigned_abs();
        let store = &self.ready()?.cartridge.partitions[usize::from(partition)];
        let marks_before = store.filemarks_before(from);
        let (to, verdict) = if count >= 0 {
            let mark = store.filemark(marks_before);
            let limit = mark.unwrap_or(store.end_of_data());
            let moved = wanted.min(limit - from);
            match (wanted - moved, mark) {
                (0, _) => (from + moved, done()),
                (rest, Some(mark)) => (mark + 1, stop(senses::filemark(residual(rest)))),
                (rest, None) => (limit, stop(senses::end_of_data(residual(rest)))),
            }
        } else {
            let mark = marks_before.checked_sub(1).and_then(|ordinal| store.filemark(ordinal));
            let limit = mark.map_or(0, |mark| mark + 1);
            let moved = wanted.min(from - limit);
            match (wanted - moved, mark) {
                (0, _) => (from - moved, done()),
                (rest, Some(mark)) => (mark, stop(senses::filemark(residual(rest)))),
                (rest, None) => (0, stop(senses::beginning_of_partition(residual(rest)))),
            }
        };
        self.wind_to((partition, to));
        verdict
    }

    fn space_filemarks(&mut self, count: i64) -> Answer {
        let (partition, from) = self.position;
        let wanted = count.unsigned_abs();
        let store = &self.ready()?.cartridge.partitions[usize::from(partition)];
        let before = store.filemarks_before(from);
        let all = store.filemarks_before(store.end_of_data());
        let (to, verdict) = match count {
            0 => (from, done()),
            1.. => match before.checked_add(wanted - 1).and_then(|n| store.filemark(n)) {
                Some(mark) => (mark + 1, done()),
                None => {
                    let rest = wanted - (all - before);
                    (store.end_of_data(), stop(senses::end_of_data(residual(rest))))
                }
            },
            _ => match before.checked_sub(wanted).and_then(|n| store.filemark(n)) {
                Some(mark) => (mark, done()),
                None => {
                    let rest = wanted - before;
                    (0, stop(senses::beginning_of_partition(residual(rest))))
                }
            },
        };
        self.wind_to((partition, to));
        verdict
    }

    /// READ POSITION: short (00h, 01h), long (06h).
    pub(super) fn read_position(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const SHORT: u8 = 0;
        const SHORT_VENDOR: u8 = 1;
        const LONG: u8 = 6;
        let (partition, number) = self.position;
        let warning = self.warning_bytes();
        let store = &self.ready()?.cartridge.partitions[usize::from(partition)];
        let used = store.used_before(number);
        let report = PositionReport {
            partition,
            number,
            filemarks: store.filemarks_before(number),
            is_at_beginning: number == 0,
            is_past_early_warning: used >= store.capacity_to_early_warning().0,
            is_past_programmable_warning: warning > 0
                && used >= store.capacity_to_early_warning().0.saturating_sub(warning),
            buffered_objects: store.end_of_data() - store.committed(),
            buffered_bytes: store.buffered_bytes(),
        };
        let page = match byte(request.cdb, 1) & 0x1F {
            SHORT | SHORT_VENDOR => position::short(&report),
            LONG => position::long(&report),
            _ => return Err(senses::invalid_field().into()),
        };
        send(request.data, page.as_bytes(), usize::MAX)
    }

    /// VERIFY(6): goes over blocks as READ does, without handing them out.
    pub(super) fn verify(&mut self, cdb: &[u8]) -> Answer {
        const FIXED: u8 = 1;
        self.ready()?;
        self.flush()?;
        let length = super::transfer_length(cdb);
        let count = if byte(cdb, 1) & FIXED == 0 { u32::from(length > 0) } else { length };
        for done_before in 0..count {
            let rest = i64::from(count - done_before);
            let (partition, number) = self.position;
            let seat = self.ready()?;
            let store = &seat.cartridge.partitions[usize::from(partition)];
            let Some(object) = store.object(number).copied() else {
                return Err(senses::end_of_data(rest).into());
            };
            self.position.1 += 1;
            match object.kind {
                ObjectKind::Filemark => {
                    return Err(senses::filemark(rest).into());
                }
                _ if self.check_block(&object).is_err() => {
                    return Err(senses::read_error(rest).into());
                }
                _ => {}
            }
        }
        done()
    }

    fn check_block(&mut self, object: &Object) -> Result<(), Refusal> {
        let partition = usize::from(self.position.0);
        let store = &self.ready()?.cartridge.partitions[partition];
        match store.read_whole(object) {
            Ok(_) => Ok(()),
            Err(_) => Err(senses::read_error(0).into()),
        }
    }
}

fn stop(sense: Sense) -> Answer {
    Ok(Completion::check(sense, 0))
}

/// What is left of a count, as INFORMATION: always its magnitude, also when spacing back.
fn residual(rest: u64) -> i64 {
    i64::try_from(rest).unwrap_or(i64::MAX)
}
