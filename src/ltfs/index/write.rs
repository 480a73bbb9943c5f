//! Writing an index, byte for byte in the style of the reference.
//!
//! One element a line, no indentation, fixed order, its escaping and its percent-encoding: tools that
//! are looser readers than the reference have only ever seen this form. Text is made by hand into one
//! buffer: ten million files are fifty million times and eighty million numbers, and a formatting
//! engine would take longer than the tape.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::domain::ByteCount;
use crate::ltfs::extent::Extent;
use crate::ltfs::names::{Name, needs_percent_encoding, stays_in_percent_encoding};
use crate::ltfs::version::FormatVersion;
use crate::ltfs::xml::push_escaped;

use super::{DirectoryEntry, FileEntry, IndexEvent, IndexHeader, IndexLocation, Times, Xattr};

/// What is collected before it is passed on: a few tape blocks.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Characters of base64 in a line, as libxml2 breaks them.
const BASE64_LINE_CHARS: usize = 72;

/// Turns events into the text of an index.
#[derive(Debug)]
pub struct IndexWriter<W> {
    output: W,
    buffer: Vec<u8>,
    passed_on: u64,
    /// A directory was entered and nothing in it written yet.
    contents_pending: bool,
}

/// A safe bound for the size of an index, for reserving room before it exists.
///
/// `name_bytes` is the length of all names together. Counted with the longest numbers, names as
/// escaping makes them worst in practice (three bytes for one), and one extent a file.
#[must_use]
pub fn estimated_bytes(files: u64, directories: u64, name_bytes: u64) -> ByteCount {
    const FILE_BYTES: u64 = 700;
    const DIRECTORY_BYTES: u64 = 480;
    const HEADER_BYTES: u64 = 4096;
    let entries = files
        .saturating_mul(FILE_BYTES)
        .saturating_add(directories.saturating_mul(DIRECTORY_BYTES));
    ByteCount(entries.saturating_add(name_bytes.saturating_mul(3)).saturating_add(HEADER_BYTES))
}

impl<W: Write> IndexWriter<W> {
    /// A writer to `output`, which need not be buffered.
    pub fn new(output: W) -> Self {
        Self {
            output,
            buffer: Vec::with_capacity(BUFFER_BYTES + BUFFER_BYTES / 4),
            passed_on: 0,
            contents_pending: false,
        }
    }

    /// Writes one event. Events must come in the order in which a reader gives them.
    ///
    /// # Errors
    /// When `output` fails; the index is then worthless.
    pub fn write(&mut self, event: IndexEvent<'_>) -> io::Result<()> {
        match event {
            IndexEvent::Header(header) => self.header(header),
            IndexEvent::EnterDirectory(entry) => self.enter(entry),
            IndexEvent::File(entry) => self.file(entry),
            IndexEvent::LeaveDirectory(trailing) => {
                let is_empty = std::mem::take(&mut self.contents_pending);
                let end: &[u8] = if is_empty { b"<contents/>\n" } else { b"</contents>\n" };
                self.buffer.extend_from_slice(end);
                self.buffer.extend_from_slice(trailing);
                self.buffer.extend_from_slice(b"</directory>\n");
            }
            IndexEvent::End(header) => {
                self.buffer.extend_from_slice(&header.unknown);
                self.buffer.extend_from_slice(b"</ltfsindex>\n");
                return self.pass_on();
            }
        }
        if self.buffer.len() >= BUFFER_BYTES { self.pass_on() } else { Ok(()) }
    }

