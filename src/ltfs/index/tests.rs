//! Index text: byte for byte back, refusals, tolerance, truncation, round trips.

use proptest::prelude::*;
use smallvec::smallvec;

use super::*;
use crate::domain::BlockNumber;
use crate::ltfs::elements::DocumentError;
use crate::ltfs::extent::Extent;
use crate::ltfs::names::NameUse;

/// An index as the reference writes it, with one of everything.
const REFERENCE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ltfsindex version="2.4.0">
<creator>IBM LTFS 2.4.8.4 (Prelim) - Linux - ltfs - Unmount</creator>
<comment>a &amp; b</comment>
<volumeuuid>0d3c7db2-ffcf-4ff6-9c97-5ca342851a21</volumeuuid>
<generationnumber>2</generationnumber>
<updatetime>2026-11-23T04:54:18.505722554Z</updatetime>
<location>
<partition>a</partition>
<startblock>5</startblock>
</location>
<previousgenerationlocation>
<partition>b</partition>
<startblock>930</startblock>
</previousgenerationlocation>
<allowpolicyupdate>true</allowpolicyupdate>
<dataplacementpolicy>
<indexpartitioncriteria>
<size>65536</size>
<name>*.txt</name>
</indexpartitioncriteria>
</dataplacementpolicy>
<highestfileuid>593</highestfileuid>
<volumelockstate>unlocked</volumelockstate>
<directory>
<name/>
<readonly>false</readonly>
<creationtime>2026-11-23T04:54:18.505722554Z</creationtime>
<changetime>2026-11-23T04:54:18.505722554Z</changetime>
<modifytime>2026-11-24T04:54:18.000000001Z</modifytime>
<accesstime>2026-11-23T04:54:18.505722554Z</accesstime>
<backuptime>2026-11-23T04:54:18.505722554Z</backuptime>
<fileuid>1</fileuid>
<contents>
<directory>
<name percentencoded="true">a%3A%20b</name>
<readonly>true</readonly>
<creationtime>1969-12-31T23:59:59.999999999Z</creationtime>
<changetime>2026-11-23T04:54:18.505722554Z</changetime>
<modifytime>2026-11-23T04:54:18.505722554Z</modifytime>
<accesstime>2026-11-23T04:54:18.505722554Z</accesstime>
<backuptime>2026-11-23T04:54:18.505722554Z</backuptime>
<fileuid>2</fileuid>
<contents/>
<private><x y="1">z</x></private>
</directory>
<file>
<name>r&lt;&#13;100%</name>
<length>1000</length>
<readonly>false</readonly>
<creationtime>2026-11-23T04:54:18.505722554Z</creationtime>
<changetime>2026-11-23T04:54:18.505722554Z</changetime>
<modifytime>2026-11-23T04:54:18.505722554Z</modifytime>
<accesstime>2026-11-23T04:54:18.505722554Z</accesstime>
<backuptime>2026-11-23T04:54:18.505722554Z</backuptime>
<fileuid>593</fileuid>
<extendedattributes>
<xattr>
<key>ltfs.hash.sha256sum</key>
<value> &quot;kept blanks&quot; </value>
</xattr>
<xattr>
<key>empty</key>
<value/>
</xattr>
<xattr>
<key>binary</key>
<value type="base64">AAEC</value>
</xattr>
</extendedattributes>
<extentinfo>
<extent>
<fileoffset>0</fileoffset>
<partition>b</partition>
<startblock>817</startblock>
<byteoffset>4000</byteoffset>
<bytecount>300</bytecount>
</extent>
<extent>
<fileoffset>500</fileoffset>
<partition>a</partition>
<startblock>4</startblock>
<byteoffset>0</byteoffset>
<bytecount>100</bytecount>
</extent>
</extentinfo>
<mine/>
</file>
<file>
<name>link</name>
<length>0</length>
<readonly>true</readonly>
<creationtime>2026-11-23T04:54:18.505722554Z</creationtime>
<changetime>2026-11-23T04:54:18.505722554Z</changetime>
<modifytime>2026-11-23T04:54:18.505722554Z</modifytime>
<accesstime>2026-11-23T04:54:18.505722554Z</accesstime>
<backuptime>2026-11-23T04:54:18.505722554Z</backuptime>
<fileuid>12</fileuid>
<symlink>../a/b</symlink>
</file>
</contents>
</directory>
<future a="b">text</future>
</ltfsindex>
"#;

