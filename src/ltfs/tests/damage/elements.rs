//! Each element of an index missing, doubled, malformed and out of order: what the reader says of it, and
//! that the volume is still mounted by the other copy, with that very sentence.
//!
//! The mutations are made from the text that our writer makes, one element a line, by the table of
//! the fact sheet. An element in the text without a rule, or a rule without an element, fails.

use super::*;
use crate::domain::VolumeUuid;
use crate::ltfs::extent::Extents;
use crate::ltfs::index::{
    IndexHeader, IndexLocation, IndexReader, IndexWriter, LockState, PlacementPolicy, Xattr,
};
use crate::ltfs::tests::states::{INDEX_CONSTRUCT, index_text, put_index};
use crate::ltfs::version::FormatVersion;

/// How often an element may stand.
#[derive(Clone, Copy, PartialEq)]
enum Stands {
    /// Exactly once.
    Once,
    /// Once or not at all.
    AtMostOnce,
    /// As often as wanted.
    Often,
}
use Stands::{AtMostOnce, Often, Once};

/// A value that is none, and what is said of it.
type Bad = (&'static str, &'static str);

const NO_TIME: &[Bad] = &[
    ("", "\"\" is not a value"),
    ("2026-11-23", "\"2026-11-23\" is not a value"),
    ("2026-11-23T04:54:18Z", "\"2026-11-23T04:54:18Z\" is not a value"),
    ("2026-13-23T04:54:18.0Z", "\"2026-13-23T04:54:18.0Z\" is not a value"),
];
const NO_BOOLEAN: &[Bad] =
    &[("", "\"\" is not"), ("yes", "\"yes\" is not"), ("TRUE", "\"TRUE\" is not")];
const NO_NUMBER: &[Bad] = &[
    ("", "\"\" is not a value"),
    ("-1", "\"-1\" is not a value"),
    ("+1", "\"+1\" is not a value"),
    ("1x", "\"1x\" is not a value"),
    ("18446744073709551616", "\"18446744073709551616\" is not a value"),
];
const NO_NUMBER_32: &[Bad] =
    &[("", "\"\" is not a value"), ("4294967296", "\"4294967296\" is not a value")];
const NO_UUID: &[Bad] = &[
    ("", "\"\" is not a value"),
    ("0d3c7db2ffcf4ff69c975ca342851a21", "is not a value"),
    ("0d3c7db2-ffcf-4ff6-9c97-5ca342851a2g", "is not a value"),
];
const NO_PARTITION: &[Bad] = &[
    ("", "\"\" is not a value"),
    ("B", "\"B\" is not"),
    ("ab", "\"ab\" is not"),
    ("1", "\"1\" is not"),
];
const NO_NAME: &[Bad] = &[("", "the name is empty"), ("a/b", "contains '/'")];

