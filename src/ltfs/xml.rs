//! The subset of XML that labels and indexes are made of, read as a stream in bounded memory.
//!
//! A general XML reader buffers whatever stands between two tags, so a damaged or hostile index of
//! a few gigabytes without a `<` would take all memory; it also expands entities that nobody
//! declared here. This scanner holds one token, at most [`TOKEN_BYTES_MAX`], and knows no document
//! types. It refuses what makes the reference refuse an index: another encoding than declared
//! UTF-8, CDATA, text between elements, tags that do not match. Comments and processing
//! instructions are passed over.

use std::io::{self, Read};
use std::ops::Range;

/// Longest tag or text. The longest legitimate ones are values of extended attributes: 4096 bytes
/// from the reference, more from writers that do not keep its limit.
pub(super) const TOKEN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What is read at a time, and the buffer at first.
const BUFFER_BYTES: usize = 256 * 1024;

/// What is wrong with the XML itself.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// The source of the bytes failed.
    #[error("the XML cannot be read")]
    Io(#[from] io::Error),
    /// The bytes end within an element.
    #[error("the XML ends in the middle")]
    Truncated,
    /// A rule of XML, or of the reference's use of it, is broken.
    #[error("{0}")]
    Malformed(&'static str),
    /// One tag or text is longer than anything legitimate.
    #[error("a single tag or text is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
}

/// A piece of the document. Ranges point into the scanner's buffer and hold until the next call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `<name attributes>` or, with `is_empty`, `<name attributes/>`.
    Start { name: Range<usize>, attributes: Range<usize>, is_empty: bool },
    /// `</name>`.
    End { name: Range<usize> },
    /// Everything up to the next `<`, still escaped.
    Text(Range<usize>),
    /// Nothing is left.
    Eof,
}