fn rewritten(document: &[u8]) -> Result<Vec<u8>, DocumentError> {
    let mut reader = IndexReader::open(document)?;
    let mut writer = IndexWriter::new(Vec::new());
    loop {
        let event = reader.next()?;
        let is_end = matches!(event, IndexEvent::End(_));
        writer.write(event).unwrap();
        if is_end {
            return Ok(writer.finish().unwrap());
        }
    }
}

fn refusal(document: &str) -> String {
    rewritten(document.as_bytes()).expect_err("the reference refuses this").to_string()
}

fn accepted(document: &str) {
    if let Err(error) = rewritten(document.as_bytes()) {
        panic!("{error}\n{document}");
    }
}

#[test]
fn an_index_of_the_reference_is_written_back_byte_for_byte() {
    let again = rewritten(REFERENCE.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), REFERENCE);
}

#[test]
fn indentation_comments_and_another_order_change_nothing() {
    let indented: String = REFERENCE
        .lines()
        .map(|line| format!("   \t{line}\r\n").replacen("   \t<?xml", "<?xml", 1))
        .collect();
    let commented = indented.replace("<contents>", "<!-- <file> --><contents><!---->");
    let again = rewritten(commented.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), REFERENCE);
    let name_last = REFERENCE
        .replace("<name>link</name>\n", "")
        .replace("</symlink>\n", "</symlink>\n<name>link</name>\n");
    assert_eq!(String::from_utf8(rewritten(name_last.as_bytes()).unwrap()).unwrap(), REFERENCE);
}

#[test]
fn each_rule_that_the_reference_enforces_is_enforced() {
    let cases = [
        (
            "<backuptime>2026-11-23T04:54:18.505722554Z</backuptime>\n",
            "",
            "<backuptime> is missing",
        ),
        ("<fileuid>593</fileuid>\n", "", "<fileuid> is missing"),
        ("<fileuid>593</fileuid>", "<fileuid>0</fileuid>", "\"0\" is not a value"),
        ("<fileuid>2</fileuid>", "<fileuid>1</fileuid>", "\"1\" is not a value"),
        ("<fileuid>1</fileuid>", "<fileuid>7</fileuid>", "\"7\" is not a value"),
        ("<contents/>\n", "", "<contents> is missing"),
        ("<name>link</name>", "<name>li/nk</name>", "contains '/'"),
        ("<name>link</name>", "<name/>", "the name is empty"),
        ("<name>link</name>", "<name><![CDATA[link]]></name>", "plain text"),
        ("<name>link</name>", "<name>li<!-- x -->nk</name>", "plain text"),
        ("<name>link</name>", "<name>link</name><name>link</name>", "<name> stands there twice"),
        ("<length>1000</length>", "<length>599</length>", "the extents end at byte 600"),
        ("<length>1000</length>", "<length>-1</length>", "\"-1\" is not a value"),
        ("<fileoffset>500</fileoffset>", "<fileoffset>299</fileoffset>", "overlap at byte 299"),
        ("<fileoffset>500</fileoffset>\n", "", "<fileoffset> is missing"),
        ("<byteoffset>4000</byteoffset>", "<byteoffset>4294967296</byteoffset>", "4294967296"),
        ("18.000000001Z", "18Z", "is not a value"),
        (
            "<partition>b</partition>\n<startblock>817",
            "<partition>B</partition>\n<startblock>817",
            "\"B\"",
        ),
        ("<readonly>true", "<readonly>yes", "\"yes\" is not a value"),
        ("<symlink>../a/b</symlink>", "<symlink></symlink>", "the name is empty"),
        ("<highestfileuid>593</highestfileuid>\n", "", "<highestfileuid> is missing"),
        ("<volumelockstate>unlocked", "<volumelockstate>open", "\"open\" is not a value"),
        ("version=\"2.4.0\"", "version=\"3.0.0\"", "version \"3.0.0\" is not supported"),
        ("version=\"2.4.0\"", "version=\"2.4\"", "version \"2.4\" is not supported"),
        ("encoding=\"UTF-8\"", "encoding=\"utf-16\"", "UTF-8 is not declared"),
        ("</ltfsindex>\n", "</ltfsindex>\n<more/>", "something follows"),
        ("</file>\n<file>", "</file>\nstray<file>", "text stands between elements"),
        ("<mine/>", "<mine></your></mine>", "an end tag has no start tag"),
        ("<size>65536</size>\n", "", "<size> is missing"),
        (
            "<creator>IBM LTFS 2.4.8.4 (Prelim) - Linux - ltfs - Unmount</creator>",
            "<creator/>",
            "<creator> is missing",
        ),
    ];
    for (from, to, expected) in cases {
        let document = REFERENCE.replacen(from, to, 1);
        assert_ne!(document, REFERENCE, "{from}");
        let message = refusal(&document);
        assert!(message.contains(expected), "{from} -> {to}: {message}");
    }
}

