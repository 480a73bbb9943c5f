//! Does the content of a run stand encrypted on its tape, where its pool says that drives encrypt?
//!
//! A drive is believed when it says that it encrypts, and looked after here: it is asked of a block of content
//! before that is read, once a segment.

use super::volume::VolumeWork;
use crate::catalog::SegmentId;
use crate::domain::{Position, RunId};
use crate::drive::BlockEncryption;
use crate::jobs::equipment::Loaded;
use crate::jobs::error::JobError;
use crate::jobs::pool::is_encrypted_by_drives;

/// Copies read from the catalog at once; most have content.
const COPIES_READ: usize = 1000;

impl VolumeWork<'_> {
    /// Tells of content that anybody could read.
    ///
    /// # Errors
    /// If the catalog fails, or the drive cannot tell.
    pub(super) fn check_encryption(
        &mut self,
        loaded: &mut Loaded,
        run: &RunId,
        segment: SegmentId,
    ) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let set = catalog.set(&catalog.run(run)?.run.set)?;
        if !is_encrypted_by_drives(catalog, &set)? {
            return Ok(());
        }
        let Some(first) = self.first_content(segment)? else { return Ok(()) };
        let drive = loaded.drive();
        drive.locate(first)?;
        let found = drive.next_block_encryption()?.encryption;
        if matches!(found, BlockEncryption::Plain | BlockEncryption::Unknown) {
            let said = match found {
                BlockEncryption::Plain => "is not encrypted",
                _ => "is not known to be encrypted",
            };
            let (serial, barcode) = (loaded.drive_serial(), self.barcode);
            self.problem(format!(
                "run {run} on {barcode} was to be encrypted by the drive, and {first} {said}, says drive {serial}: \
                 keep this cartridge as you would keep the files themselves"
            ));
        }
        Ok(())
    }

    fn first_content(&self, segment: SegmentId) -> Result<Option<Position>, JobError> {
        let mut from = 0;
        loop {
            let page = self.context.parts.catalog.segment_copies(segment, from, COPIES_READ)?;
            let Some(last) = page.last() else { return Ok(None) };
            from = last.copy.id.sequence() + 1;
            if let Some(extent) = page.iter().find_map(|located| located.copy.extents.first()) {
                return Ok(Some(extent.start));
            }
        }
    }
}
