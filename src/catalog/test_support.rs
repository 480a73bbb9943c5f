//! What the tests of this folder share: a catalog in a folder of its own, a volume, a run, a file.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::domain::{
    ByteCount, Partition, Position, RunId, SetName, Sha256Digest, Timestamp, VirtualClock,
    VolumeUuid,
};

use super::{
    Catalog, CopyExtent, FileKind, NewCopy, NewRun, NewVolume, OpenCheck, RunKind, RunWriter,
    SegmentId, VolumeState,
};

/// A moment, in seconds.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanoseconds: 0 }
}

pub(super) fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("catalog.db")
}

/// An empty catalog.
pub(super) fn empty() -> (Catalog, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&file_in(&folder), OpenCheck::Whole).unwrap();
    (catalog, folder)
}

/// Closes the catalog and opens it again, as a restart does.
pub(super) fn reopen(catalog: Catalog, folder: &TempDir) -> Catalog {
    drop(catalog);
    Catalog::open(&file_in(folder), OpenCheck::Whole).unwrap()
}

pub(super) fn set() -> SetName {
    "photos".parse().unwrap()
}

pub(super) fn run_id(name: &str) -> RunId {
    RunId(name.to_owned())
}

/// The nth test volume, formatted and open.
pub(super) fn volume(catalog: &Catalog, number: u128) -> VolumeUuid {
    let uuid = VolumeUuid(uuid::Uuid::from_u128(number));
    catalog
        .saw_volume(&NewVolume {
            uuid,
            cartridge: None,
            state: VolumeState::Open,
            barcode: format!("FSP{number:03}L9").parse().ok(),
            name: format!("volume {number}"),
            block_size: 524_288,
            index_partition: Partition(0),
            data_partition: Partition(1),
            capacity: ByteCount(18_000_000_000_000),
            formatted: at(1),
        })
        .unwrap();
    uuid
}

/// A run that began at `started` seconds.
pub(super) fn start_run(catalog: &Catalog, name: &str, kind: RunKind, started: i64) -> RunId {
    let run = run_id(name);
    let new = NewRun {
        run: run.clone(),
        set: set(),
        kind,
        parent: None,
        copies: 1,
        job: None,
        started: at(started),
    };
    catalog.start_run(&new).unwrap();
    run
}

pub(super) fn writer(catalog: &Catalog, segment: SegmentId) -> RunWriter {
    catalog.run_writer(segment, Arc::new(VirtualClock::default())).unwrap()
}

/// The digest that the test files have.
pub(super) fn digest(path: &[u8], modified: i64) -> Sha256Digest {
    let mut bytes = [0; 32];
    for (at, byte) in path.iter().enumerate() {
        bytes[at % 24] ^= byte.rotate_left(u32::try_from(at % 7).unwrap());
    }
    bytes[24..].copy_from_slice(&modified.to_be_bytes());
    Sha256Digest(bytes)
}

/// Where the nth test file lies.
pub(super) fn extent(block: u64, size: u64) -> CopyExtent {
    CopyExtent {
        start: Position::new(1, block),
        byte_offset: 0,
        byte_count: ByteCount(size),
        file_offset: 0,
    }
}

/// Pushes a plain file.
pub(super) fn push_file(writer: &mut RunWriter, path: &[u8], size: u64, modified: i64) {
    let extents = [extent(10 + writer.next_sequence(), size)];
    writer.push(&plain_file(writer.next_sequence(), path, size, modified, &extents)).unwrap();
}

/// A plain file, to be varied.
pub(super) fn plain_file<'a>(
    ordinal: u64,
    path: &'a [u8],
    size: u64,
    modified: i64,
    extents: &'a [CopyExtent],
) -> NewCopy<'a> {
    NewCopy {
        ordinal,
        path,
        kind: FileKind::File,
        size: ByteCount(size),
        modified: at(modified),
        changed: Some(at(modified + 1)),
        inode: Some(ordinal + 1000),
        sha256: Some(digest(path, modified)),
        attributes: br#"{"mode":420,"uid":1000,"gid":1000}"#,
        detail: None,
        extents,
        codec: None,
        part: None,
        stored_path: None,
    }
}
