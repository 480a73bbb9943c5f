//! Tidying up after a restore that was killed and goes on: half a file that nobody makes anew, because its
//! cartridge is gone or the job fails, would stay in the folder for ever.

use std::collections::{HashMap, HashSet};

use super::choice::ITEMS_READ;
use crate::catalog::{EventLevel, ItemKey};
use crate::domain::SourcePath;
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;
use crate::source::destination::{Destination, WholeFile};

/// Removes what an earlier stretch of this job left half done: in every folder that something still goes to
/// what has a temporary name, and of what still goes there the half files.
pub(super) fn remove_leftovers(
    context: &JobContext,
    destination: &Destination,
    targets: &HashMap<SourcePath, SourcePath>,
) -> Result<(), JobError> {
    let (catalog, job) = (&context.parts.catalog, context.id);
    let mut tidied = HashSet::new();
    for volume in catalog.selected_volumes(job)? {
        let mut after: Option<ItemKey> = None;
        loop {
            let page = catalog.waiting_items(job, volume, after, ITEMS_READ)?;
            for item in &page {
                let path = SourcePath::from_bytes(item.located.path.clone()).unwrap_or_default();
                let target = targets.get(&path).unwrap_or(&path);
                let Some(folder) = target.parent() else { continue };
                let version = &item.located.version;
                let whole = WholeFile { size_bytes: version.size.0, modified: version.modified };
                let half_file = destination.remove_half_file(target, whole).map(|_| ());
                let leftovers = match tidied.contains(&folder) {
                    true => Ok(()),
                    false => destination.remove_leftovers(&folder).map(|_| ()),
                };
                for error in [half_file, leftovers].into_iter().filter_map(Result::err) {
                    let message = format!("what was left half done may still be there: {error}");
                    context.tell(EventLevel::Warning, "leftovers", message);
                }
                tidied.insert(folder);
            }
            match page.last() {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
    }
    Ok(())
}
