//! What stands on a tape and in a cartridge's memory, and what is kept off the tape until an index.

use std::hint::black_box;

use fossilsafe::domain::{BlockNumber, Partition, Timestamp, VolumeUuid};
use fossilsafe::ltfs::extent::{Extent, PartitionId};
use fossilsafe::ltfs::index::{
    DirectoryEntry, FileEntry, IndexEvent, IndexHeader, IndexLocation, IndexReader, IndexWriter,
    LockState, PlacementPolicy, Times, Xattr,
};
use fossilsafe::ltfs::names::{Name, NameUse};
use fossilsafe::ltfs::version::FormatVersion;

use super::Seeds;
use super::devices::{ANSWER_BYTES, Devices};

const TIME: Timestamp = Timestamp { seconds: 1_795_409_658, nanoseconds: 505_722_554 };

fn name(text: &str) -> Name {
    Name::new(text, NameUse::Entry).unwrap_or_default()
}

fn header() -> IndexHeader {
    IndexHeader {
        version: FormatVersion::WRITTEN,
        creator: "FossilSafe 0.1.0 - Linux - seeds".to_owned(),
        comment: Some("a & b".to_owned()),
        volume_uuid: VolumeUuid(uuid::Uuid::from_u128(7)),
        generation: 2,
        update_time: TIME,
        location: IndexLocation { partition: PartitionId::INDEX, block: BlockNumber(5) },
        previous: Some(IndexLocation { partition: PartitionId::DATA, block: BlockNumber(930) }),
        allow_policy_update: true,
        placement: Some(PlacementPolicy { size: 65_536, names: vec![name("*.txt")] }),
        highest_uid: 12,
        lock: Some(LockState::Unlocked),
        unknown: b"<future a=\"b\">text</future>\n".to_vec(),
    }
}

fn root() -> DirectoryEntry {
    DirectoryEntry { uid: 1, times: Times::all(TIME), ..DirectoryEntry::default() }
}

fn file() -> FileEntry {
    let extent = |file_offset, block, byte_offset| Extent {
        file_offset,
        start_block: BlockNumber(block),
        byte_count: 300,
        byte_offset,
        partition: PartitionId::DATA,
    };
    let xattr = |key, value: &[u8]| Xattr { key: name(key), value: value.to_vec() };
    FileEntry {
        name: name("r<\r100%: \u{e4}"),
        length: 1000,
        read_only: true,
        times: Times::all(TIME),
        uid: 12,
        xattrs: vec![xattr("text", b" \"blanks\" "), xattr("empty", b""), xattr("bin", &[0, 1, 2])],
        extents: [extent(0, 817, 4000), extent(500, 4, 0)].into_iter().collect(),
        symlink: None,
        unknown: b"<mine/>\n".to_vec(),
    }
}

fn link() -> FileEntry {
    FileEntry {
        name: name("link"),
        uid: 11,
        symlink: Name::new("../a/b", NameUse::SymlinkTarget).ok(),
        ..FileEntry::default()
    }
}

fn folder() -> DirectoryEntry {
    DirectoryEntry { name: name("a: b"), uid: 2, ..root() }
}

pub(crate) mod index {
    use super::*;

    /// What is accepted is written back, and that text is read as the same and stays as it is.
    pub(crate) fn run(bytes: &[u8]) {
        let Some(once) = rewritten(bytes) else { return };
        let twice = rewritten(&once);
        let same = twice.as_deref() == Some(once.as_slice());
        assert!(same, "not read back as written:\n{}", String::from_utf8_lossy(&once));
    }

    fn rewritten(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut reader = IndexReader::open(bytes).ok()?;
        let mut writer = IndexWriter::new(Vec::new());
        loop {
            let event = reader.next().ok()?;
            let is_end = matches!(event, IndexEvent::End(_));
            writer.write(event).ok()?;
            if is_end {
                return writer.finish().ok();
            }
        }
    }

    pub(crate) fn seeds() -> Seeds {
        let header = header();
        let mut writer = IndexWriter::new(Vec::new());
        let (root, folder, file, link) = (root(), folder(), file(), link());
        for event in [
            IndexEvent::Header(&header),
            IndexEvent::EnterDirectory(&root),
            IndexEvent::EnterDirectory(&folder),
            IndexEvent::LeaveDirectory(b"<private><x y=\"1\">z</x></private>\n"),
            IndexEvent::File(&file),
            IndexEvent::File(&link),
            IndexEvent::LeaveDirectory(b""),
            IndexEvent::End(&header),
        ] {
            writer.write(event)?;
        }
        let full = writer.finish()?;
        let old = String::from_utf8(full.clone())?.replace("\"2.4.0\"", "\"1.0\"");
        Ok(vec![full, old.into_bytes()])
    }
}

pub(crate) mod label {
    use super::*;
    use fossilsafe::ltfs::label::{UnverifiedLabel, VOL1_BYTES};
    use fossilsafe::scsi::cdb::stream::{locate16, read6};

