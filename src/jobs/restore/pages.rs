//! Items of a volume, read from the catalog ahead of the tape.
//!
//! Looking an item up takes tens of microseconds and the thread that asks drives the tape, so another
//! thread looks up the next thousands meanwhile. It ends with this.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::choice::ITEMS_READ;
use crate::catalog::{Catalog, CatalogError, SelectionItem};
use crate::domain::{JobId, VolumeUuid};
use crate::jobs::error::JobError;

/// Pages read ahead: some megabytes.
const PAGES_AHEAD: usize = 4;

type Page = Result<Vec<SelectionItem>, CatalogError>;

/// The waiting items of a volume, in tape order.
#[derive(Debug)]
pub(super) struct Pages {
    /// Taken away after the last page, or to end the thread.
    pages: Option<Receiver<Page>>,
    thread: Option<JoinHandle<()>>,
    page: std::vec::IntoIter<SelectionItem>,
}

impl Pages {
    /// Begins to read.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(super) fn of(catalog: &Catalog, job: JobId, volume: VolumeUuid) -> Result<Self, JobError> {
        let (sender, pages) = sync_channel(PAGES_AHEAD);
        let catalog = catalog.clone();
        let read = move || {
            let mut after = None;
            loop {
                let page = catalog.waiting_items(job, volume, after, ITEMS_READ);
                after = match &page {
                    Ok(items) => items.last().map(|last| last.key),
                    Err(_) => None,
                };
                if sender.send(page).is_err() || after.is_none() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("restore-items".to_owned()).spawn(read);
        let nowhere = std::path::Path::new("the restore");
        let thread = thread.map_err(JobError::io("start a thread for", nowhere))?;
        let page = Vec::new().into_iter();
        Ok(Self { pages: Some(pages), thread: Some(thread), page })
    }

    /// Has `order` bring the items into another order. All of them are in memory for that.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub(super) fn reorder(
        &mut self,
        order: impl FnOnce(Vec<SelectionItem>) -> Vec<SelectionItem>,
    ) -> Result<(), JobError> {
        let mut items = Vec::new();
        while let Some(item) = self.next_item()? {
            items.push(item);
        }
        self.page = order(items).into_iter();
        Ok(())
    }

    /// The next item; nothing after the last.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub(super) fn next_item(&mut self) -> Result<Option<SelectionItem>, JobError> {
        loop {
            if let Some(item) = self.page.next() {
                return Ok(Some(item));
            }
            let Some(pages) = &self.pages else { return Ok(None) };
            let gone = |_| JobError::Bug("the thread that looks items up is gone".to_owned());
            let page = pages.recv().map_err(gone)??;
            if page.is_empty() {
                self.pages = None;
            }
            self.page = page.into_iter();
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.pages = None;
        if let Some(thread) = self.thread.take() {
            // Its panic is the catalog's, and would have ended the restore already.
            let _ = thread.join();
        }
    }
}
