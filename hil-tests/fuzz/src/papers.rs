//! The signed papers on a volume.

use std::hint::black_box;

use fossilsafe::domain::{
    BlockNumber, CopyLetter, DataSegment, FileKind, FileMetadata, FileTimes, RunId, Sha256Digest,
    SourcePath, Timestamp, VirtualClock, VolumeUuid, Xattr,
};
use fossilsafe::keys::{DetachedSignature, KeyStore, PinnedKeys, Purpose};
use fossilsafe::manifest::{
    Codec, EntryState, FilePart, ManifestEntry, ManifestHeader, ManifestWriter, PreviousVolume,
    RunIndex, RunKind, SealedContent, Verdict, VolumeExtent, VolumeRecord, verify_manifest,
    verify_volume_record,
};

use sha2::{Digest as _, Sha256};

use super::Seeds;

const NOW: Timestamp = Timestamp { seconds: 1_795_409_658, nanoseconds: 505_722_554 };
const UUID: VolumeUuid = VolumeUuid(uuid::Uuid::from_u128(7));

fn previous() -> PreviousVolume {
    PreviousVolume { volume: UUID, barcode: None, manifest_sha256: Sha256Digest([3; 32]) }
}

pub(crate) mod manifest {
    use super::*;

    /// Before lines that shall get right check values, so that the fuzzer comes past these.
    const LINES: u8 = b'\n';
    const FIRST_DIGITS: usize = 8;

    /// Without a signature nothing may be called more than unsigned, and the short form of the
    /// entries ends as the verification does.
    pub(crate) fn run(bytes: &[u8]) {
        match bytes.split_first() {
            Some((&LINES, lines)) => check(&checked(lines)),
            _ => check(bytes),
        }
    }

    /// The first line as it is; each later one, `{...}`, with the check value of what is before it.
    fn checked(lines: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        for (number, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            if let Some(rest) = line.strip_prefix(b"{").filter(|_| number > 0) {
                let before = format!("{:x}", Sha256::digest(&whole));
                whole.extend_from_slice(b"{\"prev\":\"");
                whole.extend_from_slice(&before.as_bytes()[..FIRST_DIGITS]);
                whole.extend_from_slice(b"\",");
                whole.extend_from_slice(rest);
            } else {
                whole.extend_from_slice(line);
            }
            whole.push(b'\n');
        }
        whole
    }

    fn check(bytes: &[u8]) {
        let Ok(seen) = verify_manifest(bytes, None, &PinnedKeys::default()) else { return };
        assert!(!matches!(seen.verdict, Verdict::Trusted { .. } | Verdict::Foreign { .. }));
        let is_whole = seen.verdict == Verdict::Unsigned;
        assert_eq!(is_whole, seen.end.is_some());
        let Ok(mut index) = RunIndex::open(bytes) else {
            assert!(!is_whole);
            return;
        };
        let mut entries = 0;
        let failed = index.by_ref().any(|entry| {
            entries += 1;
            entry.is_err()
        });
        assert_eq!(failed, !is_whole);
        if let Some(end) = seen.end {
            assert_eq!((end.counts.entries, end.size_bytes), (entries, bytes.len() as u64));
        }
    }

