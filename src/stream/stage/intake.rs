//! From the packer to the stage: waits, in order, until a slab is read and its files are judged.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::Stage;
use crate::stream::packer::{Packed, PackedRecord};
use crate::stream::plan::FileRecord;
use crate::stream::run::Run;

/// Stages everything that is packed. Ends the stage unless the stream was halted.
pub(in crate::stream) fn run_intake(run: &Run, packed: Receiver<Packed>, stage: &Arc<Stage>) {
    for Packed { slab, records } in &packed {
        let block = slab.map(crate::stream::buffers::Pending::wait);
        let Some(records) = records.into_iter().map(finish_record).collect::<Option<Vec<_>>>()
        else {
            return;
        };
        if run.is_halted() {
            return;
        }
        stage.push(block, records);
    }
    if !run.is_halted() {
        stage.end();
    }
}

/// The record of a packed file; nothing if the stream was halted before it was known.
fn finish_record(record: PackedRecord) -> Option<FileRecord> {
    match record {
        PackedRecord::Ready(record) => Some(record),
        PackedRecord::Large { ordinal, file, place } => {
            let outcome = file.wait(place)?;
            Some(FileRecord { ordinal, outcome })
        }
        PackedRecord::Chunked { ordinal, file } => {
            let outcome = file.wait()?;
            Some(FileRecord { ordinal, outcome })
        }
    }
}
