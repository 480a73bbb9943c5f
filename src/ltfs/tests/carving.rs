//! Finding streams on a tape without an index.

use std::ops::ControlFlow;

use super::*;
use crate::ltfs::extract::{Fed, Recogniser, StreamFound, find_streams};
use crate::vtl::faults::{BlockAccess, Effect, Fault};

const BEGIN: &[u8] = b"{manifest";
const END: &[u8] = b"manifest}\n";

/// Knows streams from `{manifest` to `manifest}`, and keeps them.
#[derive(Default)]
struct Manifests {
    current: Vec<u8>,
    whole: Vec<Vec<u8>>,
}

impl Recogniser for Manifests {
    fn begins(&mut self, block: &[u8], from: usize) -> Option<usize> {
        self.current.clear();
        block[from..].windows(BEGIN.len()).position(|window| window == BEGIN).map(|at| from + at)
    }

    fn feed(&mut self, bytes: &[u8]) -> Fed {
        let before = self.current.len();
        self.current.extend_from_slice(bytes);
        let end = self.current.windows(END.len()).position(|window| window == END);
        let seen = &self.current[..end.unwrap_or(self.current.len())];
        if seen.windows(3).any(|window| window == b"BAD") {
            return Fed::Rejected;
        }
        let Some(at) = end else { return Fed::More };
        let end = at + END.len();
        self.whole.push(self.current[..end].to_vec());
        Fed::Complete { used: end - before }
    }
}

fn manifest(length: usize) -> Vec<u8> {
    [BEGIN, &vec![b'.'; length], END].concat()
}

fn found(rig: &Rig, recogniser: &mut Manifests) -> Vec<StreamFound> {
    let mut streams = Vec::new();
    let mut drive = rig.drive();
    let flow = find_streams(&mut drive, DATA, BLOCK, recogniser, &mut |stream| {
        streams.push(stream);
        ControlFlow::Continue(())
    });
    assert!(flow.unwrap().is_continue());
    streams
}

#[test]
fn streams_are_found_packed_long_interrupted_by_an_index_and_behind_false_starts() {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    let packed = [&content(1, 50)[..], &manifest(20), b"{manifestBAD", &manifest(30)].concat();
    append(&mut volume, &packed).unwrap();
    let long = manifest(3 * BLOCK);
    append(&mut volume, &long[..2 * BLOCK]).unwrap();
    add_files(&mut volume, &[], IndexPlacement::DataPartition).unwrap();
    append(&mut volume, &long[2 * BLOCK..]).unwrap();
    drop(volume.into_drive());
    let mut recogniser = Manifests::default();
    let streams = found(&rig, &mut recogniser);
    let places: Vec<(u64, usize)> =
        streams.iter().map(|s| (s.start.block.0, s.byte_offset)).collect();
    assert_eq!(places, [(7, 50), (7, 50 + manifest(20).len() + 12), (8, 0)]);
    assert_eq!(recogniser.whole, [manifest(20), manifest(30), long]);
}

#[test]
fn damage_ends_a_stream_and_the_search_goes_on_behind_it() {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    append(&mut volume, &manifest(3 * BLOCK)).unwrap();
    append(&mut volume, &manifest(10)).unwrap();
    drop(volume.into_drive());
    let fault = Fault::at_block(BlockAccess::Read, 1, 8, Effect::MediumError).always();
    rig.set_faults(FaultPlan::of(fault));
    let streams = found(&rig, &mut Manifests::default());
    assert_eq!(streams.len(), 1);
    assert_eq!(streams[0].start.block, BlockNumber(11));
}

#[test]
fn a_search_ends_when_enough_was_found() {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    append(&mut volume, &[manifest(10), manifest(10)].concat()).unwrap();
    drop(volume.into_drive());
    let mut count = 0;
    let mut recogniser = Manifests::default();
    let flow = find_streams(&mut rig.drive(), DATA, BLOCK, &mut recogniser, &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert!(flow.unwrap().is_break());
    assert_eq!(count, 1);
}
