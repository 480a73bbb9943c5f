//! Tidying up after a restore that was killed and goes on: half a file that nobody makes anew, because its
//! cartridge is gone or the job fails, would stay in the folder for ever.

use std::collections::HashSet;

use super::Restore;
use super::choice::ITEMS_READ;
use crate::catalog::{EventLevel, ItemKey};
use crate::domain::SourcePath;
use crate::jobs::error::JobError;

impl Restore<'_> {
    /// Removes what an earlier stretch of this job left half done, in every folder that something still goes to.
    pub(super) fn remove_leftovers(&self) -> Result<(), JobError> {
        if !self.is_resumed {
            return Ok(());
        }
        let (catalog, job) = (&self.context.parts.catalog, self.context.id);
        let mut tidied = HashSet::new();
        for volume in catalog.selected_volumes(job)? {
            let mut after: Option<ItemKey> = None;
            loop {
                let page = catalog.waiting_items(job, volume, after, ITEMS_READ)?;
                for item in &page {
                    let Ok(path) = SourcePath::from_bytes(item.located.path.clone()) else {
                        continue;
                    };
                    let Some(folder) = self.target(&path).parent() else { continue };
                    if !tidied.contains(&folder) {
                        self.tidy_up(&folder);
                        tidied.insert(folder);
                    }
                }
                match page.last() {
                    Some(last) => after = Some(last.key),
                    None => break,
                }
            }
        }
        Ok(())
    }

    fn tidy_up(&self, folder: &SourcePath) {
        if let Err(error) = self.outs.destination.remove_leftovers(folder) {
            let message = format!("what was left half done may still be there: {error}");
            self.context.tell(EventLevel::Warning, "leftovers", message);
        }
    }
}