/// Parent, element, how often it stands, values that are none.
type Rule = (&'static str, &'static str, Stands, &'static [Bad]);

#[rustfmt::skip]
const RULES: &[Rule] = &[
    ("ltfsindex", "creator", Once, &[("", "<creator> is missing")]),
    ("ltfsindex", "comment", AtMostOnce, &[]),
    ("ltfsindex", "volumeuuid", Once, NO_UUID),
    ("ltfsindex", "generationnumber", Once, NO_NUMBER_32),
    ("ltfsindex", "updatetime", Once, NO_TIME),
    ("ltfsindex", "location", Once, &[]),
    ("location", "partition", Once, NO_PARTITION),
    ("location", "startblock", Once, NO_NUMBER),
    ("ltfsindex", "previousgenerationlocation", AtMostOnce, &[]),
    ("previousgenerationlocation", "partition", Once, NO_PARTITION),
    ("previousgenerationlocation", "startblock", Once, NO_NUMBER),
    ("ltfsindex", "allowpolicyupdate", Once, NO_BOOLEAN),
    ("ltfsindex", "dataplacementpolicy", AtMostOnce, &[]),
    ("dataplacementpolicy", "indexpartitioncriteria", Once, &[]),
    ("indexpartitioncriteria", "size", Once, NO_NUMBER),
    ("indexpartitioncriteria", "name", Often, NO_NAME),
    ("ltfsindex", "highestfileuid", Once, NO_NUMBER),
    ("ltfsindex", "volumelockstate", AtMostOnce, &[("", "\"\" is not"), ("open", "\"open\" is not")]),
    ("ltfsindex", "directory", Once, &[]),
    ("directory", "name", Once, &[("a/b", "contains '/'")]),
    ("directory", "readonly", Once, NO_BOOLEAN),
    ("directory", "creationtime", Once, NO_TIME),
    ("directory", "changetime", Once, NO_TIME),
    ("directory", "modifytime", Once, NO_TIME),
    ("directory", "accesstime", Once, NO_TIME),
    ("directory", "backuptime", Once, NO_TIME),
    ("directory", "fileuid", Once, &[("", "\"\" is not"), ("0", "\"0\" is not"), ("-7", "\"-7\" is not")]),
    ("directory", "extendedattributes", AtMostOnce, &[]),
    ("directory", "contents", Once, &[]),
    ("contents", "directory", Often, &[]),
    ("contents", "file", Often, &[]),
    ("file", "name", Once, NO_NAME),
    ("file", "length", Once, NO_NUMBER),
    ("file", "readonly", Once, NO_BOOLEAN),
    ("file", "creationtime", Once, NO_TIME),
    ("file", "changetime", Once, NO_TIME),
    ("file", "modifytime", Once, NO_TIME),
    ("file", "accesstime", Once, NO_TIME),
    ("file", "backuptime", Once, NO_TIME),
    ("file", "fileuid", Once, &[("", "\"\" is not"), ("0", "\"0\" is not"), ("1.0", "\"1.0\" is not")]),
    ("file", "extendedattributes", AtMostOnce, &[]),
    ("extendedattributes", "xattr", Often, &[]),
    ("xattr", "key", Once, &[("", "the name is empty")]),
    ("xattr", "value", Once, &[]),
    ("file", "extentinfo", AtMostOnce, &[]),
    ("extentinfo", "extent", Often, &[]),
    ("extent", "fileoffset", Once, NO_NUMBER),
    ("extent", "partition", Once, NO_PARTITION),
    ("extent", "startblock", Once, NO_NUMBER),
    ("extent", "byteoffset", Once, NO_NUMBER_32),
    ("extent", "bytecount", Once, NO_NUMBER),
    ("file", "symlink", AtMostOnce, &[("", "the name is empty")]),
    ("file", "openforwrite", AtMostOnce, &[]),
];

/// An element of a text: its parent, its name, and its lines.
#[derive(Clone, Debug)]
struct Found {
    parent: String,
    name: String,
    first: usize,
    last: usize,
}

impl Found {
    fn is_leaf(&self) -> bool {
        self.first == self.last
    }
}

/// The elements of a text of our writer, outer ones after their children.
fn elements(lines: &[&str]) -> Vec<Found> {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let Some(tag) = line.strip_prefix('<').filter(|tag| !tag.starts_with('?')) else {
            continue;
        };
        let name: String = tag.chars().take_while(char::is_ascii_lowercase).collect();
        let parent = open.last().map(|(name, _)| name.clone()).unwrap_or_default();
        if tag.starts_with('/') {
            let (name, first) = open.pop().unwrap();
            let parent = open.last().map(|(name, _)| name.clone()).unwrap_or_default();
            found.push(Found { parent, name, first, last: number });
        } else if tag.ends_with("/>") || tag.contains("</") {
            found.push(Found { parent, name, first: number, last: number });
        } else {
            open.push((name, number));
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

/// A text with one thing changed, and what must be said of it.
struct Mutation {
    what: String,
    text: String,
    /// Part of the refusal; `None` if it is read, and as the same tree.
    refusal: Option<String>,
}

/// Every mutation of the first element of each kind in `text`.
fn mutations(text: &str) -> Vec<Mutation> {
    let lines: Vec<&str> = text.lines().collect();
    let all = elements(&lines);
    let mut made = Vec::new();
    for element in &all {
        let kind = |other: &Found| other.parent == element.parent && other.name == element.name;
        let is_first = all.iter().filter(|other| kind(other)).map(|other| other.first).min();
        if element.parent.is_empty() || is_first != Some(element.first) {
            continue;
        }
        let rule = RULES
            .iter()
            .find(|(parent, name, ..)| *parent == element.parent && *name == element.name)
            .unwrap_or_else(|| panic!("no rule for <{}> in <{}>", element.name, element.parent));
        let outer = all
            .iter()
            .filter(|other| other.name == element.parent && !other.is_leaf())
            .find(|other| other.first < element.first && element.last < other.last)
            .unwrap();
        made.extend(mutations_of(&lines, element, outer, rule));
    }
    made
}

fn mutations_of(lines: &[&str], element: &Found, outer: &Found, rule: &Rule) -> Vec<Mutation> {
    let (parent, name, stands, bad) = *rule;
    let own = &lines[element.first..=element.last];
    let (before, after) = (&lines[..element.first], &lines[element.last + 1..]);
    let joined = |parts: &[&[&str]]| parts.concat().join("\n") + "\n";
    let mutation = |what: &str, text: String, refusal: Option<String>| Mutation {
        what: format!("<{name}> in <{parent}> {what}"),
        text,
        refusal,
    };
    let in_directory = parent == "directory" && name != "contents";
    let is_late = in_directory && stands == Once;
    let missing = match (stands, is_late) {
        (Once, true) => Some(format!("<{name}> is missing before the contents")),
        (Once, false) => Some(format!("<{name}> is missing")),
        _ => None,
    };
    let doubled = match (stands, name) {
        (Often, "extent") => Some("overlap at byte".to_owned()),
        (Often, _) => None,
        _ => Some(format!("<{name}> stands there twice")),
    };
    let twice: Vec<&str> = own.iter().chain(own).copied().collect();
    let mut made = vec![
        mutation("missing", joined(&[before, after]), missing.clone()),
        mutation("doubled", joined(&[before, &twice, after]), doubled),
    ];
    // To the end of its parent, which is where unknown elements stand too.
    let (between, behind) = lines[element.last + 1..].split_at(outer.last - element.last - 1);
    let moved = if is_late { missing } else { None };
    made.push(mutation("last", joined(&[before, between, own, behind]), moved));
    if element.is_leaf() && name != "openforwrite" && !own[0].ends_with("/>") {
        let open = own[0].split_once('>').unwrap().0;
        for (value, said) in bad {
            let line = format!("<{name}>{value}</{name}>");
            let text = joined(&[before, &[&line], after]);
            made.push(mutation(&format!("of \"{value}\""), text, Some((*said).to_owned())));
        }
        let plain = || Some("an element does not hold one plain text".to_owned());
        for line in [
            format!("{open}>x</other>"),
            format!("{open}><x/></{name}>"),
            format!("{open}><![CDATA[x]]></{name}>"),
        ] {
            made.push(mutation(&format!("as {line}"), joined(&[before, &[&line], after]), plain()));
        }
    } else if !element.is_leaf() {
        let stray = Some("text stands between elements".to_owned());
        let inside = &lines[element.first + 1..];
        let text = joined(&[before, &own[..1], &["stray"], inside]);
        made.push(mutation("with text", text, stray));
        let crossed = "</crossed>".to_owned();
        let text = joined(&[&lines[..element.last], &[&crossed], after]);
        made.push(mutation("crossed", text, Some("an end tag has no start tag".to_owned())));
    }
    made
}

/// The tree and the head of a text, or why it is refused.
fn read(text: &str) -> Result<(IndexHeader, Vec<String>), String> {
    let mut reader = IndexReader::open(text.as_bytes()).map_err(|error| error.to_string())?;
    let mut events = Vec::new();
    loop {
        match reader.next().map_err(|error| error.to_string())? {
            IndexEvent::Header(_) => {}
            IndexEvent::End(header) => return Ok((header.clone(), events)),
            event => events.push(format!("{event:?}")),
        }
    }
}

/// An index with one of everything, by our writer.
fn everything() -> String {
    let time = Timestamp { seconds: 1_795_409_658, nanoseconds: 505_722_554 };
    let at = |partition, block| IndexLocation { partition, block: BlockNumber(block) };
    let header = IndexHeader {
        version: FormatVersion::WRITTEN,
        creator: "FossilSafe 0.1.0 - Linux - test".to_owned(),
        comment: Some("a comment".to_owned()),
        volume_uuid: VolumeUuid(uuid::Uuid::from_u128(7)),
        generation: 2,
        update_time: time,
        location: at(PartitionId::INDEX, 5),
        previous: Some(at(PartitionId::DATA, 930)),
        allow_policy_update: true,
        placement: Some(PlacementPolicy { size: 65_536, names: vec![name("*.txt")] }),
        highest_uid: 12,
        lock: Some(LockState::Unlocked),
        unknown: Vec::new(),
    };
    let xattrs = vec![Xattr { key: name("key"), value: b"value".to_vec() }];
    let directory = |text: &str, uid| DirectoryEntry {
        name: if text.is_empty() { name("volume") } else { name(text) },
        uid,
        times: Times::all(time),
        xattrs: xattrs.clone(),
        ..DirectoryEntry::default()
    };
    let piece = |file_offset| Extent { file_offset, ..extent(BlockNumber(817), 7, 300) };
    let file = FileEntry {
        xattrs: xattrs.clone(),
        extents: Extents::from_slice(&[piece(0), piece(500)]),
        ..file_entry("file", 11, &[], 1000)
    };
    let link = FileEntry { symlink: Some(name("target")), ..file_entry("link", 12, &[], 0) };
    let (root, sub) = (directory("", 1), directory("sub", 2));
    let mut writer = IndexWriter::new(Vec::new());
    for event in [
        IndexEvent::Header(&header),
        IndexEvent::EnterDirectory(&root),
        IndexEvent::File(&file),
        IndexEvent::File(&link),
        IndexEvent::EnterDirectory(&sub),
        IndexEvent::File(&file),
        IndexEvent::LeaveDirectory(b""),
        IndexEvent::LeaveDirectory(b""),
        IndexEvent::End(&header),
    ] {
        writer.write(event).unwrap();
    }
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    // Written by other programs only.
    text.replacen("<symlink>", "<openforwrite>false</openforwrite>\n<symlink>", 1)
}

#[test]
fn each_element_missing_doubled_malformed_or_out_of_order_is_told_with_its_name() {
    let text = everything();
    let intact = read(&text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let found = elements(&lines);
    for (parent, name, ..) in RULES {
        let is_there =
            found.iter().any(|element| element.parent == *parent && element.name == *name);
        assert!(is_there, "the text has no <{name}> in <{parent}>");
    }
    let mutations = mutations(&text);
    assert!(mutations.len() > 300, "{}", mutations.len());
    for Mutation { what, text, refusal } in mutations {
        match (read(&text), refusal) {
            (Err(said), Some(expected)) => {
                assert!(said.contains(&expected), "{what}: {said}\n{text}");
                assert!(said.starts_with("byte "), "{what}: {said}");
            }
            (Ok(read), None) if what.ends_with(" last") && !what.contains("in <contents>") => {
                let place =
                    |(header, events): &(IndexHeader, Vec<String>)| (header.clone(), events.len());
                assert_eq!(place(&read), place(&intact), "{what}");
            }
            (Ok(_), None) => {}
            (read, refusal) => panic!("{what}: {read:?}, not {refusal:?}\n{text}"),
        }
    }
}

#[test]
fn an_index_cut_anywhere_is_told_to_end_in_the_middle() {
    let text = everything();
    // The last newline may be missing.
    for length in 0..text.len() - 1 {
        let said = read(&text[..length]).unwrap_err();
        let is_exact = said.ends_with("the XML ends in the middle")
            || length < "<?xml".len() && said.ends_with("there is no XML declaration");
        assert!(is_exact, "{length}: {said}");
    }
}

/// Goal: damage in one copy costs nothing and is told to the word. Method: every mutation of the index that
/// is on a volume, in the place of the index partition's copy.
#[test]
fn a_damaged_element_on_one_partition_is_told_and_the_other_copy_is_mounted() {
    let rig = closed_volume();
    let mut text = String::new();
    rig.raw(|drive| text = index_text(drive, INDEX, INDEX_CONSTRUCT));
    let files = closed_files();
    for Mutation { what, text, .. } in mutations(&text) {
        rig.raw(|drive| put_index(drive, INDEX, INDEX_CONSTRUCT, &text));
        rig.library.log().clear();
        let mut drive = rig.drive();
        let mounted = mount(&mut drive, &rig.mount_options(CheckEnds::WhenInDoubt)).unwrap();
        assert_eq!(mounted.generation(), 3, "{what}");
        let damaged = mounted.findings.iter().find_map(|finding| match finding {
            Finding::Tail {
                tail: Tail::DamagedIndex { at: BlockNumber(5), why },
                partition,
                ..
            } if *partition == PartitionId::INDEX => Some(why.clone()),
            _ => None,
        });
        match read(&text) {
            Err(said) => {
                assert_eq!(damaged, Some(said), "{what}");
                assert_eq!(mounted.index.location.partition, PartitionId::DATA);
                assert_eq!(extract(&mut drive, &mounted), files, "{what}");
            }
            Ok(_) => {
                // It is another tree, or another place, or nothing is wrong with it.
                assert_eq!(damaged, None, "{what}");
                let is_told = mounted.findings.iter().any(|finding| {
                    matches!(
                        finding,
                        Finding::CopiesDiffer { .. }
                            | Finding::BackPointer { .. }
                            | Finding::Tail { .. }
                            | Finding::IndexPartitionBehind { .. }
                    )
                });
                assert!(is_told || extract(&mut drive, &mounted) == files, "{what}");
            }
        }
    }
}