    /// Bytes of the index so far.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.passed_on + u64::try_from(self.buffer.len()).unwrap_or(0)
    }

    /// Passes on what is still collected and gives the output back.
    ///
    /// # Errors
    /// When `output` fails.
    pub fn finish(mut self) -> io::Result<W> {
        self.pass_on()?;
        self.output.flush()?;
        Ok(self.output)
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.output.write_all(&self.buffer)?;
        self.passed_on = self.bytes_written();
        self.buffer.clear();
        Ok(())
    }

    fn header(&mut self, header: &IndexHeader) {
        let out = &mut self.buffer;
        out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ltfsindex version=\"");
        out.extend_from_slice(FormatVersion::WRITTEN.to_string().as_bytes());
        out.extend_from_slice(b"\">\n");
        text_element(out, "creator", &header.creator);
        if let Some(comment) = &header.comment {
            text_element(out, "comment", comment);
        }
        text_element(out, "volumeuuid", &header.volume_uuid.to_string());
        number_element(out, b"<generationnumber>", header.generation, b"</generationnumber>\n");
        text_element(out, "updatetime", &header.update_time.to_string());
        location(out, "location", header.location);
        if let Some(previous) = header.previous {
            location(out, "previousgenerationlocation", previous);
        }
        let may_change = if header.allow_policy_update { "true" } else { "false" };
        text_element(out, "allowpolicyupdate", may_change);
        if let Some(policy) = &header.placement {
            out.extend_from_slice(b"<dataplacementpolicy>\n<indexpartitioncriteria>\n");
            number_element(out, b"<size>", policy.size, b"</size>\n");
            for name in &policy.names {
                name_element(out, "name", name);
            }
            out.extend_from_slice(b"</indexpartitioncriteria>\n</dataplacementpolicy>\n");
        }
        number_element(out, b"<highestfileuid>", header.highest_uid, b"</highestfileuid>\n");
        if let Some(lock) = header.lock {
            text_element(out, "volumelockstate", lock.text());
        }
    }

    fn enter(&mut self, entry: &DirectoryEntry) {
        self.begin_contents();
        let out = &mut self.buffer;
        out.extend_from_slice(b"<directory>\n");
        name_element(out, "name", &entry.name);
        read_only(out, entry.read_only);
        times(out, &entry.times);
        number_element(out, b"<fileuid>", entry.uid, b"</fileuid>\n");
        xattrs(out, &entry.xattrs);
        out.extend_from_slice(&entry.unknown);
        self.contents_pending = true;
    }

    fn begin_contents(&mut self) {
        if std::mem::take(&mut self.contents_pending) {
            self.buffer.extend_from_slice(b"<contents>\n");
        }
    }

    fn file(&mut self, entry: &FileEntry) {
        self.begin_contents();
        let out = &mut self.buffer;
        out.extend_from_slice(b"<file>\n");
        name_element(out, "name", &entry.name);
        number_element(out, b"<length>", entry.length, b"</length>\n");
        read_only(out, entry.read_only);
        times(out, &entry.times);
        number_element(out, b"<fileuid>", entry.uid, b"</fileuid>\n");
        xattrs(out, &entry.xattrs);
        if let Some(target) = &entry.symlink {
            name_element(out, "symlink", target);
        } else if !entry.extents.is_empty() {
            out.extend_from_slice(b"<extentinfo>\n");
            for extent in &entry.extents {
                push_extent(out, extent);
            }
            out.extend_from_slice(b"</extentinfo>\n");
        }
        out.extend_from_slice(&entry.unknown);
        out.extend_from_slice(b"</file>\n");
    }
}

fn push_extent(out: &mut Vec<u8>, extent: &Extent) {
    number_element(out, b"<extent>\n<fileoffset>", extent.file_offset, b"</fileoffset>\n");
    out.extend_from_slice(b"<partition>");
    out.push(extent.partition.letter());
    out.extend_from_slice(b"</partition>\n");
    number_element(out, b"<startblock>", extent.start_block.0, b"</startblock>\n");
    number_element(out, b"<byteoffset>", u64::from(extent.byte_offset), b"</byteoffset>\n");
    number_element(out, b"<bytecount>", extent.byte_count, b"</bytecount>\n</extent>\n");
}

fn xattrs(out: &mut Vec<u8>, xattrs: &[Xattr]) {
    if xattrs.is_empty() {
        return;
    }
    out.extend_from_slice(b"<extendedattributes>\n");
    for xattr in xattrs {
        out.extend_from_slice(b"<xattr>\n");
        name_element(out, "key", &xattr.key);
        if xattr.value.is_empty() {
            out.extend_from_slice(b"<value/>\n");
        } else if is_text(&xattr.value) {
            out.extend_from_slice(b"<value>");
            push_escaped(out, &xattr.value);
            out.extend_from_slice(b"</value>\n");
        } else {
            out.extend_from_slice(b"<value type=\"base64\">");
            let encoded = BASE64.encode(&xattr.value);
            for (number, line) in encoded.as_bytes().chunks(BASE64_LINE_CHARS).enumerate() {
                out.extend_from_slice(if number > 0 { b"\r\n" } else { b"" });
                out.extend_from_slice(line);
            }
            out.extend_from_slice(b"</value>\n");
        }
        out.extend_from_slice(b"</xattr>\n");
    }
    out.extend_from_slice(b"</extendedattributes>\n");
}

