//! Elements of labels and indexes: walking through children, and values out of their text.
//!
//! Knows the names of all elements of the format and the forms of their values; which element may
//! stand where is said by the readers above (`label`, `index`).

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use super::extent::{ExtentError, PartitionId};
use super::names::{Name, NameError, NameUse};
use super::xml::{Scanner, Token, XmlError, attribute, unescape};
use crate::domain::Timestamp;

/// How deep elements that nobody knows may nest. The reference keeps them too, in libxml2's limits.
const UNKNOWN_DEPTH_MAX: usize = 256;

/// What is wrong with a label or an index, and where.
#[derive(Debug, thiserror::Error)]
#[error("byte {offset}, in <{element}>: {problem}")]
pub struct DocumentError {
    /// How far into the document the reader was.
    pub offset: u64,
    /// The element it was reading.
    pub element: &'static str,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

impl DocumentError {
    /// True if nothing is wrong but that the bytes end.
    pub(super) fn is_truncation(&self) -> bool {
        matches!(self.problem, Problem::Xml(XmlError::Truncated))
    }
}

/// The kinds of trouble in a document.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The XML itself.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// An element that must be there is not.
    #[error("<{0}> is missing")]
    Missing(&'static str),
    /// An element that may stand once stands twice.
    #[error("<{0}> stands there twice")]
    Duplicate(&'static str),
    /// A value of the wrong form.
    #[error("\"{0}\" is not a value for it")]
    Value(String),
    /// A name that LTFS does not allow.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Extents that make no file.
    #[error(transparent)]
    Extents(#[from] ExtentError),
    /// A version that cannot be read.
    #[error("version \"{0}\" is not supported")]
    Version(String),
    /// A document of another kind.
    #[error("the document is <{0}>")]
    WrongDocument(String),
    /// Nesting beyond any real volume.
    #[error("elements are nested too deeply")]
    TooDeep,
    /// The collected values of one entry are beyond any real volume.
    #[error("one entry carries more than {0} bytes of attributes")]
    TooLarge(usize),
    /// A directory's contents begin before something that every directory has.
    #[error("<{0}> is missing before the contents")]
    Late(&'static str),
}

macro_rules! elements {
    ($($variant:ident = $text:literal),* $(,)?) => {
        /// The elements of the format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Element { $($variant,)* Unknown }

        impl Element {
            pub(super) fn from_name(name: &[u8]) -> Self {
                match std::str::from_utf8(name) {
                    $(Ok($text) => Self::$variant,)*
                    _ => Self::Unknown,
                }
            }

            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* Self::Unknown => "unknown element" }
            }
        }
    };
}
// Names are compared one after the other, so those of which an index has millions stand first.
elements! {
    CreationTime = "creationtime", ChangeTime = "changetime", ModifyTime = "modifytime",
    AccessTime = "accesstime", BackupTime = "backuptime", Name = "name", ReadOnly = "readonly",
    FileUid = "fileuid", File = "file", Length = "length", ExtentInfo = "extentinfo",
    Extent = "extent", FileOffset = "fileoffset", Partition = "partition",
    StartBlock = "startblock", ByteOffset = "byteoffset", ByteCount = "bytecount",
    Directory = "directory", Contents = "contents", ExtendedAttributes = "extendedattributes",
    Xattr = "xattr", Key = "key", Value = "value", Symlink = "symlink",
    OpenForWrite = "openforwrite", LtfsLabel = "ltfslabel", LtfsIndex = "ltfsindex",
    Creator = "creator", Comment = "comment", FormatTime = "formattime",
    VolumeUuid = "volumeuuid", Location = "location", Partitions = "partitions",
    Index = "index", Data = "data", BlockSize = "blocksize", Compression = "compression",
    GenerationNumber = "generationnumber", UpdateTime = "updatetime",
    PreviousGenerationLocation = "previousgenerationlocation",
    AllowPolicyUpdate = "allowpolicyupdate", DataPlacementPolicy = "dataplacementpolicy",
    IndexPartitionCriteria = "indexpartitioncriteria", Size = "size",
    HighestFileUid = "highestfileuid", VolumeLockState = "volumelockstate",
}

/// A child of the element being read.
#[derive(Clone, Debug)]
pub(super) enum Child {
    /// An element begins. Its attributes can be asked for until something else is read.
    Start(Start),
    /// The parent ends.
    End,
}

/// The start tag of an element.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) element: Element,
    pub(super) is_empty: bool,
    name: Range<usize>,
    attributes: Range<usize>,
}

/// Which elements were seen under one parent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen(u64);

impl Seen {
    pub(super) fn has(self, element: Element) -> bool {
        self.0 & (1 << (element as u32)) != 0
    }