    pub(crate) fn seeds() -> Seeds {
        let header = ManifestHeader {
            set: "photos".parse()?,
            run: RunId("2026-11-23T04-54-18Z".to_owned()),
            kind: RunKind::Incremental,
            parent_run: Some(RunId("2026-11-22T04-54-18Z".to_owned())),
            volume: UUID,
            barcode: Some("FSP001L9".parse()?),
            copy: CopyLetter::B,
            copies: 2,
            sequence: 2,
            previous: Some(previous()),
            block_size_bytes: 524_288,
            host: "host".to_owned(),
            pool: None,
            key_id: None,
            roots: vec!["/home/ann".to_owned()],
            started: NOW,
            tool: "fossilsafe 0.1.0".to_owned(),
        };
        let mut writer = ManifestWriter::begin(Vec::new(), &header)?;
        for entry in entries()? {
            writer.write(&entry)?;
        }
        let (whole, _) = writer.finish(NOW)?;
        let (empty, _) = ManifestWriter::begin(Vec::new(), &header)?.finish(NOW)?;
        let mut lines = vec![LINES];
        for (number, line) in whole.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let prefix = b"{\"prev\":\"01234567\",".len();
            match number {
                0 => lines.extend_from_slice(line),
                _ => {
                    lines.push(b'{');
                    lines.extend_from_slice(line.get(prefix..).unwrap_or_default());
                }
            }
        }
        Ok(vec![whole, empty, lines])
    }

    fn entries() -> Result<Vec<ManifestEntry>, Box<dyn std::error::Error>> {
        let plain = ManifestEntry {
            path: SourcePath::from_bytes("home/ann/a.txt")?,
            stored_path: None,
            kind: FileKind::File,
            size_bytes: 5,
            metadata: FileMetadata {
                mode: 0o644,
                uid: 1000,
                gid: 100,
                user: Some("ann".into()),
                group: None,
                times: FileTimes { modified: NOW, changed: NOW, accessed: NOW, created: Some(NOW) },
                xattrs: vec![Xattr { name: (*b"user.x").into(), value: [0, 255].into() }],
            },
            links: 2,
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
        };
        let special = ManifestEntry {
            path: SourcePath::from_bytes(&b"home/\xFF"[..])?,
            stored_path: Some("home/_".to_owned()),
            hard_link_of: Some(plain.path.clone()),
            data_segments: Some(vec![DataSegment { offset: 0, length: 3 }]),
            codec: Some(Codec {
                is_zstd: true,
                sealed: Some(SealedContent {
                    key_id: "1f0a33c95d0e7b12".parse().expect("a key id"),
                    digests: Some("c2VhbGVk".to_owned()),
                }),
                stored_size_bytes: 4,
                stored_sha256: Sha256Digest([8; 32]),
            }),
            part: Some(FilePart { number: 1, of: Some(2), offset: 0, length: 5, sha256: None }),
            state: EntryState::OnVolume { sequence: 1, volume: UUID },
            ..plain.clone()
        };
        let link = ManifestEntry {
            kind: FileKind::Symlink { target: (*b"../b").into() },
            sha256: None,
            extents: Vec::new(),
            state: EntryState::Unreadable { reason: "gone".to_owned() },
            ..plain.clone()
        };
        Ok(vec![plain, special, link])
    }
}

pub(crate) mod volume_record {
    use super::*;

    pub(crate) fn run(bytes: &[u8]) {
        let (verdict, record) = verify_volume_record(bytes, None, &PinnedKeys::default());
        assert!(!matches!(verdict, Verdict::Trusted { .. } | Verdict::Foreign { .. }));
        if let Some(record) = record {
            assert_eq!(VolumeRecord::parse(&record.to_json()), Ok(record));
        }
    }

    pub(crate) fn seeds() -> Seeds {
        let folder = tempfile::tempdir()?;
        let store = KeyStore::open_or_create(folder.path(), &VirtualClock::default())?;
        let record = VolumeRecord {
            volume: UUID,
            barcode: Some("FSP001L9".parse()?),
            set: "photos".parse()?,
            copy: CopyLetter::B,
            sequence: 2,
            previous: Some(previous()),
            block_size_bytes: 524_288,
            written: NOW,
            host: "host".to_owned(),
            tool: "fossilsafe 0.1.0".to_owned(),
            key_id: store.key_id(),
            public_key_pem: store.public_key().to_pem(),
        };
        Ok(vec![record.to_json()])
    }
}

pub(crate) mod signature {
    use super::*;

    /// Nobody's key is trusted, so no signature can be good.
    pub(crate) fn run(bytes: &[u8]) {
        let Ok(parsed) = DetachedSignature::parse(bytes) else { return };
        let verdict =
            parsed.verify(Purpose::Manifest, &Sha256Digest([9; 32]), &PinnedKeys::default());
        let is_foreign = matches!(verdict, fossilsafe::keys::SignatureVerdict::Foreign { .. });
        assert!(is_foreign, "{verdict:?}");
        black_box(parsed.to_json());
    }

    pub(crate) fn seeds() -> Seeds {
        let folder = tempfile::tempdir()?;
        let store = KeyStore::open_or_create(folder.path(), &VirtualClock::default())?;
        Ok(vec![store.sign(Purpose::Manifest, &Sha256Digest([9; 32])).to_json()])
    }
}
