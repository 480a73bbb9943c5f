//! Faults of the staging disk, by an engine that does to the bytes what failing disks do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::stream::buffers::{BufferPool, Filling};
use crate::stream::config::{StagingConfig, StreamConfig};
use crate::stream::control::Control;
use crate::stream::engine::{Engine, Op, SaveOp};
use crate::stream::error::StreamError;
use crate::stream::gauges::{Gauges, StagingState};
use crate::stream::plain::PlainEngine;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    FlipsABit,
    RefusesToSave,
    RefusesToLoad,
    RefusesToLoadOnce,
}

#[derive(Debug)]
struct FaultyDisk {
    engine: PlainEngine,
    fault: Fault,
    loads: AtomicU32,
}

impl Engine for FaultyDisk {
    fn submit(&self, op: Op) {
        match (op, self.fault) {
            (Op::Save(SaveOp { done, .. }), Fault::RefusesToSave) => {
                done(Err(std::io::ErrorKind::StorageFull.into()));
            }
            (Op::Load(load), Fault::RefusesToLoad) => {
                (load.done)(load.span, Err(std::io::Error::other("input/output error")));
            }
            (Op::Load(load), Fault::RefusesToLoadOnce)
                if self.loads.fetch_add(1, Ordering::SeqCst) == 0 =>
            {
                (load.done)(load.span, Err(std::io::Error::other("input/output error")));
            }
            (Op::Load(mut load), Fault::FlipsABit) => {
                let done = load.done;
                load.done = Box::new(move |mut span, result| {
                    span[100] ^= 1;
                    done(span, result);
                });
                self.engine.submit(Op::Load(load));
            }
            (op, _) => self.engine.submit(op),
        }
    }

    fn name(&self) -> &'static str {
        "faulty"
    }
}

const BLOCKS: u64 = 60;

/// Stages [`BLOCKS`] blocks through 16 slabs and a folder with `fault`; gives what a sink got and
/// how the stream failed.
fn stage_with(fault: Fault) -> (Vec<u8>, Option<StreamError>, Arc<Gauges>) {
    let dir = tempfile::tempdir().unwrap();
    let staging = StagingConfig { folder: dir.path().to_owned(), bytes_max: 100 * 4096 };
    let config = StreamConfig {
        block_bytes: 4096,
        ram_bytes: 16 * 4096,
        worker_count: 1,
        ..StreamConfig::default()
    };
    let gauges = Arc::new(Gauges::new());
    let run = Arc::new(Run::new(config, Arc::new(Control::new()), Arc::clone(&gauges)).unwrap());
    let engine =
        FaultyDisk { engine: PlainEngine::start(&run).unwrap(), fault, loads: AtomicU32::new(0) };
    let spill = Spill {
        folder: Folder::open(&staging, 4096).unwrap(),
        engine: Arc::new(engine),
        read_back: BufferPool::new(4096, 32).unwrap(),
        path: dir.path().to_owned(),
    };
    let stage = Arc::new(Stage::new(Arc::clone(&run), 1, Some(spill)));
    let got = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..BLOCKS {
                let Some(lease) = run.slabs.lease(run.halted()) else { return };
                let mut filling = Filling::new(lease);
                filling.take(4096).fill(u8::try_from(n).unwrap());
                stage.push(Some(filling.close().wait()), Vec::new());
            }
            stage.end();
        });
        let mut got = Vec::new();
        // The memory is full and the folder is in use before the first block is taken, unless the
        // folder refuses.
        while fault != Fault::RefusesToSave
            && gauges.staging_written_bytes.get() < 30 * 4096
            && !run.is_halted()
        {
            std::thread::yield_now();
        }
        loop {
            match stage.take(0) {
                Taken::Entry { block, .. } => {
                    got.push(block.unwrap().1[0]);
                    stage.taken(0);
                }
                Taken::Ended | Taken::Interrupted => break got,
                Taken::Stand => stage.wait_for_change(),
            }
        }
    });
    (got, run.take_failure(), gauges)
}

#[test]
fn a_disk_that_changes_bytes_ends_the_stream_before_a_drive_sees_them() {
    let (got, failure, _) = stage_with(Fault::FlipsABit);
    assert!(matches!(failure, Some(StreamError::StagingCorrupt { .. })), "{failure:?}");
    assert!(got.iter().enumerate().all(|(n, &byte)| n == usize::from(byte)));
    assert!((got.len() as u64) < BLOCKS);
}

#[test]
fn a_disk_that_cannot_be_read_ends_the_stream_and_a_passing_fault_does_not() {
    let (_, failure, _) = stage_with(Fault::RefusesToLoad);
    assert!(matches!(failure, Some(StreamError::StagingUnreadable { .. })), "{failure:?}");
    let (got, failure, _) = stage_with(Fault::RefusesToLoadOnce);
    assert!(failure.is_none(), "{failure:?}");
    assert_eq!(got.len() as u64, BLOCKS);
}

#[test]
fn a_disk_that_is_full_while_staging_is_bypassed_and_nothing_is_lost() {
    let (got, failure, gauges) = stage_with(Fault::RefusesToSave);
    assert!(failure.is_none());
    assert_eq!(got, (0..u8::try_from(BLOCKS).unwrap()).collect::<Vec<_>>());
    let staging = gauges.snapshot(std::time::Duration::ZERO).staging;
    let StagingState::Bypassed { reason } = staging else { panic!("{staging:?}") };
    assert!(reason.contains("cannot write to"), "{reason}");
}
