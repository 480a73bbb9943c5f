//! What is written is what is read.

use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::{NOW, entry, header, write};
use crate::domain::{
    BlockNumber, CopyLetter, DataSegment, DeviceNumber, FileKind, FileMetadata, FileTimes, RunId,
    Sha256Digest, SourcePath, Timestamp, VolumeUuid, Xattr,
};
use crate::manifest::{
    Codec, EntryState, FilePart, IndexedFile, ManifestEntry, ManifestReader, PreviousVolume,
    RunIndex, RunKind, SealedContent, VolumeExtent, VolumeRecord, part_name,
};

fn read(bytes: &[u8]) -> Vec<ManifestEntry> {
    let mut reader = ManifestReader::open(bytes).unwrap();
    std::iter::from_fn(|| reader.next_entry().unwrap()).collect()
}

#[test]
fn a_line_looks_as_the_document_says() {
    let (bytes, _) = write(&header(), &[entry("home/ann/a \"b\"\n.txt")]);
    let text = String::from_utf8(bytes).unwrap();
    let line = text.lines().nth(1).unwrap();
    let (start, rest) = line.split_at(r#"{"prev":"xxxxxxxx""#.len());
    assert!(start.starts_with(r#"{"prev":""#), "{start}");
    let expected = concat!(
        r#","path":"home/ann/a \"b\"\n.txt","kind":"file","size":5,"#,
        r#""modified":"2026-11-23T04:54:18.505722554Z","changed":"2026-11-23T04:54:18.505722554Z","#,
        r#""accessed":"2026-11-23T04:54:18.505722554Z","created":"2026-11-23T04:54:18.505722554Z","#,
        r#""mode":"0644","uid":1000,"gid":100,"user":"ann","group":"users","#,
        r#""sha256":"0909090909090909090909090909090909090909090909090909090909090909","#,
        r#""extents":[["b",17,3,5,0]],"state":"stored"}"#,
    );
    assert_eq!(rest, expected);
}

#[test]
fn a_header_reads_back_with_all_that_it_can_hold() {
    let mut full = header();
    full.kind = RunKind::Incremental;
    full.parent_run = Some(RunId("earlier".to_owned()));
    full.sequence = 3;
    full.previous = Some(PreviousVolume {
        volume: VolumeUuid::random(),
        barcode: None,
        manifest_sha256: Sha256Digest([3; 32]),
    });
    let (bytes, end) = write(&full, &[]);
    let mut reader = ManifestReader::open(&bytes[..]).unwrap();
    assert_eq!(reader.header(), &full);
    assert_eq!(reader.next_entry().unwrap(), None);
    assert_eq!(reader.end(), Some(&end));
    assert_eq!(end.size_bytes, u64::try_from(bytes.len()).unwrap());
}

#[test]
fn the_end_counts_every_entry_once() {
    let states = [
        EntryState::Stored,
        EntryState::Unchanged { run: RunId("r".to_owned()), volume: VolumeUuid::random() },
        EntryState::OnVolume { sequence: 2, volume: VolumeUuid::random() },
        EntryState::ToFollow,
        EntryState::ChangedWhileRead,
        EntryState::Vanished,
        EntryState::Unreadable { reason: "EIO".to_owned() },
        EntryState::NotStorable { reason: "a device".to_owned() },
    ];
    let entries = states.map(|state| ManifestEntry { state, ..entry("f") });
    let (bytes, end) = write(&header(), &entries);
    let counts = end.counts;
    let ended = (counts.stored, counts.unchanged, counts.elsewhere, counts.failed);
    assert_eq!((counts.entries, ended, counts.not_storable), (8, (1, 1, 2, 3), 1));
    assert_eq!(counts.stored_bytes, 40);
    assert_eq!(read(&bytes), entries);
}

#[test]
fn the_short_form_says_where_everything_is() {
    let (bytes, end) = write(&header(), &[entry("a"), entry("b")]);
    let mut index = RunIndex::open(&bytes[..]).unwrap();
    let files: Vec<IndexedFile> = index.by_ref().map(Result::unwrap).collect();
    assert_eq!(files.len(), 2);
    assert_eq!(files[1].path.as_bytes(), b"b");
    assert_eq!(files[1].extents, entry("b").extents);
    assert_eq!(index.end(), Some(&end));
    let mut cut = RunIndex::open(&bytes[..bytes.len() - 5]).unwrap();
    assert_eq!(cut.by_ref().filter(Result::is_err).count(), 1);
    assert!(cut.next().is_none() && cut.end().is_none());
}

#[test]
fn a_volume_record_reads_back_and_others_are_refused() {
    let keys = tempfile::tempdir().unwrap();
    let clock = crate::domain::VirtualClock::default();
    let store = crate::keys::KeyStore::open_or_create(keys.path(), &clock).unwrap();
    let record = VolumeRecord {
        volume: VolumeUuid::random(),
        barcode: Some("FSP001L9".parse().unwrap()),
        set: "photos".parse().unwrap(),
        copy: CopyLetter::B,
        sequence: 1,
        previous: None,
        block_size_bytes: 524_288,
        written: NOW,
        host: "host".to_owned(),
        tool: "fossilsafe".to_owned(),
        key_id: store.key_id(),
        public_key_pem: store.public_key().to_pem(),
    };
    let json = record.to_json();
    assert_eq!(VolumeRecord::parse(&json).unwrap(), record);
    for length in 0..json.len() - 2 {
        assert!(VolumeRecord::parse(&json[..length]).is_err());
    }
    let text = String::from_utf8(json).unwrap();
    let newer = text.replace("\"version\": 1", "\"version\": 2");
    assert!(VolumeRecord::parse(newer.as_bytes()).unwrap_err().contains("newer"));
}

#[test]
fn parts_sort_in_their_order() {
    let names = [1, 9, 10, 11, 99, 100].map(|number| part_name("film.mov.zst", number));
    assert!(names.is_sorted());
    assert_eq!(names[0], "film.mov.zst.part-00001");
}

/// Prints the rates; fails only when they are absurd for an unoptimised build.
#[test]
fn many_entries_are_written_and_read_quickly() {
    const ENTRIES: u32 = 20_000;
    let entries: Vec<_> =
        (0..ENTRIES).map(|n| entry(&format!("home/ann/photos/2026/11/{n}.jpg"))).collect();
    let started = Instant::now();
    let (bytes, _) = write(&header(), &entries);
    let written = f64::from(ENTRIES) / started.elapsed().as_secs_f64();
    let started = Instant::now();
    assert_eq!(read(&bytes).len(), entries.len());
    let read = f64::from(ENTRIES) / started.elapsed().as_secs_f64();
    println!("{written:.0} entries/s written, {read:.0} read, {} bytes", bytes.len());
    assert!(written > 2000.0 && read > 2000.0);
}

fn any_path() -> impl Strategy<Value = SourcePath> {
    vec(vec(1_u8..=255, 1..20), 1..6)
        .prop_filter_map("no path", |parts| SourcePath::from_bytes(parts.join(&b'/')).ok())
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-62_167_219_200_i64..=253_402_300_799, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanoseconds)| Timestamp { seconds, nanoseconds })
}

fn any_digest() -> impl Strategy<Value = Sha256Digest> {
    any::<[u8; 32]>().prop_map(Sha256Digest)
}

fn any_kind() -> impl Strategy<Value = FileKind> {
    let device = (any::<u32>(), any::<u32>());
    let device = device.prop_map(|(major, minor)| DeviceNumber { major, minor });
    prop_oneof![
        Just(FileKind::File),
        Just(FileKind::Directory),
        Just(FileKind::Fifo),
        Just(FileKind::Socket),
        vec(any::<u8>(), 0..50)
            .prop_map(|target| FileKind::Symlink { target: target.into_boxed_slice() }),
        device.clone().prop_map(FileKind::CharacterDevice),
        device.prop_map(FileKind::BlockDevice),
    ]
}

fn any_xattr() -> impl Strategy<Value = Xattr> {
    let value = prop_oneof![vec(any::<u8>(), 0..40), Just(vec![0xA5; 65_536])];
    (vec(1_u8..=255, 1..30), value).prop_map(|(name, value)| Xattr {
        name: name.into_boxed_slice(),
        value: value.into_boxed_slice(),
    })
}

fn any_metadata() -> impl Strategy<Value = FileMetadata> {
    let owner = (0_u32..=0o7777, any::<u32>(), any::<u32>());
    let name = || proptest::option::of(".{0,12}");
    let times = (any_time(), any_time(), any_time(), proptest::option::of(any_time()));
    (owner, name(), name(), times, vec(any_xattr(), 0..3)).prop_map(
        |((mode, uid, gid), user, group, (modified, changed, accessed, created), xattrs)| {
            FileMetadata {
                mode,
                uid,
                gid,
                user: user.map(Into::into),
                group: group.map(Into::into),
                times: FileTimes { modified, changed, accessed, created },
                xattrs,
            }
        },
    )
}

fn any_state() -> impl Strategy<Value = EntryState> {
    let volume = || any::<u128>().prop_map(|n| VolumeUuid(uuid::Uuid::from_u128(n)));
    prop_oneof![
        Just(EntryState::Stored),
        Just(EntryState::ToFollow),
        Just(EntryState::ChangedWhileRead),
        Just(EntryState::Vanished),
        ("[A-Za-z0-9][A-Za-z0-9._-]{0,20}", volume())
            .prop_map(|(run, volume)| EntryState::Unchanged { run: RunId(run), volume }),
        (any::<u32>(), volume())
            .prop_map(|(sequence, volume)| EntryState::OnVolume { sequence, volume }),
        ".{0,40}".prop_map(|reason| EntryState::Unreadable { reason }),
        ".{0,40}".prop_map(|reason| EntryState::NotStorable { reason }),
    ]
}

fn any_extent() -> impl Strategy<Value = VolumeExtent> {
    (proptest::char::range('a', 'z'), any::<(u64, u32, u64, u64)>()).prop_map(
        |(partition, (block, byte_offset, byte_count, file_offset))| VolumeExtent {
            partition,
            start_block: BlockNumber(block),
            byte_offset,
            byte_count,
            file_offset,
        },
    )
}

fn any_part() -> impl Strategy<Value = FilePart> {
    (any::<(u32, Option<u32>, u64, u64)>(), proptest::option::of(any_digest())).prop_map(
        |((number, of, offset, length), sha256)| FilePart { number, of, offset, length, sha256 },
    )
}

fn any_entry() -> impl Strategy<Value = ManifestEntry> {
    let segment = any::<(u64, u64)>();
    let segment = segment.prop_map(|(offset, length)| DataSegment { offset, length });
    let sealed = (any::<u64>(), proptest::option::of("[A-Za-z0-9+/=]{0,90}"));
    let sealed = sealed.prop_map(|(id, digests)| SealedContent {
        key_id: format!("{id:016x}").parse().unwrap(),
        digests,
    });
    let codec = (any::<bool>(), proptest::option::of(sealed), any::<u64>(), any_digest());
    let codec = codec.prop_map(|(is_zstd, sealed, stored_size_bytes, stored_sha256)| {
        // What is neither has no codec at all.
        Codec { is_zstd: is_zstd || sealed.is_none(), sealed, stored_size_bytes, stored_sha256 }
    });
    let identity = (any_path(), proptest::option::of(".{0,30}"), any_kind(), any::<u64>());
    let links = (1_u32.., proptest::option::of(any_path()));
    let stored = (
        proptest::option::of(vec(segment, 0..4)),
        proptest::option::of(any_digest()),
        proptest::option::of(codec),
        proptest::option::of(any_part()),
        vec(any_extent(), 0..4),
    );
    (identity, any_metadata(), links, stored, any_state()).prop_map(
        |((path, stored_path, kind, size), metadata, (links, hard_link_of), stored, state)| {
            let (data_segments, sha256, codec, part, extents) = stored;
            ManifestEntry {
                size_bytes: if kind.has_content() { size } else { 0 },
                path,
                stored_path,
                kind,
                metadata,
                links,
                hard_link_of,
                data_segments,
                sha256,
                codec,
                part,
                extents,
                state,
            }
        },
    )
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_entries_are_read_as_they_were_written(entries in vec(any_entry(), 0..6)) {
        let (bytes, end) = write(&header(), &entries);
        proptest::prop_assert_eq!(read(&bytes), entries);
        proptest::prop_assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(),
            usize::try_from(end.counts.entries).unwrap() + 2);
    }
}