#[test]
fn what_the_reference_tolerates_is_tolerated() {
    let cases = [
        ("<bytecount>100</bytecount>", "<bytecount>0</bytecount>"),
        ("<extentinfo>\n", "<extentinfo>\n<odd/>\n"),
        ("<symlink>../a/b</symlink>", "<symlink>../a/b</symlink><extentinfo/>"),
        ("<partition>a</partition>\n<startblock>4<", "<partition>c</partition>\n<startblock>4<"),
        ("<name>link</name>", "<name>a:b</name>"),
        ("<openforwrite>", "<openforwrite>"),
        ("<readonly>false", "<readonly>0"),
        ("18.000000001Z", "18.5Z"),
        ("<fileuid>12</fileuid>", "<fileuid>593</fileuid>"),
        ("version=\"2.4.0\"", "version=\"2.5.0\""),
        ("<volumelockstate>unlocked</volumelockstate>\n", ""),
        ("<key>empty</key>", "<key>em/pty</key>"),
        ("AAEC", "AA\r\nEC \n"),
    ];
    for (from, to) in cases {
        accepted(&REFERENCE.replacen(from, to, 1));
    }
}

#[test]
fn the_highest_uid_covers_every_entry() {
    let low = REFERENCE.replace("<highestfileuid>593", "<highestfileuid>4");
    let mut reader = IndexReader::open(low.as_bytes()).unwrap();
    loop {
        if let IndexEvent::End(header) = reader.next().unwrap() {
            assert_eq!(header.highest_uid, 593);
            return;
        }
    }
}

#[test]
fn a_volume_of_version_one_gets_numbers_and_offsets() {
    let mut old = REFERENCE.replace("version=\"2.4.0\"", "version=\"1.0\"");
    for line in [
        "<highestfileuid>593</highestfileuid>\n",
        "<fileuid>1</fileuid>\n",
        "<fileuid>2</fileuid>\n",
        "<fileuid>593</fileuid>\n",
        "<fileuid>12</fileuid>\n",
        "<fileoffset>0</fileoffset>\n",
        "<fileoffset>500</fileoffset>\n",
    ] {
        old = old.replace(line, "");
    }
    let mut reader = IndexReader::open(old.as_bytes()).unwrap();
    let mut uids = Vec::new();
    loop {
        match reader.next().unwrap() {
            IndexEvent::EnterDirectory(entry) => uids.push(entry.uid),
            IndexEvent::File(entry) => {
                uids.push(entry.uid);
                if let [first, second] = entry.extents[..] {
                    assert_eq!((first.file_offset, second.file_offset), (0, 300));
                }
            }
            IndexEvent::End(_) => break,
            _ => {}
        }
    }
    assert_eq!(uids, [1, 2, 3, 4]);
}

