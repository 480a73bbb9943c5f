//! Where blocks lie on the tape, and an order to read them in for drives that recommend none.
//!
//! The tape runs in a serpentine: a block of one wrap lies beside blocks of the others, so the way from
//! block to block is winding along the tape and a step to another wrap, whatever their numbers. A drive
//! says at which blocks its wraps end; between two ends, blocks are taken to be of one length.

use super::{Drive, DriveError, Operation};
use crate::domain::{BlockNumber, Partition, Position};
use crate::scsi::access_order::Segment;
use crate::scsi::cdb::stream;
use crate::scsi::wraps::{self, WrapEnd};

/// What a step to another wrap costs, in passes of the whole tape: a second and a half of 90 to 120.
const STEP: f64 = 0.015;

/// One wrap that holds data.
#[derive(Clone, Copy, Debug)]
struct Wrap {
    partition: Partition,
    number: u16,
    /// Its first block.
    first: u64,
    /// Blocks on the whole of it.
    blocks: f64,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    wrap: u16,
    /// From the beginning of the tape, 0, to its end, 1.
    along: f64,
}

/// The wraps of a volume.
#[derive(Clone, Debug)]
struct WrapMap {
    /// By partition and block.
    wraps: Vec<Wrap>,
}

impl WrapMap {
    /// `None` if the ends say nothing: no wrap is full.
    fn new(ends: &[WrapEnd]) -> Option<Self> {
        let mut ends = ends.to_vec();
        ends.sort_by_key(|end| (end.partition, end.wrap));
        let mut wraps: Vec<Wrap> = Vec::new();
        let mut last: Option<WrapEnd> = None;
        for end in ends {
            let before = last.filter(|last| last.partition == end.partition);
            let first = before.map_or(0, |last| last.last.0.saturating_add(1));
            // Nothing is written on it, or the drive does not know.
            if end.last.0 < first {
                continue;
            }
            let blocks = float(end.last.0 - first + 1);
            wraps.push(Wrap { partition: end.partition, number: end.wrap, first, blocks });
            last = Some(end);
        }
        // The last one of a partition is not full: it is as long as those before it.
        for at in 0..wraps.len() {
            let is_last = wraps.get(at + 1).is_none_or(|n| n.partition != wraps[at].partition);
            let fullest = wraps.iter().filter(|w| w.partition == wraps[at].partition);
            if is_last && let Some(most) = fullest.map(|w| w.blocks).max_by(f64::total_cmp) {
                wraps[at].blocks = most;
            }
        }
        let is_one_each = wraps.windows(2).all(|pair| pair[0].partition != pair[1].partition);
        (!is_one_each).then_some(Self { wraps })
    }

    fn point(&self, partition: Partition, block: BlockNumber) -> Option<Point> {
        let behind = self.wraps.partition_point(|w| (w.partition, w.first) <= (partition, block.0));
        let wrap = self.wraps.get(behind.checked_sub(1)?)?;
        if wrap.partition != partition {
            return None;
        }
        let along = (float(block.0 - wrap.first) / wrap.blocks).min(1.0);
        let along = if wrap.number % 2 == 0 { along } else { 1.0 - along };
        Some(Point { wrap: wrap.number, along })
    }

    /// The indexes of `segments`: always the one that begins nearest to where the last one ended.
    /// `None` if one of them lies nowhere.
    fn nearest_first(&self, from: Option<Position>, segments: &[Segment]) -> Option<Vec<usize>> {
        let mut waiting = Vec::with_capacity(segments.len());
        for (index, segment) in segments.iter().enumerate() {
            let first = self.point(segment.partition, segment.first)?;
            waiting.push((index, first, self.point(segment.partition, segment.last)?));
        }
        let start = from.and_then(|at| self.point(at.partition, at.block));
        let mut here = start.unwrap_or(Point { wrap: 0, along: 0.0 });
        let mut order = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let ways = waiting.iter().map(|(_, first, _)| way(here, *first));
            let nearest = ways.enumerate().min_by(|a, b| a.1.total_cmp(&b.1))?.0;
            let (index, _, end) = waiting.swap_remove(nearest);
            order.push(index);
            here = end;
        }
        Some(order)
    }
}

