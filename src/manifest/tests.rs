//! Manifests there and back, damaged in every way, and checked with the tools of the README.

mod damage;
mod round_trip;
mod tools;

use crate::domain::{
    BlockNumber, CopyLetter, FileKind, FileMetadata, FileTimes, RunId, Sha256Digest, SourcePath,
    Timestamp, VolumeUuid,
};
use crate::manifest::{
    EntryState, ManifestEnd, ManifestEntry, ManifestHeader, ManifestWriter, RunKind, VolumeExtent,
};

const NOW: Timestamp = Timestamp { seconds: 1_795_409_658, nanoseconds: 505_722_554 };

fn header() -> ManifestHeader {
    ManifestHeader {
        set: "photos".parse().unwrap(),
        run: RunId("2026-11-23T04-54-18Z".to_owned()),
        kind: RunKind::Full,
        parent_run: None,
        volume: VolumeUuid::random(),
        barcode: Some("FSP001L9".parse().unwrap()),
        copy: CopyLetter::B,
        copies: 2,
        sequence: 1,
        previous: None,
        block_size_bytes: 524_288,
        host: "host".to_owned(),
        pool: None,
        key_id: None,
        roots: vec!["/home/ann".to_owned()],
        started: NOW,
        tool: "fossilsafe 0.1.0".to_owned(),
    }
}

fn entry(path: &str) -> ManifestEntry {
    ManifestEntry {
        path: SourcePath::from_bytes(path).unwrap(),
        stored_path: None,
        kind: FileKind::File,
        size_bytes: 5,
        metadata: FileMetadata {
            mode: 0o644,
            uid: 1000,
            gid: 100,
            user: Some("ann".into()),
            group: Some("users".into()),
            times: FileTimes { modified: NOW, changed: NOW, accessed: NOW, created: Some(NOW) },
            xattrs: Vec::new(),
        },
        links: 1,
        hard_link_of: None,
        data_segments: None,
        sha256: Some(Sha256Digest([9; 32])),
        codec: None,
        part: None,
        extents: vec![VolumeExtent {
            partition: 'b',
            start_block: BlockNumber(17),
            byte_offset: 3,
            byte_count: 5,
            file_offset: 0,
        }],
        state: EntryState::Stored,
    }
}

fn write(header: &ManifestHeader, entries: &[ManifestEntry]) -> (Vec<u8>, ManifestEnd) {
    let mut writer = ManifestWriter::begin(Vec::new(), header).unwrap();
    for entry in entries {
        writer.write(entry).unwrap();
    }
    writer.finish(NOW).unwrap()
}