#[test]
fn every_truncation_is_refused_without_a_panic() {
    for length in 0..REFERENCE.len() - 1 {
        assert!(rewritten(&REFERENCE.as_bytes()[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn every_damaged_byte_is_refused_or_read_without_a_panic() {
    for at in 0..REFERENCE.len() {
        for damage in [0xFF, b'<', 0] {
            let mut bytes = REFERENCE.as_bytes().to_vec();
            bytes[at] = damage;
            let _ = rewritten(&bytes);
        }
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let open = "<directory><name>d</name><readonly>0</readonly><creationtime>2026-11-23T04:54:18.1Z</creationtime><changetime>2026-11-23T04:54:18.1Z</changetime><modifytime>2026-11-23T04:54:18.1Z</modifytime><accesstime>2026-11-23T04:54:18.1Z</accesstime><backuptime>2026-11-23T04:54:18.1Z</backuptime><fileuid>9</fileuid><contents>";
    let start = REFERENCE.find("<directory>\n<name percent").unwrap();
    let deep = format!("{}{}", &REFERENCE[..start], open.repeat(5000));
    assert!(refusal(&deep).contains("too deeply"));
    let start = REFERENCE.find("<mine/>").unwrap();
    let deep = format!("{}{}", &REFERENCE[..start], "<x>".repeat(300));
    assert!(refusal(&deep).contains("too deeply"));
}

fn any_name() -> impl Strategy<Value = Name> {
    let text = prop_oneof![
        proptest::string::string_regex("[a-zA-Z0-9 ._%&<>\"'-]{1,40}").unwrap(),
        proptest::collection::vec(any::<char>(), 1..20).prop_map(|c| c.into_iter().collect()),
    ];
    text.prop_filter_map("not a name", |text: String| Name::new(&text, NameUse::Entry).ok())
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-62_167_219_200_i64..253_402_300_799, 0_u32..1_000_000_000)
        .prop_map(|(seconds, nanoseconds)| Timestamp { seconds, nanoseconds })
}

fn any_times() -> impl Strategy<Value = Times> {
    (any_time(), any_time(), any_time(), any_time(), any_time()).prop_map(
        |(creation, change, modify, access, backup)| Times {
            creation,
            change,
            modify,
            access,
            backup,
        },
    )
}

fn any_xattrs() -> impl Strategy<Value = Vec<Xattr>> {
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        any::<String>().prop_map(String::into_bytes),
    ];
    proptest::collection::vec(
        (any_name(), value).prop_map(|(key, value)| Xattr { key, value }),
        0..3,
    )
}

prop_compose! {
    fn any_file()(
        name in any_name(), times in any_times(), uid in 2_u64.., xattrs in any_xattrs(),
        read_only in any::<bool>(), gap in 0_u64..1000, block in any::<u64>(),
        byte_offset in any::<u32>(), link in proptest::option::of(any_name()), tail in 0_u64..9
    ) -> FileEntry {
        let extent = |file_offset, byte_count| Extent {
            file_offset, byte_count, byte_offset,
            start_block: BlockNumber(block),
            partition: PartitionId::DATA,
        };
        let is_link = link.is_some();
        FileEntry {
            name, times, uid, xattrs, read_only,
            length: if is_link { 0 } else { gap + 300 + tail },
            extents: if is_link { Extents::new() } else { smallvec![extent(gap, 100), extent(gap + 100, 200)] },
            symlink: link,
            unknown: Vec::new(),
        }
    }
}

/// Gives one byte at a time.
struct Dripping<'a>(&'a [u8]);

impl std::io::Read for Dripping<'_> {
    fn read(&mut self, place: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        place[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

/// Whatever a byte of a file in its usual form becomes, both ways of reading say the same.
#[test]
fn a_damaged_file_of_the_usual_form_is_read_as_its_elements_are() {
    let file = FileEntry {
        name: Name::new("plain name.txt", NameUse::Entry).unwrap(),
        length: 900,
        uid: 44,
        extents: smallvec![Extent { byte_count: 900, ..Extent::default() }],
        ..FileEntry::default()
    };
    let mut writer = IndexWriter::new(Vec::new());
    writer.write(IndexEvent::File(&file)).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    let text = text.strip_prefix("<contents>\n").unwrap_or(&text);
    let start = REFERENCE.find("<file>").unwrap();
    let document = format!("{}{text}{}", &REFERENCE[..start], &REFERENCE[start..]);
    assert!(rewritten(document.as_bytes()).is_ok());
    for at in start..start + text.len() {
        for damage in [b'0', b'9', b'<', b'&', b'/', b' ', b':', 0xFF, b'a', b'\n'] {
            let mut bytes = document.clone().into_bytes();
            bytes[at] = damage;
            let slow = all_events(Dripping(&bytes));
            assert_eq!(all_events(bytes.as_slice()), slow, "byte {at} as {damage}");
        }
    }
}

fn all_events(input: impl std::io::Read) -> Vec<String> {
    let mut reader = IndexReader::open(input).unwrap();
    let mut seen = Vec::new();
    loop {
        match reader.next() {
            Ok(event) => {
                seen.push(format!("{event:?}"));
                if matches!(event, IndexEvent::End(_)) {
                    return seen;
                }
            }
            Err(error) => {
                // How far the reader was is told by its buffer, so only the problem is compared.
                seen.push(error.problem.to_string());
                return seen;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_is_read(files in proptest::collection::vec(any_file(), 0..4), volume in any_name()) {
        let header = IndexHeader { creator: "x & y".into(), generation: 7, highest_uid: u64::MAX, ..head::empty_header() };
        let root = DirectoryEntry { name: volume, uid: ROOT_UID, ..DirectoryEntry::default() };
        let mut writer = IndexWriter::new(Vec::new());
        writer.write(IndexEvent::Header(&header)).unwrap();
        writer.write(IndexEvent::EnterDirectory(&root)).unwrap();
        for file in &files {
            writer.write(IndexEvent::File(file)).unwrap();
        }
        writer.write(IndexEvent::LeaveDirectory(b"")).unwrap();
        writer.write(IndexEvent::End(&header)).unwrap();
        let bytes = writer.finish().unwrap();
        let mut reader = IndexReader::open(bytes.as_slice()).unwrap();
        prop_assert_eq!(reader.next().unwrap(), IndexEvent::Header(&header));
        prop_assert_eq!(reader.next().unwrap(), IndexEvent::EnterDirectory(&root));
        for file in &files {
            prop_assert_eq!(reader.next().unwrap(), IndexEvent::File(file));
        }
        prop_assert_eq!(reader.next().unwrap(), IndexEvent::LeaveDirectory(b""));
        prop_assert!(matches!(reader.next().unwrap(), IndexEvent::End(_)));
        prop_assert_eq!(rewritten(&bytes).unwrap(), bytes.clone());
        // One byte at a time, no file lies in the buffer whole: all are read element by element.
        let mut slow = IndexReader::open(Dripping(&bytes)).unwrap();
        let mut fast = IndexReader::open(bytes.as_slice()).unwrap();
        loop {
            let event = slow.next().unwrap();
            prop_assert_eq!(fast.next().unwrap(), event);
            if matches!(event, IndexEvent::End(_)) {
                break;
            }
        }
    }
}
