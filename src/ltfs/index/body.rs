//! Reading entries: a file whole, a directory up to its contents.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::domain::BlockNumber;
use crate::ltfs::elements::{Child, Element, Elements, Problem, Seen, Start};
use crate::ltfs::extent::{Extent, order_extents};
use crate::ltfs::names::{Name, NameUse};
use crate::ltfs::version::FormatVersion;
use crate::ltfs::xml::XmlError;

use super::{DirectoryEntry, FileEntry, ROOT_UID, Times, Xattr};

/// Most bytes of attributes and unknown elements in one entry, so that one entry fits in memory.
const ENTRY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most extents in one file. A terabyte file written a block at a time out of order has fewer.
const EXTENTS_MAX: usize = 4 * 1024 * 1024;

const ENTRY_REQUIRED: [Element; 7] = [
    Element::Name,
    Element::ReadOnly,
    Element::CreationTime,
    Element::ChangeTime,
    Element::ModifyTime,
    Element::AccessTime,
    Element::BackupTime,
];

/// How a directory's start tag ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// Entries follow.
    Follow,
    /// `<contents/>`: there are none; the rest of the directory follows.
    Empty,
}

/// Reads a directory up to and including the start of its contents.
pub(super) fn directory<R: Read>(
    elements: &mut Elements<R>,
    start: &Start,
    version: FormatVersion,
    is_root: bool,
    entry: &mut DirectoryEntry,
) -> Result<(Contents, Seen), Problem> {
    entry.clear();
    let mut seen = Seen::default();
    let mut contents = None;
    while contents.is_none() {
        let Some(child) = elements.child_in(start)? else { break };
        if child.element == Element::Contents {
            seen.add(Element::Contents)?;
            contents = Some(if child.is_empty { Contents::Empty } else { Contents::Follow });
            continue;
        }
        let purpose = if is_root { NameUse::Volume } else { NameUse::Entry };
        let common = Common {
            name: &mut entry.name,
            read_only: &mut entry.read_only,
            times: &mut entry.times,
            uid: &mut entry.uid,
            xattrs: &mut entry.xattrs,
        };
        if !common.read(elements, &child, purpose, &mut seen)? {
            keep_unknown(elements, &child, &mut entry.unknown)?;
        }
    }
    let Some(contents) = contents else {
        return Err(Problem::Missing(Element::Contents.name()));
    };
    if let Err(Problem::Missing(element)) = require_entry(seen, version) {
        // It may still follow; a stream cannot wait for it.
        return Err(Problem::Late(element));
    }
    let uid_known = seen.has(Element::FileUid);
    let uid_fits = if is_root { entry.uid == ROOT_UID } else { entry.uid > ROOT_UID };
    if uid_known && !uid_fits {
        return Err(Problem::Value(entry.uid.to_string()));
    }
    Ok((contents, seen))
}

/// Reads what may still stand behind the contents. True while the directory goes on.
pub(super) fn behind_contents<R: Read>(
    elements: &mut Elements<R>,
    seen_before: Seen,
    trailing: &mut Vec<u8>,
) -> Result<bool, Problem> {
    let Child::Start(child) = elements.child_of(Element::Directory)? else { return Ok(false) };
    match child.element {
        Element::Contents => return Err(Problem::Duplicate(Element::Contents.name())),
        element if element != Element::Unknown && seen_before.has(element) => {
            return Err(Problem::Duplicate(element.name()));
        }
        // Extended attributes too are kept as they are: the directory was handed out already.
        _ => keep_unknown(elements, &child, trailing)?,
    }
    Ok(true)
}

/// Reads a whole file.
pub(super) fn file<R: Read>(
    elements: &mut Elements<R>,
    start: &Start,
    version: FormatVersion,
    entry: &mut FileEntry,
) -> Result<(), Problem> {
    entry.clear();
    let mut seen = Seen::default();
    while let Some(child) = elements.child_in(start)? {
        match child.element {
            Element::Length => {
                seen.add(Element::Length)?;
                entry.length = elements.number(&child)?;
            }
            Element::ExtentInfo => {
                seen.add(Element::ExtentInfo)?;
                extents(elements, &child, version, entry)?;
            }
            Element::Symlink => {
                seen.add(Element::Symlink)?;
                let mut target = Name::default();
                elements.name_into(&child, NameUse::SymlinkTarget, &mut target)?;
                entry.symlink = Some(target);
            }
            Element::OpenForWrite => {
                seen.add(Element::OpenForWrite)?;
                elements.pass_over(&child, None)?;
            }
            _ => {
                let common = Common {
                    name: &mut entry.name,
                    read_only: &mut entry.read_only,
                    times: &mut entry.times,
                    uid: &mut entry.uid,
                    xattrs: &mut entry.xattrs,
                };
                if !common.read(elements, &child, NameUse::Entry, &mut seen)? {
                    keep_unknown(elements, &child, &mut entry.unknown)?;
                }
            }
        }
    }
    require_entry(seen, version)?;
    seen.require(&[Element::Length])?;
    if seen.has(Element::FileUid) && entry.uid == 0 {
        return Err(Problem::Value("0".to_owned()));
    }
    Ok(order_extents(&mut entry.extents, entry.length)?)
}

fn require_entry(seen: Seen, version: FormatVersion) -> Result<(), Problem> {
    seen.require(&ENTRY_REQUIRED)?;
    if version >= FormatVersion::WITH_UIDS {
        seen.require(&[Element::FileUid])?;
    }
    Ok(())
}

