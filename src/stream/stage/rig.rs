//! The real stage on one thread, for tests that steer time: blocks of nothing in, blocks out.
//!
//! No thread reads and none waits, so what comes out is the same in every run.

use std::sync::Arc;

use super::{Stage, Taken};
use crate::stream::buffers::Filling;
use crate::stream::config::StreamConfig;
use crate::stream::control::Control;
use crate::stream::gauges::{Fixed, Gauges, Snapshot};
use crate::stream::plan::{FileOutcome, FileRecord};
use crate::stream::run::Run;

/// A stage for one drive.
#[derive(Debug)]
pub(crate) struct StageRig {
    run: Arc<Run>,
    stage: Arc<Stage>,
}

/// What the drive is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Block { bytes: u64 },
    Stand,
    Ended,
}

impl StageRig {
    pub(crate) fn new(config: StreamConfig) -> Self {
        let gauges = Arc::new(Gauges::new());
        gauges.set_fixed(Fixed::default(), 1);
        let run = Run::new(config, Arc::new(Control::new()), gauges).unwrap();
        let run = Arc::new(run);
        let stage = Arc::new(Stage::new(Arc::clone(&run), 1, None));
        Self { run, stage }
    }

    /// Stages a block; false if no slab is free.
    pub(crate) fn push(&self, bytes: u64, ends_file: bool) -> bool {
        let Some(lease) = self.run.slabs.try_lease() else { return false };
        let mut filling = Filling::new(lease);
        drop(filling.take(usize::try_from(bytes).unwrap()));
        let record = FileRecord { ordinal: 0, outcome: FileOutcome::Vanished };
        let records = if ends_file { vec![record] } else { Vec::new() };
        self.run.admit_record();
        self.stage.push(Some(filling.close().wait()), records);
        true
    }

    pub(crate) fn end(&self) {
        self.stage.end();
    }

    /// What the drive is given now. If that is a block, it is done with it.
    pub(crate) fn take(&self) -> Given {
        match self.stage.take(0) {
            Taken::Entry { block, .. } => {
                self.stage.taken(0);
                Given::Block { bytes: block.map_or(0, |(_, block)| block.len() as u64) }
            }
            Taken::Stand => Given::Stand,
            Taken::Ended => Given::Ended,
            Taken::Interrupted => panic!("nobody interrupts"),
        }
    }

    pub(crate) fn figures(&self) -> Snapshot {
        self.run.gauges.snapshot(self.run.config.clock.elapsed())
    }
}