/// Cuts a stream into tokens.
#[derive(Debug)]
pub(super) struct Scanner<R> {
    input: R,
    buffer: Vec<u8>,
    /// The next byte to look at, and the end of what was read, both in `buffer`.
    start: usize,
    end: usize,
    /// How far into the document `buffer[0]` is.
    base: u64,
    at_end: bool,
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; BUFFER_BYTES], start: 0, end: 0, base: 0, at_end: false }
    }

    /// Bytes of the document consumed so far.
    pub(super) fn offset(&self) -> u64 {
        self.base + u64::try_from(self.start).unwrap_or(0)
    }

    /// The bytes of a range of the last token.
    pub(super) fn bytes(&self, range: &Range<usize>) -> &[u8] {
        &self.buffer[range.clone()]
    }

    /// Reads the XML declaration, which must declare UTF-8.
    pub(super) fn declaration(&mut self) -> Result<(), XmlError> {
        if self.starts_with(b"\xEF\xBB\xBF")? {
            self.start += 3;
        }
        if !self.starts_with(b"<?xml")? {
            return Err(XmlError::Malformed("there is no XML declaration"));
        }
        let end = self.find_sequence(b"?>", 0)?;
        let declared = &self.buffer[self.start..self.start + end];
        let is_utf8 =
            attribute(declared.get(5..).unwrap_or_default(), b"encoding") == Some(b"UTF-8");
        self.start += end + 2;
        if is_utf8 { Ok(()) } else { Err(XmlError::Malformed("UTF-8 is not declared")) }
    }

    /// The next token; comments and processing instructions are not tokens.
    pub(super) fn next(&mut self) -> Result<Token, XmlError> {
        loop {
            match self.find(b'<', 0)? {
                None => {
                    let rest = self.start..self.end;
                    self.start = self.end;
                    return Ok(if rest.is_empty() { Token::Eof } else { Token::Text(rest) });
                }
                Some(0) => {}
                Some(length) => {
                    let text = self.start..self.start + length;
                    self.start += length;
                    return Ok(Token::Text(text));
                }
            }
            if !self.ensure(2)? {
                return Err(XmlError::Truncated);
            }
            let second = self.buffer[self.start + 1];
            match second {
                b'/' => return self.end_tag(),
                b'?' => {
                    let end = self.find_sequence(b"?>", 2)?;
                    self.start += end + 2;
                }
                b'!' if self.starts_with(b"<!--")? => {
                    let end = self.find_sequence(b"-->", 4)?;
                    self.start += end + 3;
                }
                b'!' if self.starts_with(b"<![CDATA[")? => {
                    return Err(XmlError::Malformed("CDATA sections are not accepted"));
                }
                b'!' if self.ends_within(b"<!--") || self.ends_within(b"<![CDATA[") => {
                    return Err(XmlError::Truncated);
                }
                b'!' => return Err(XmlError::Malformed("document types are not accepted")),
                _ => return self.start_tag(),
            }
        }
    }

    /// What was read and not consumed yet: as much as happens to be there.
    pub(super) fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Consumes bytes of [`Scanner::waiting`] that somebody else has understood.
    pub(super) fn pass(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// The text up to `</name>`, when nothing else stands there: consumes both and returns the
    /// text. `None` leaves everything as it was.
    pub(super) fn text_and_end(&mut self, name: &[u8]) -> Result<Option<Range<usize>>, XmlError> {
        let Some(length) = self.find(b'<', 0)? else { return Err(XmlError::Truncated) };
        let tag = 2 + name.len() + 1;
        if !self.ensure(length + tag)? {
            return Err(XmlError::Truncated);
        }
        let text = self.start..self.start + length;
        let after = &self.buffer[text.end..text.end + tag];
        let is_end =
            after[1] == b'/' && after[2..].starts_with(name) && after.last() == Some(&b'>');
        if !is_end {
            return Ok(None);
        }
        self.start = text.end + tag;
        Ok(Some(text))
    }

    fn end_tag(&mut self) -> Result<Token, XmlError> {
        let close = self.find(b'>', 2)?.ok_or(XmlError::Truncated)?;
        let mut name = self.start + 2..self.start + close;
        while name.end > name.start && self.buffer[name.end - 1].is_ascii_whitespace() {
            name.end -= 1;
        }
        self.start += close + 1;
        Ok(Token::End { name })
    }

    /// Passes over one end of line directly before a tag, the usual case between two elements.
    pub(super) fn skip_line_end(&mut self) {
        if self.buffer[self.start..self.end].starts_with(b"\n<") {
            self.start += 1;
        }
    }

    fn start_tag(&mut self) -> Result<Token, XmlError> {
        if let Some(token) = self.plain_start_tag() {
            return Ok(token);
        }
        let mut close = 1;
        loop {
            close = self.find(b'>', close)?.ok_or(XmlError::Truncated)?;
            if quotes_are_closed(&self.buffer[self.start..self.start + close]) {
                break;
            }
            close += 1;
        }
        let mut inside = self.start + 1..self.start + close;
        self.start += close + 1;
        let is_empty = inside.end > inside.start && self.buffer[inside.end - 1] == b'/';
        if is_empty {
            inside.end -= 1;
        }
        let tag = &self.buffer[inside.clone()];
        let name_length =
            tag.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(tag.len());
        if name_length == 0 || tag.contains(&b'<') {
            return Err(XmlError::Malformed("a tag is malformed"));
        }
        let name = inside.start..inside.start + name_length;
        Ok(Token::Start { attributes: name.end..inside.end, name, is_empty })
    }

    /// A start tag of letters only that lies in the buffer whole: nearly all are.
    fn plain_start_tag(&mut self) -> Option<Token> {
        let tag = &self.buffer[self.start + 1..self.end];
        let length = tag.iter().position(|byte| !byte.is_ascii_lowercase())?;
        if length == 0 || tag[length] != b'>' {
            return None;
        }
        let name = self.start + 1..self.start + 1 + length;
        self.start = name.end + 1;
        Some(Token::Start { attributes: name.end..name.end, name, is_empty: false })
    }

    /// How far from the next byte `wanted` is, searching from `from`. `None` at the end.
    fn find(&mut self, wanted: u8, from: usize) -> Result<Option<usize>, XmlError> {
        let mut from = from;
        loop {
            let searched = self.start + from;
            if searched < self.end {
                let window = &self.buffer[searched..self.end];
                if let Some(at) = memchr::memchr(wanted, window) {
                    return Ok(Some(from + at));
                }
                from = self.end - self.start;
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    fn find_sequence(&mut self, wanted: &[u8], from: usize) -> Result<usize, XmlError> {
        let mut from = from;
        loop {
            from = self.find(wanted[0], from)?.ok_or(XmlError::Truncated)?;
            if !self.ensure(from + wanted.len())? {
                return Err(XmlError::Truncated);
            }
            if self.buffer[self.start + from..].starts_with(wanted) {
                return Ok(from);
            }
            from += 1;
        }
    }

    fn starts_with(&mut self, wanted: &[u8]) -> Result<bool, XmlError> {
        Ok(self.ensure(wanted.len())? && self.buffer[self.start..].starts_with(wanted))
    }

    /// True if the document ends before it is clear whether `wanted` stands here.
    fn ends_within(&self, wanted: &[u8]) -> bool {
        self.at_end && wanted.starts_with(&self.buffer[self.start..self.end])
    }

    /// Makes `count` bytes available from `start` on; false when the document ends before.
    fn ensure(&mut self, count: usize) -> Result<bool, XmlError> {
        while self.end - self.start < count {
            if !self.more()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads more behind what is not consumed yet. False at the end of the input.
    fn more(&mut self) -> Result<bool, XmlError> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.base = self.offset();
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            if self.buffer.len() >= TOKEN_BYTES_MAX {
                return Err(XmlError::TooLong);
            }
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            return Ok(!self.at_end);
        }
    }
}

fn quotes_are_closed(tag: &[u8]) -> bool {
    let mut open = None;
    for byte in tag.iter().filter(|byte| matches!(byte, b'"' | b'\'')) {
        match open {
            None => open = Some(byte),
            Some(quote) if quote == byte => open = None,
            Some(_) => {}
        }
    }
    open.is_none()
}

/// The value of an attribute in the attribute part of a start tag.
pub(super) fn attribute<'a>(attributes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = attributes.trim_ascii_start();
    while !rest.is_empty() {
        let equals = memchr::memchr(b'=', rest)?;
        let name = rest[..equals].trim_ascii();
        let value = rest[equals + 1..].trim_ascii_start();
        let quote = *value.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
        let length = memchr::memchr(quote, &value[1..])?;
        if name == wanted {
            return Some(&value[1..=length]);
        }
        rest = value[length + 2..].trim_ascii_start();
    }
    None
}

/// Replaces entities and ends of lines; `None` for an entity that nobody declared, for a control
/// character that XML cannot hold, or for text that is no UTF-8.
pub(super) fn unescape(raw: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    if raw.iter().all(|byte| matches!(byte, 0x20..=0x7E | 0x09 | 0x0A) && *byte != b'&') {
        return Some(std::borrow::Cow::Borrowed(raw));
    }
    std::str::from_utf8(raw).ok()?;
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'&' => {
                let end = memchr::memchr(b';', rest)?;
                let character = entity(&rest[..end])?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[end + 1..];
            }
            b'\r' => {
                out.push(b'\n');
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            0x00..=0x08 | 0x0B..=0x1F => return None,
            _ => out.push(byte),
        }
    }
    Some(std::borrow::Cow::Owned(out))
}

fn entity(name: &[u8]) -> Option<char> {
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        [b'#', b'x', digits @ ..] => character(digits, 16),
        [b'#', digits @ ..] => character(digits, 10),
        _ => None,
    }
}