    /// The first 80 bytes are the VOL1 record, the rest the XML.
    pub(crate) fn run(bytes: &[u8]) {
        let (vol1, xml) = bytes.split_at(bytes.len().min(VOL1_BYTES));
        let Ok(parsed) = UnverifiedLabel::parse(vol1, xml) else { return };
        let location = parsed.location;
        let (label, _) = parsed.clone().alone(Partition(0));
        let again = UnverifiedLabel::parse(&label.encode_vol1(), &label.encode_xml(location));
        assert_eq!(again.ok().as_ref(), Some(&parsed));
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let mut seeds = Vec::new();
        for partition in [Partition(0), Partition(1)] {
            let record = |block| {
                devices.drive(locate16(partition, BlockNumber(block)));
                devices.drive(read6(4096))
            };
            seeds.push([record(0), record(2)].concat());
        }
        Ok(seeds)
    }
}

pub(crate) mod memory_attributes {
    use super::*;
    use fossilsafe::ltfs::coherency::Coherency;
    use fossilsafe::scsi::cdb::primary::{ReadAttribute, read_attribute};
    use fossilsafe::scsi::mam::{encode_attributes, parse_attribute_list, parse_attributes};

    pub(crate) fn run(bytes: &[u8]) {
        let _ = black_box(parse_attribute_list(bytes));
        let attributes = parse_attributes(bytes).unwrap_or_default();
        assert!(attributes.len() <= bytes.len() / 5);
        for attribute in &attributes {
            black_box((attribute.text(), attribute.number()));
            if let Some(found) = Coherency::parse(&attribute.value) {
                assert_eq!(Coherency::parse(&found.encode()), Some(found));
            }
        }
        let encoded = encode_attributes(&attributes).unwrap_or_default();
        assert_eq!(parse_attributes(&encoded).ok(), Some(attributes));
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let mut seeds = Vec::new();
        for partition in [Partition(0), Partition(1)] {
            for what in [ReadAttribute::Values, ReadAttribute::List] {
                let all = ANSWER_BYTES.into();
                seeds.push(devices.drive(read_attribute(what, partition, 0, all)));
                seeds.push(devices.drive(read_attribute(what, partition, 0x080C, all)));
            }
        }
        Ok(seeds)
    }
}

pub(crate) mod bulk_spool {
    use super::*;
    use fossilsafe::ltfs::merge::TreeError;
    use fossilsafe::ltfs::spool::BulkSpool;

    const MAGIC: &[u8] = b"FSSPOOL1";
    const RAW: u8 = b'r';

    /// After a first byte `r` the rest is the file as it is; after any other, payloads with two
    /// bytes of length before each, which get right checksums, so that the fuzzer comes past
    /// these.
    pub(crate) fn run(bytes: &[u8]) {
        let Some((&kind, rest)) = bytes.split_first() else { return };
        let content = if kind == RAW { rest.to_vec() } else { framed(rest) };
        let Ok(folder) = tempfile::tempdir() else { return };
        let path = folder.path().join("spool");
        if std::fs::write(&path, &content).is_err() {
            return;
        }
        let Ok((mut spool, cut)) = BulkSpool::reopen(&path) else { return };
        let Ok(snapshot) = spool.snapshot() else { return };
        let kept = content.len() as u64 - cut;
        assert_eq!(snapshot.bytes(), kept, "the rest of the file is what was cut");
        let (mut entered, mut left, mut files) = (0, 0, 0);
        let replayed = snapshot.replay::<TreeError>(&mut |event| {
            match event {
                IndexEvent::EnterDirectory(_) => entered += 1,
                IndexEvent::LeaveDirectory(_) => left += 1,
                IndexEvent::File(_) => files += 1,
                IndexEvent::Header(_) | IndexEvent::End(_) => {}
            }
            Ok(())
        });
        let counts = snapshot.counts();
        assert!(replayed.is_ok(), "what was kept is readable: {replayed:?}");
        assert_eq!((entered, left, files), (counts.directories, entered, counts.files));
    }

    fn framed(mut rest: &[u8]) -> Vec<u8> {
        let mut content = MAGIC.to_vec();
        while let Some(([high, low], tail)) = rest.split_first_chunk() {
            let wanted = usize::from(u16::from_be_bytes([*high, *low]));
            let (payload, tail) = tail.split_at(tail.len().min(wanted));
            content.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(0).to_be_bytes());
            content.extend_from_slice(&crc32fast::hash(payload).to_be_bytes());
            content.extend_from_slice(payload);
            rest = tail;
        }
        content
    }

    pub(crate) fn seeds() -> Seeds {
        let made = tempfile::tempdir()?;
        let path = made.path().join("spool");
        let mut spool = BulkSpool::create(&path)?;
        spool.enter(&folder())?;
        spool.file(&file())?;
        spool.leave()?;
        spool.file(&link())?;
        spool.sync()?;
        let content = std::fs::read(&path)?;
        let mut payloads = vec![b'p'];
        let mut rest = content.get(MAGIC.len()..).unwrap_or_default();
        while let Some((&[_, _, high, low, _, _, _, _], tail)) = rest.split_first_chunk::<8>() {
            let (payload, tail) = tail.split_at(usize::from(u16::from_be_bytes([high, low])));
            payloads.extend_from_slice(&[high, low]);
            payloads.extend_from_slice(payload);
            rest = tail;
        }
        Ok(vec![[&[RAW], content.as_slice()].concat(), payloads])
    }
}
