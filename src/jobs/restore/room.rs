//! Is there room for what is to be restored? Asked before anything is read.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::fs::statvfs;

use crate::catalog::{ItemState, SelectionItem, SelectionTotals};
use crate::domain::{ByteCount, JobId};
use crate::jobs::context::Parts;
use crate::jobs::description::Describer;
use crate::jobs::error::JobError;

use super::choice::{ITEMS_READ, describe};

/// Refuses a destination that has no room for what still waits of `totals`.
///
/// # Errors
/// If there is too little room, or nobody can say how much there is.
pub(super) fn ensure_room(
    parts: &Parts,
    job: JobId,
    totals: &BTreeMap<ItemState, SelectionTotals>,
    destination: &Path,
) -> Result<(), JobError> {
    let waiting = totals.get(&ItemState::Waiting).map_or(0, |totals| totals.bytes.0);
    let free = free_bytes(destination)?;
    if waiting <= free {
        return Ok(());
    }
    // Holes take no room; they are counted only where it matters, because that reads every item.
    let needed = bytes_without_holes(parts, job)?;
    if needed <= free {
        return Ok(());
    }
    let (needed, free) = (ByteCount(needed), ByteCount(free));
    let reason = format!("{needed} are needed and {free} are free there");
    Err(JobError::Destination { path: destination.to_owned(), reason })
}

/// Free bytes where the folder is, or where it will be made.
fn free_bytes(folder: &Path) -> Result<u64, JobError> {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let found = statvfs(there).map_err(|errno| JobError::io("look at", there)(errno.into()))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

fn bytes_without_holes(parts: &Parts, job: JobId) -> Result<u64, JobError> {
    let (mut bytes, mut describer) = (0_u64, Describer::default());
    for share in parts.catalog.selection_volumes(job)? {
        let mut after = None;
        loop {
            let page = parts.catalog.waiting_items(job, share.volume, after, ITEMS_READ)?;
            bytes = bytes
                .saturating_add(page.iter().map(|item| data_bytes(&mut describer, item)).sum());
            match page.last() {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
    }
    Ok(bytes)
}

/// Bytes of an item that are no hole; of a part of a sparse file, those of its data in all.
fn data_bytes(describer: &mut Describer, item: &SelectionItem) -> u64 {
    let version = &item.located.version;
    if version.kind != crate::catalog::FileKind::File {
        return 0;
    }
    let size = item.located.copy.part.map_or(version.size.0, |part| part.size.0);
    let segments =
        describe(describer, item).ok().and_then(|(_, described)| described.data_segments);
    segments.map_or(size, |segments| size.min(segments.iter().map(|s| s.length).sum()))
}
