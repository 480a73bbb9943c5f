//! In which order the items of a volume are read: the drive's, if it has advice or says where the tape turns
//! round, else that of the tape.
//!
//! The tape runs to and fro in a hundred wraps and more, so a file with a far block number may lie beside
//! the head. Files that lie close together stay together: winding past a gap costs more than reading it.
//! Many items are read in tape order, as the whole of a tape is.

use crate::catalog::SelectionItem;
use crate::domain::{BlockCount, BlockNumber};
use crate::drive::{Drive, Segment};

/// Items that are looked at together, at most: some tens of megabytes.
pub(super) const ITEMS_ORDERED_MAX: usize = 20_000;
/// Blocks between two items that are rather read than wound past: settling after a locate takes as long
/// as a gigabyte of reading, of which this is far below.
pub(super) const GAP: BlockCount = BlockCount(64);

/// `items`, which are in tape order, in the order in which `drive` reads them fastest from where it
/// stands. Those without a place come first; those with no more than `gap` between them stay together.
pub fn order_for_reading<T>(
    drive: &mut Drive,
    items: Vec<T>,
    gap: BlockCount,
    place: impl Fn(&T) -> Option<Segment>,
) -> Vec<T> {
    let mut ordered = Vec::with_capacity(items.len());
    let mut groups: Vec<(Segment, Vec<T>)> = Vec::new();
    for item in items {
        let Some(segment) = place(&item) else {
            ordered.push(item);
            continue;
        };
        match groups.last_mut() {
            Some((group, members)) if is_close(group, &segment, gap) => {
                group.last = group.last.max(segment.last);
                members.push(item);
            }
            _ => groups.push((segment, vec![item])),
        }
    }
    let segments: Vec<Segment> = groups.iter().map(|(segment, _)| *segment).collect();
    let advice = drive.reading_order(&segments).unwrap_or_else(|error| {
        // It is only advice. If more than that is wrong, reading says it.
        tracing::warn!(%error, "the drive gives no order for reading; reading in tape order");
        None
    });
    let mut groups: Vec<Vec<T>> = groups.into_iter().map(|(_, members)| members).collect();
    match advice {
        Some(order) => {
            ordered.extend(order.into_iter().flat_map(|at| std::mem::take(&mut groups[at])));
        }
        None => ordered.extend(groups.into_iter().flatten()),
    }
    ordered
}

fn is_close(group: &Segment, next: &Segment, gap: BlockCount) -> bool {
    group.partition == next.partition
        && next.first >= group.first
        && next.first.0 <= group.last.0.saturating_add(gap.0)
}

/// Where an item lies, from its first block to its last, on a volume with blocks of `block_bytes`.
pub(super) fn place_of(item: &SelectionItem, block_bytes: u32) -> Option<Segment> {
    let block_bytes = u64::from(block_bytes.max(1));
    let mut segments = item.located.copy.extents.iter().map(|extent| {
        let end = extent.byte_offset.saturating_add(extent.byte_count.0).saturating_sub(1);
        let first = extent.start.block;
        let last = BlockNumber(first.0.saturating_add(end / block_bytes));
        Segment { partition: extent.start.partition, first, last }
    });
    let first = segments.next()?;
    Some(segments.fold(first, |whole, next| Segment {
        first: whole.first.min(next.first),
        last: whole.last.max(next.last),
        ..whole
    }))
}