fn keep_unknown<R: Read>(
    elements: &mut Elements<R>,
    start: &Start,
    kept: &mut Vec<u8>,
) -> Result<(), Problem> {
    elements.pass_over(start, Some(kept))?;
    if kept.len() > ENTRY_BYTES_MAX { Err(Problem::TooLarge(ENTRY_BYTES_MAX)) } else { Ok(()) }
}

/// What files and directories have in common.
struct Common<'a> {
    name: &'a mut Name,
    read_only: &'a mut bool,
    times: &'a mut Times,
    uid: &'a mut u64,
    xattrs: &'a mut Vec<Xattr>,
}

impl Common<'_> {
    /// Reads one child; false if it is none of these.
    fn read<R: Read>(
        self,
        elements: &mut Elements<R>,
        start: &Start,
        purpose: NameUse,
        seen: &mut Seen,
    ) -> Result<bool, Problem> {
        match start.element {
            Element::Name => elements.name_into(start, purpose, self.name)?,
            Element::ReadOnly => *self.read_only = elements.boolean(start)?,
            Element::CreationTime => self.times.creation = elements.time(start)?,
            Element::ChangeTime => self.times.change = elements.time(start)?,
            Element::ModifyTime => self.times.modify = elements.time(start)?,
            Element::AccessTime => self.times.access = elements.time(start)?,
            Element::BackupTime => self.times.backup = elements.time(start)?,
            Element::FileUid => *self.uid = elements.number(start)?,
            Element::ExtendedAttributes => extended_attributes(elements, start, self.xattrs)?,
            _ => return Ok(false),
        }
        seen.add(start.element)?;
        Ok(true)
    }
}

fn extended_attributes<R: Read>(
    elements: &mut Elements<R>,
    parent: &Start,
    xattrs: &mut Vec<Xattr>,
) -> Result<(), Problem> {
    let mut bytes = 0;
    while let Some(start) = elements.child_in(parent)? {
        if start.element != Element::Xattr {
            elements.pass_over(&start, None)?;
            continue;
        }
        let xattr = extended_attribute(elements, &start)?;
        bytes += xattr.value.len() + size_of::<Xattr>();
        if bytes > ENTRY_BYTES_MAX {
            return Err(Problem::TooLarge(ENTRY_BYTES_MAX));
        }
        xattrs.push(xattr);
    }
    Ok(())
}

fn extended_attribute<R: Read>(
    elements: &mut Elements<R>,
    parent: &Start,
) -> Result<Xattr, Problem> {
    let mut xattr = Xattr::default();
    let mut seen = Seen::default();
    while let Some(start) = elements.child_in(parent)? {
        match start.element {
            Element::Key => {
                seen.add(Element::Key)?;
                elements.name_into(&start, NameUse::AttributeKey, &mut xattr.key)?;
            }
            Element::Value => {
                seen.add(Element::Value)?;
                let is_base64 = match elements.attribute(&start, b"type") {
                    None | Some(b"text") => false,
                    Some(b"base64") => true,
                    Some(_) => return Err(XmlError::Malformed("unknown type of value").into()),
                };
                let text = elements.text(&start)?;
                xattr.value =
                    if is_base64 { decode(&text)? } else { text.into_owned().into_bytes() };
            }
            _ => elements.pass_over(&start, None)?,
        }
    }
    seen.require(&[Element::Key, Element::Value])?;
    Ok(xattr)
}

fn decode(text: &str) -> Result<Vec<u8>, Problem> {
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(packed).map_err(|_| Problem::Value(text.chars().take(80).collect()))
}

fn extents<R: Read>(
    elements: &mut Elements<R>,
    parent: &Start,
    version: FormatVersion,
    entry: &mut FileEntry,
) -> Result<(), Problem> {
    let mut implied_offset = 0_u64;
    while let Some(start) = elements.child_in(parent)? {
        if start.element != Element::Extent {
            elements.pass_over(&start, None)?;
            continue;
        }
        if entry.extents.len() >= EXTENTS_MAX {
            return Err(Problem::TooLarge(EXTENTS_MAX));
        }
        let extent = extent(elements, &start, version, implied_offset)?;
        implied_offset = extent.file_end();
        entry.extents.push(extent);
    }
    Ok(())
}

/// Before version 2.0 an extent's place in the file followed from its order.
fn extent<R: Read>(
    elements: &mut Elements<R>,
    parent: &Start,
    version: FormatVersion,
    implied_offset: u64,
) -> Result<Extent, Problem> {
    let mut extent = Extent { file_offset: implied_offset, ..Extent::default() };
    let mut seen = Seen::default();
    while let Some(start) = elements.child_in(parent)? {
        match start.element {
            Element::FileOffset => extent.file_offset = elements.number(&start)?,
            Element::Partition => extent.partition = elements.partition(&start)?,
            Element::StartBlock => extent.start_block = BlockNumber(elements.number(&start)?),
            Element::ByteOffset => extent.byte_offset = elements.number32(&start)?,
            Element::ByteCount => extent.byte_count = elements.number(&start)?,
            _ => {
                elements.pass_over(&start, None)?;
                continue;
            }
        }
        seen.add(start.element)?;
    }
    seen.require(&[
        Element::Partition,
        Element::StartBlock,
        Element::ByteOffset,
        Element::ByteCount,
    ])?;
    if version >= FormatVersion::WITH_UIDS {
        seen.require(&[Element::FileOffset])?;
    }
    Ok(extent)
}