fn character(digits: &[u8], radix: u32) -> Option<char> {
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    let character = char::from_u32(u32::from_str_radix(text, radix).ok()?)?;
    let is_control = u32::from(character) < 0x20 && !matches!(character, '\t' | '\n' | '\r');
    (!is_control).then_some(character)
}

/// Appends text as the reference escapes it.
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    let special = |byte: &u8| matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\r');
    let mut rest = text;
    while let Some(at) = rest.iter().position(special) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(match rest[at] {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            _ => b"&#13;",
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every token is cut everywhere.
    struct Dripping<'a>(&'a [u8]);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn tokens(document: &[u8]) -> Result<Vec<String>, XmlError> {
        let mut scanner = Scanner::new(Dripping(document));
        scanner.declaration()?;
        let mut seen = Vec::new();
        loop {
            let token = scanner.next()?;
            let text = |range| String::from_utf8_lossy(scanner.bytes(range)).into_owned();
            seen.push(match &token {
                Token::Start { name, attributes, is_empty } => {
                    format!(
                        "<{}{}{}",
                        text(name),
                        text(attributes),
                        if *is_empty { "/" } else { "" }
                    )
                }
                Token::End { name } => format!("/{}", text(name)),
                Token::Text(range) => format!("'{}", text(range)),
                Token::Eof => return Ok(seen),
            });
        }
    }

    const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

    #[test]
    fn a_document_is_cut_into_its_tokens_wherever_the_input_is_cut() {
        let document = format!("{DECLARATION}<a x=\"1>2\"><!-- <no> --><b/>t&amp;<?pi ?></a >");
        let seen = tokens(document.as_bytes()).unwrap();
        assert_eq!(seen, ["<a x=\"1>2\"", "<b/", "'t&amp;", "/a"]);
    }

    #[test]
    fn what_the_reference_refuses_is_refused() {
        assert!(tokens(b"<a/>").is_err());
        assert!(tokens(b"<?xml version=\"1.0\"?><a/>").is_err());
        assert!(tokens(b"<?xml version=\"1.0\" encoding=\"latin1\"?><a/>").is_err());
        assert!(tokens(format!("{DECLARATION}<![CDATA[x]]>").as_bytes()).is_err());
        assert!(tokens(format!("{DECLARATION}<!DOCTYPE a>").as_bytes()).is_err());
    }

    #[test]
    fn a_text_without_end_is_refused_before_it_takes_the_memory() {
        let mut scanner = Scanner::new(io::repeat(b'x'));
        assert!(matches!(scanner.next(), Err(XmlError::TooLong)));
        let mut scanner = Scanner::new(Dripping(DECLARATION.as_bytes()).chain(io::repeat(b' ')));
        scanner.declaration().unwrap();
        assert!(matches!(scanner.next(), Err(XmlError::TooLong)));
    }

    #[test]
    fn attributes_are_found_in_either_quotes() {
        let attributes = b" type = 'base64' percentencoded=\"true\" ";
        assert_eq!(attribute(attributes, b"type"), Some(b"base64".as_slice()));
        assert_eq!(attribute(attributes, b"percentencoded"), Some(b"true".as_slice()));
        assert_eq!(attribute(attributes, b"other"), None);
        assert_eq!(attribute(b" type=base64", b"type"), None);
    }

    #[test]
    fn entities_lead_back_to_their_characters_and_undeclared_ones_are_refused() {
        let text = |raw: &str| unescape(raw.as_bytes()).map(|text| text.into_owned());
        assert_eq!(text("a&lt;&#13;&#x20AC;\r\nb"), Some("a<\r\u{20AC}\nb".into()));
        for bad in ["&nbsp;", "&", "&#0;", "&#1;", "&#+65;", "\u{1}", "&#xD800;"] {
            assert_eq!(text(bad), None, "{bad:?}");
        }
        let mut out = Vec::new();
        push_escaped(&mut out, b"<a href=\"x\">&\r\n\t'");
        assert_eq!(out, b"&lt;a href=&quot;x&quot;&gt;&amp;&#13;\n\t'");
    }
}
