//! GENERATE and RECEIVE RECOMMENDED ACCESS ORDER: in which order segments are read fastest.
//!
//! The order is found like drives do it, roughly: always go to the segment whose beginning is the
//! shortest way from where the last one ended, by the serpentine geometry of the time model. LTO-9
//! and later.

use super::{DriveUnit, Request};
use crate::domain::LtoGeneration;
use crate::vtl::bytes::{be32, byte, size};
use crate::vtl::pages::rao::{self, Segment};
use crate::vtl::senses;
use crate::vtl::unit::{Answer, Refusal, done, parameters, send};

/// Segments that one list can have: what LTO-9 drives report.
const SEGMENTS_MAX: usize = 2730;

/// The list that was generated last.
#[derive(Debug, Default)]
pub(super) struct AccessOrder {
    segments: Option<Vec<Segment>>,
}

impl DriveUnit {
    /// GENERATE RECOMMENDED ACCESS ORDER.
    pub(super) fn generate_access_order(&mut self, request: &mut Request<'_, '_>) -> Answer {
        self.ensure_orders()?;
        self.ready()?;
        let list = parameters(request.data, size(be32(request.cdb, 6)));
        if list.is_empty() {
            self.order.segments = None;
            return done();
        }
        let segments = rao::take_segments(list).ok_or_else(senses::invalid_parameter)?;
        let partitions = self.ready()?.cartridge.partitions.len();
        let is_sound = |s: &Segment| usize::from(s.partition) < partitions && s.first <= s.last;
        if segments.len() > SEGMENTS_MAX || !segments.iter().all(is_sound) {
            return Err(senses::invalid_parameter().into());
        }
        let ordered = self.order_segments(segments);
        self.order.segments = Some(ordered);
        done()
    }

    fn order_segments(&self, mut waiting: Vec<Segment>) -> Vec<Segment> {
        let medium =
            self.seat.as_ref().map_or(self.generation, |seat| seat.cartridge.identity.generation);
        let mut ordered = Vec::with_capacity(waiting.len());
        let mut here = self.point(self.position).unwrap_or_default();
        while !waiting.is_empty() {
            let cost = |segment: &Segment| {
                let start = self.point((segment.partition, segment.first)).unwrap_or_default();
                (here.way_to(start, medium), segment.partition, segment.first)
            };
            let Some(next) = (0..waiting.len()).min_by_key(|&n| cost(&waiting[n])) else { break };
            let segment = waiting.swap_remove(next);
            here = self.point((segment.partition, segment.last)).unwrap_or_default();
            ordered.push(segment);
        }
        ordered
    }

    /// RECEIVE RECOMMENDED ACCESS ORDER: the list, or how long one can be.
    pub(super) fn receive_access_order(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const UDS_LIMITS: u8 = 0x80;
        const UDS_LIMITS_LOW: u8 = 0x20;
        self.ensure_orders()?;
        let page = if byte(request.cdb, 1) & (UDS_LIMITS | UDS_LIMITS_LOW) != 0 {
            rao::limits(SEGMENTS_MAX)
        } else {
            rao::list(self.order.segments.as_deref(), size(be32(request.cdb, 2)))
        };
        send(request.data, page.as_bytes(), size(be32(request.cdb, 6)))
    }

    fn ensure_orders(&self) -> Result<(), Refusal> {
        if self.generation >= LtoGeneration::Lto9 {
            Ok(())
        } else {
            Err(senses::invalid_opcode().into())
        }
    }
}