    /// Remembers an element that may stand once.
    pub(super) fn add(&mut self, element: Element) -> Result<(), Problem> {
        if self.has(element) {
            return Err(Problem::Duplicate(element.name()));
        }
        self.0 |= 1 << (element as u32);
        Ok(())
    }

    /// Refuses when one of `required` was not seen.
    pub(super) fn require(self, required: &[Element]) -> Result<(), Problem> {
        match required.iter().find(|element| !self.has(**element)) {
            Some(missing) => Err(Problem::Missing(missing.name())),
            None => Ok(()),
        }
    }
}
const _: () = assert!((Element::Unknown as u32) < u64::BITS);

/// Reads elements of a document.
#[derive(Debug)]
pub(super) struct Elements<R> {
    scanner: Scanner<R>,
}

impl<R: Read> Elements<R> {
    /// Opens a document: its declaration and the start tag of its root, which must be `root`.
    /// Returns the root's `version`.
    pub(super) fn open(
        input: R,
        root: Element,
    ) -> Result<(Self, super::version::FormatVersion), Problem> {
        let mut elements = Self { scanner: Scanner::new(input) };
        elements.scanner.declaration()?;
        let Child::Start(start) = elements.child_of(Element::Unknown)? else {
            return Err(XmlError::Malformed("there is no element").into());
        };
        if start.element != root || start.is_empty {
            let found = String::from_utf8_lossy(elements.scanner.bytes(&start.name));
            return Err(Problem::WrongDocument(found.chars().take(64).collect()));
        }
        let text = elements.attribute(&start, b"version").unwrap_or_default();
        let version = super::version::FormatVersion::parse(text)
            .filter(|version| version.is_readable())
            .ok_or_else(|| Problem::Version(shown(text)))?;
        Ok((elements, version))
    }

    pub(super) fn offset(&self) -> u64 {
        self.scanner.offset()
    }

    /// What was read of the document and not consumed yet.
    pub(super) fn waiting(&self) -> &[u8] {
        self.scanner.waiting()
    }

    /// Consumes bytes of [`Elements::waiting`] that were whole elements.
    pub(super) fn pass(&mut self, count: usize) {
        self.scanner.pass(count);
    }

    /// The next child of `parent`, whose end tag must be its own.
    pub(super) fn child_of(&mut self, parent: Element) -> Result<Child, Problem> {
        loop {
            self.scanner.skip_line_end();
            return Ok(match self.scanner.next()? {
                Token::End { name } => {
                    if self.scanner.bytes(&name) != parent.name().as_bytes() {
                        return Err(XmlError::Malformed("an end tag has no start tag").into());
                    }
                    Child::End
                }
                Token::Text(range) => {
                    if !self.scanner.bytes(&range).trim_ascii().is_empty() {
                        return Err(XmlError::Malformed("text stands between elements").into());
                    }
                    continue;
                }
                Token::Eof => return Err(XmlError::Truncated.into()),
                Token::Start { name, attributes, is_empty } => Child::Start(Start {
                    element: Element::from_name(self.scanner.bytes(&name)),
                    is_empty,
                    name,
                    attributes,
                }),
            });
        }
    }

    /// The next child of the element that `parent` began; `None` at its end.
    pub(super) fn child_in(&mut self, parent: &Start) -> Result<Option<Start>, Problem> {
        if parent.is_empty {
            return Ok(None);
        }
        match self.child_of(parent.element)? {
            Child::Start(start) => Ok(Some(start)),
            Child::End => Ok(None),
        }
    }

    pub(super) fn attribute(&self, start: &Start, name: &[u8]) -> Option<&[u8]> {
        if start.attributes.is_empty() {
            return None;
        }
        attribute(self.scanner.bytes(&start.attributes), name)
    }

    /// The text of an element, still escaped. The element must hold one text and nothing else.
    fn raw_text(&mut self, start: &Start) -> Result<&[u8], Problem> {
        if start.is_empty {
            return Ok(&[]);
        }
        match self.scanner.text_and_end(start.element.name().as_bytes())? {
            Some(range) => Ok(self.scanner.bytes(&range)),
            None => Err(XmlError::Malformed("an element does not hold one plain text").into()),
        }
    }

    /// The text of an element.
    pub(super) fn text(&mut self, start: &Start) -> Result<Cow<'_, str>, Problem> {
        let raw = self.raw_text(start)?;
        match unescape(raw) {
            Some(Cow::Borrowed(plain)) => Ok(String::from_utf8_lossy(plain)),
            Some(Cow::Owned(text)) => Ok(Cow::Owned(String::from_utf8_lossy(&text).into_owned())),
            None => Err(Problem::Value(shown(raw))),
        }
    }