/// True if XML can carry the value as it is.
fn is_text(value: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, 0x09 | 0x0A | 0x0D);
    !value.iter().any(control)
        && std::str::from_utf8(value).is_ok_and(|text| !text.contains(['\u{FFFE}', '\u{FFFF}']))
}

fn location(out: &mut Vec<u8>, element: &str, location: IndexLocation) {
    out.push(b'<');
    out.extend_from_slice(element.as_bytes());
    out.extend_from_slice(b">\n<partition>");
    out.push(location.partition.letter());
    out.extend_from_slice(b"</partition>\n");
    number_element(out, b"<startblock>", location.block.0, b"</startblock>\n");
    close(out, element);
}

fn name_element(out: &mut Vec<u8>, element: &str, name: &Name) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let text = name.as_str().as_bytes();
    out.push(b'<');
    out.extend_from_slice(element.as_bytes());
    if text.is_empty() {
        out.extend_from_slice(b"/>\n");
        return;
    }
    if !name.percent_encoded_flag() && text.iter().all(|byte| is_plain(*byte)) {
        out.push(b'>');
        out.extend_from_slice(text);
    } else if name.percent_encoded_flag() || text.iter().any(|byte| needs_percent_encoding(*byte)) {
        out.extend_from_slice(b" percentencoded=\"true\">");
        for &byte in text {
            if stays_in_percent_encoding(byte) {
                push_escaped(out, &[byte]);
            } else {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.push(b'%');
                out.extend_from_slice(&digits);
            }
        }
    } else {
        out.push(b'>');
        push_escaped(out, text);
    }
    close(out, element);
}

/// True for a byte that stands for itself wherever it is in a text.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E) && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b':')
}

fn text_element(out: &mut Vec<u8>, element: &str, text: &str) {
    out.push(b'<');
    out.extend_from_slice(element.as_bytes());
    out.push(b'>');
    push_escaped(out, text.as_bytes());
    close(out, element);
}

fn read_only(out: &mut Vec<u8>, value: bool) {
    let element: &[u8] =
        if value { b"<readonly>true</readonly>\n" } else { b"<readonly>false</readonly>\n" };
    out.extend_from_slice(element);
}

fn close(out: &mut Vec<u8>, element: &str) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(element.as_bytes());
    out.extend_from_slice(b">\n");
}

fn number_element(out: &mut Vec<u8>, open: &[u8], value: u64, close: &[u8]) {
    out.extend_from_slice(open);
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    out.extend_from_slice(close);
}

/// The five times of an entry, one element a line, with zeros where the moments go.
const TIMES: &[u8; 284] = b"<creationtime>0000-00-00T00:00:00.000000000Z</creationtime>\n\
<changetime>0000-00-00T00:00:00.000000000Z</changetime>\n\
<modifytime>0000-00-00T00:00:00.000000000Z</modifytime>\n\
<accesstime>0000-00-00T00:00:00.000000000Z</accesstime>\n\
<backuptime>0000-00-00T00:00:00.000000000Z</backuptime>\n";
/// Where in [`TIMES`] each moment goes.
const TIME_PLACES: [usize; 5] = [14, 72, 128, 184, 240];

fn times(out: &mut Vec<u8>, times: &Times) {
    let start = out.len();
    out.extend_from_slice(TIMES);
    let moments = [times.creation, times.change, times.modify, times.access, times.backup];
    let mut last = (moments[0], moments[0].text());
    for (moment, place) in moments.into_iter().zip(TIME_PLACES) {
        if moment != last.0 {
            last = (moment, moment.text());
        }
        let place = start + place;
        out[place..place + last.1.len()].copy_from_slice(&last.1);
    }
}
