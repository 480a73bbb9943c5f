//! In which order blocks are read fastest: by the drive's own advice, else by where its wraps end.
//!
//! The tape runs in a serpentine, so the order of block numbers is not the order of the way. LTO-9 full
//! height drives and later compute a better one; for others it is computed here.

use super::{Drive, DriveError, Operation};
use crate::scsi::access_order::{self, SEGMENTS_MAX};
use crate::scsi::cdb::stream;

pub use crate::scsi::access_order::Segment;

impl Drive {
    /// The indexes of `segments` in the order in which they are read fastest from where the tape is now.
    /// `None` if nothing is better than the order of blocks, as far as is known. Nothing moves.
    ///
    /// # Errors
    /// If the drive does not answer.
    pub fn reading_order(
        &mut self,
        segments: &[Segment],
    ) -> Result<Option<Vec<usize>>, DriveError> {
        match self.recommended_access_order(segments)? {
            None if segments.len() >= 2 => self.serpentine_order(segments),
            advice => Ok(advice),
        }
    }

    /// The indexes of `segments` in the order in which the drive recommends to read them from where the
    /// tape is now. `None` if it gives no advice, or for more than 2,730 segments. Nothing moves.
    ///
    /// # Errors
    /// If the drive does not answer. An order that leaves a segment out or names one twice is no advice.
    pub(super) fn recommended_access_order(
        &mut self,
        segments: &[Segment],
    ) -> Result<Option<Vec<usize>>, DriveError> {
        const OPERATION: Operation = Operation::Named("recommend an order for reading");
        let is_possible = (2..=SEGMENTS_MAX).contains(&segments.len());
        if !is_possible || !self.capabilities.recommends_access_order() {
            return Ok(None);
        }
        let list = access_order::encode_segments(segments);
        let length = u32::try_from(list.len()).unwrap_or(u32::MAX);
        let sent = self.tell(OPERATION, stream::generate_recommended_access_order(length), &list);
        if super::command::optional(sent)?.is_none() {
            return Ok(None);
        }
        let mut buffer = vec![0; access_order::list_bytes(segments.len())];
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let cdb = stream::receive_recommended_access_order(length);
        let got = self.query(OPERATION, cdb, Some(&mut buffer))?;
        let order = access_order::parse_order(&buffer[..got])
            .map_err(|source| self.misunderstood(OPERATION, source))?;
        Ok(permutation(&order, segments.len()))
    }
}

/// The order as indexes, if each of `count` occurs exactly once.
fn permutation(order: &[u32], count: usize) -> Option<Vec<usize>> {
    let indexes: Vec<usize> =
        order.iter().map(|index| usize::try_from(*index)).collect::<Result<_, _>>().ok()?;
    let mut is_named = vec![false; count];
    for &index in &indexes {
        let named = is_named.get_mut(index)?;
        if std::mem::replace(named, true) {
            return None;
        }
    }
    (indexes.len() == count).then_some(indexes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_no_permutation_is_no_advice() {
        assert_eq!(permutation(&[2, 0, 1], 3), Some(vec![2, 0, 1]));
        for wrong in [&[0, 0, 1][..], &[0, 1], &[0, 1, 3], &[0, 1, 2, 2]] {
            assert_eq!(permutation(wrong, 3), None);
        }
    }
}