/// The way between two points, in passes of the whole tape.
fn way(from: Point, to: Point) -> f64 {
    (from.along - to.along).abs() + if from.wrap == to.wrap { 0.0 } else { STEP }
}

#[expect(clippy::cast_precision_loss, reason = "blocks of a tape are far below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

impl Drive {
    /// The indexes of `segments` in the order of the way along the tape, from where it is now. `None` if
    /// the drive does not say where its wraps end, or the volume is shorter than two. Nothing moves.
    pub(super) fn serpentine_order(
        &mut self,
        segments: &[Segment],
    ) -> Result<Option<Vec<usize>>, DriveError> {
        const OPERATION: Operation = Operation::Named("say where the wraps end");
        if !self.capabilities.tells_wrap_ends() {
            return Ok(None);
        }
        let mut buffer = vec![0; wraps::answer_bytes()];
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let cdb = stream::read_end_of_wrap_positions(length);
        let got = super::command::optional(self.query(OPERATION, cdb, Some(&mut buffer)))?;
        let Some(got) = got else { return Ok(None) };
        let ends = wraps::parse_wrap_ends(&buffer[..got])
            .map_err(|source| self.misunderstood(OPERATION, source))?;
        let map = WrapMap::new(&ends);
        Ok(map.and_then(|map| map.nearest_first(self.position(), segments)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(wrap: u16, partition: u8, last: u64) -> WrapEnd {
        WrapEnd { wrap, partition: Partition(partition), last: BlockNumber(last) }
    }

    fn at(block: u64) -> Segment {
        let block = BlockNumber(block);
        Segment { partition: Partition(1), first: block, last: block }
    }

    /// An index partition of two wraps, and three of data of which the last is half full.
    fn map() -> WrapMap {
        let ends = [
            end(0, 0, 9),
            end(1, 0, 9),
            end(4, 1, 99),
            end(5, 1, 199),
            end(6, 1, 249),
            end(7, 1, 249),
        ];
        WrapMap::new(&ends).unwrap()
    }

    #[test]
    fn a_block_lies_on_its_wrap_and_every_other_wrap_runs_back() {
        let map = map();
        let point = |block| map.point(Partition(1), BlockNumber(block)).unwrap();
        assert_eq!(point(0), Point { wrap: 4, along: 0.0 });
        assert_eq!(point(50), Point { wrap: 4, along: 0.5 });
        assert_eq!(point(100), Point { wrap: 5, along: 1.0 });
        assert_eq!(point(175), Point { wrap: 5, along: 0.25 });
        assert_eq!(point(240), Point { wrap: 6, along: 0.4 }, "as long as a full one");
        assert_eq!(map.point(Partition(2), BlockNumber(0)), None);
    }

    #[test]
    fn what_lies_side_by_side_is_read_together() {
        let segments = [at(10), at(90), at(110), at(190), at(210)];
        let order = map().nearest_first(Some(Position::new(1, 0)), &segments).unwrap();
        // At a tenth of the tape: 10, 190 and 210; at nine tenths: 90 and 110.
        let pair = |at: usize| [order[at].min(order[at + 1]), order[at].max(order[at + 1])];
        assert_eq!((order[0], pair(1), pair(3)), (0, [3, 4], [1, 2]));
    }

    #[test]
    fn one_wrap_or_nonsense_gives_no_order() {
        assert!(WrapMap::new(&[]).is_none());
        assert!(WrapMap::new(&[end(0, 0, 9), end(4, 1, 99)]).is_none());
        assert!(WrapMap::new(&[end(4, 1, 99), end(5, 1, 3)]).is_none());
        assert!(
            map().nearest_first(None, &[Segment { partition: Partition(3), ..at(1) }]).is_none()
        );
    }
}