    /// A name, decoded if it says that it is percent-encoded.
    pub(super) fn name_into(
        &mut self,
        start: &Start,
        purpose: NameUse,
        name: &mut Name,
    ) -> Result<(), Problem> {
        let encoded = match self.attribute(start, b"percentencoded") {
            None | Some(b"false" | b"0") => false,
            Some(b"true" | b"1") => true,
            Some(other) => return Err(Problem::Value(shown(other))),
        };
        let raw = self.raw_text(start)?;
        let text = unescape(raw).ok_or_else(|| Problem::Value(shown(raw)))?;
        Ok(name.set_from_index(&text, encoded, purpose)?)
    }

    pub(super) fn number(&mut self, start: &Start) -> Result<u64, Problem> {
        let raw = self.raw_text(start)?;
        let digits = raw.trim_ascii_start();
        if digits.is_empty() || digits.len() > 20 {
            return Err(Problem::Value(shown(raw)));
        }
        digits
            .iter()
            .try_fold(0_u64, |value, byte| {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
                value.checked_mul(10)?.checked_add(digit)
            })
            .ok_or_else(|| Problem::Value(shown(raw)))
    }

    pub(super) fn number32(&mut self, start: &Start) -> Result<u32, Problem> {
        let number = self.number(start)?;
        u32::try_from(number).map_err(|_| Problem::Value(number.to_string()))
    }

    pub(super) fn boolean(&mut self, start: &Start) -> Result<bool, Problem> {
        match self.raw_text(start)? {
            b"true" | b"1" => Ok(true),
            b"false" | b"0" => Ok(false),
            other => Err(Problem::Value(shown(other))),
        }
    }

    pub(super) fn time(&mut self, start: &Start) -> Result<Timestamp, Problem> {
        let raw = self.raw_text(start)?;
        Timestamp::parse_text(raw).ok_or_else(|| Problem::Value(shown(raw)))
    }

    pub(super) fn partition(&mut self, start: &Start) -> Result<PartitionId, Problem> {
        let raw = self.raw_text(start)?;
        PartitionId::parse(raw).ok_or_else(|| Problem::Value(shown(raw)))
    }

    /// Passes over an element; its bytes are appended to `kept`, if given, with a final LF.
    pub(super) fn pass_over(
        &mut self,
        start: &Start,
        kept: Option<&mut Vec<u8>>,
    ) -> Result<(), Problem> {
        let mut raw = Vec::new();
        let mut open: Vec<Vec<u8>> = Vec::new();
        let mut token = Token::Start {
            name: start.name.clone(),
            attributes: start.attributes.clone(),
            is_empty: start.is_empty,
        };
        loop {
            match &token {
                Token::Start { name, attributes, is_empty } => {
                    let name = self.scanner.bytes(name);
                    raw.push(b'<');
                    raw.extend_from_slice(name);
                    raw.extend_from_slice(self.scanner.bytes(attributes));
                    raw.extend_from_slice(if *is_empty { b"/>" } else { b">" });
                    if !is_empty {
                        open.push(name.to_vec());
                    }
                }
                Token::End { name } => {
                    let name = self.scanner.bytes(name);
                    if open.pop().as_deref() != Some(name) {
                        return Err(XmlError::Malformed("an end tag has no start tag").into());
                    }
                    raw.extend_from_slice(b"</");
                    raw.extend_from_slice(name);
                    raw.push(b'>');
                }
                Token::Text(range) => raw.extend_from_slice(self.scanner.bytes(range)),
                Token::Eof => return Err(XmlError::Truncated.into()),
            }
            if open.len() > UNKNOWN_DEPTH_MAX {
                return Err(Problem::TooDeep);
            }
            if kept.is_none() {
                raw.clear();
            } else if raw.len() > super::xml::TOKEN_BYTES_MAX {
                return Err(XmlError::TooLong.into());
            }
            if open.is_empty() {
                break;
            }
            token = self.scanner.next()?;
        }
        if let Some(kept) = kept {
            if unescape_is_text(&raw) {
                kept.extend_from_slice(&raw);
                kept.push(b'\n');
            } else {
                return Err(XmlError::Malformed("an unknown element is not UTF-8").into());
            }
        }
        Ok(())
    }

    /// Nothing but white space may follow the root.
    pub(super) fn finish(&mut self) -> Result<(), Problem> {
        loop {
            match self.scanner.next()? {
                Token::Eof => return Ok(()),
                Token::Text(range) if self.scanner.bytes(&range).trim_ascii().is_empty() => {}
                _ => return Err(XmlError::Malformed("something follows the document").into()),
            }
        }
    }
}

fn unescape_is_text(raw: &[u8]) -> bool {
    std::str::from_utf8(raw).is_ok()
}

/// Text of a document as a message may show it.
pub(super) fn shown(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).chars().take(80).collect()
}
