//! Files in the form in which nearly all of them stand in an index, read at the speed of a copy.
//!
//! The reference and we write a file's elements in one order, one a line, without attributes. Such a
//! file that lies in the buffer whole is compared with that form and its values are taken; going
//! through its twenty elements one by one takes several times as long, and an index has ten million
//! files. Anything else (other writers' forms, extended attributes, links, encoded names, what is
//! damaged, what the buffer cuts off) is left to the readers of elements: this one refuses nothing,
//! it only does not know.

use crate::domain::{BlockNumber, Timestamp};
use crate::ltfs::extent::{Extent, PartitionId, order_extents};
use crate::ltfs::names::NAME_CODE_POINTS_MAX;

use super::FileEntry;

/// More extents than this are read element by element.
const EXTENTS_MAX: usize = 64;

/// Reads the file at the start of `text` into `entry`; how many bytes it took, or `None` if it is not
/// of the usual form, and then `entry` holds nothing of use.
pub(super) fn file(text: &[u8], entry: &mut FileEntry) -> Option<usize> {
    let mut rest = Text(text);
    let _ = rest.expect(b"\n");
    rest.expect(b"<file>\n<name>")?;
    let name = rest.name()?;
    entry.clear();
    entry.name.set_trusted(name, false);
    rest.expect(b"</name>\n<length>")?;
    entry.length = rest.number()?;
    rest.expect(b"</length>\n<readonly>")?;
    entry.read_only = rest.expect(b"true").is_some();
    if !entry.read_only {
        rest.expect(b"false")?;
    }
    rest.expect(b"</readonly>\n<creationtime>")?;
    entry.times.creation = rest.time()?;
    rest.expect(b"</creationtime>\n<changetime>")?;
    entry.times.change = rest.time()?;
    rest.expect(b"</changetime>\n<modifytime>")?;
    entry.times.modify = rest.time()?;
    rest.expect(b"</modifytime>\n<accesstime>")?;
    entry.times.access = rest.time()?;
    rest.expect(b"</accesstime>\n<backuptime>")?;
    entry.times.backup = rest.time()?;
    rest.expect(b"</backuptime>\n<fileuid>")?;
    entry.uid = rest.number().filter(|uid| *uid > 0)?;
    rest.expect(b"</fileuid>\n")?;
    if rest.expect(b"<extentinfo>\n").is_some() {
        while rest.expect(b"</extentinfo>\n").is_none() {
            entry.extents.push(rest.extent()?);
            if entry.extents.len() > EXTENTS_MAX {
                return None;
            }
        }
    }
    rest.expect(b"</file>\n")?;
    order_extents(&mut entry.extents, entry.length).ok()?;
    Some(text.len() - rest.0.len())
}

/// What is left of the text.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    fn expect(&mut self, wanted: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(wanted)?;
        Some(())
    }

    /// A name of printable ASCII that nothing in XML or LTFS gives a meaning to.
    fn name(&mut self) -> Option<&'a str> {
        let window = &self.0[..self.0.len().min(NAME_CODE_POINTS_MAX + 1)];
        let is_plain =
            |byte: &u8| matches!(byte, 0x20..=0x7E) && !matches!(byte, b'<' | b'&' | b'/');
        let length = window.iter().position(|byte| !is_plain(byte)).filter(|length| *length > 0)?;
        let (name, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(name).ok()
    }

    /// A number of at most 19 digits, which fits.
    fn number(&mut self) -> Option<u64> {
        const DIGITS_MAX: usize = 19;
        let mut value = 0_u64;
        let mut length = 0;
        while let Some(digit) = self.0.get(length).map(|byte| byte.wrapping_sub(b'0')) {
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            length += 1;
        }
        self.0 = &self.0[length..];
        (1..=DIGITS_MAX).contains(&length).then_some(value)
    }

    fn time(&mut self) -> Option<Timestamp> {
        const CHARS: usize = 30;
        let (text, rest) = self.0.split_at_checked(CHARS)?;
        self.0 = rest;
        Timestamp::parse_text(text)
    }

    fn extent(&mut self) -> Option<Extent> {
        self.expect(b"<extent>\n<fileoffset>")?;
        let file_offset = self.number()?;
        self.expect(b"</fileoffset>\n<partition>")?;
        let (letter, rest) = self.0.split_first()?;
        let partition = PartitionId::from_letter(*letter)?;
        self.0 = rest;
        self.expect(b"</partition>\n<startblock>")?;
        let start_block = BlockNumber(self.number()?);
        self.expect(b"</startblock>\n<byteoffset>")?;
        let byte_offset = u32::try_from(self.number()?).ok()?;
        self.expect(b"</byteoffset>\n<bytecount>")?;
        let byte_count = self.number()?;
        self.expect(b"</bytecount>\n</extent>\n")?;
        Some(Extent { file_offset, start_block, byte_count, byte_offset, partition })
    }
}
