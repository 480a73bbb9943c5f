//! Reading an index as a stream of events, in memory for one entry.

use std::io::Read;

use crate::ltfs::elements::{Child, DocumentError, Element, Elements, Problem, Seen};
use crate::ltfs::version::FormatVersion;
use crate::ltfs::xml::XmlError;

use super::body::{self, Contents};
use super::head::{empty_header, header_child, require_header};
use super::usual;
use super::{DirectoryEntry, FileEntry, IndexEvent, IndexHeader, ROOT_UID};

/// Deepest nesting of directories. The reference stops at about 1000 (libxml2 at 2048 elements).
const DIRECTORY_DEPTH_MAX: usize = 4096;

/// Pulls events out of an index.
///
/// After an error it gives nothing more than errors. Memory does not depend on the size of the
/// index, nor on its depth beyond one word a level.
#[derive(Debug)]
pub struct IndexReader<R> {
    elements: Elements<R>,
    header: IndexHeader,
    header_seen: Seen,
    directory: DirectoryEntry,
    file: FileEntry,
    trailing: Vec<u8>,
    /// For each open directory, what stood before its contents.
    open: Vec<Seen>,
    state: State,
    /// Where to go on when the header, and then the root directory, have been handed out.
    behind_root_tag: State,
    /// The next `fileuid` for volumes of versions that had none.
    implied_uid: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Root,
    Contents,
    BehindContents,
    Tail,
    Done,
    Failed,
}

/// What happened, while the entry it is about lies in the reader.
enum Step {
    Header,
    Enter,
    File,
    Leave,
    End,
}

impl<R: Read> IndexReader<R> {
    /// Opens an index: its declaration and root element.
    ///
    /// # Errors
    /// When it is no index, or of a version that the format does not allow.
    pub fn open(input: R) -> Result<Self, DocumentError> {
        let (elements, version) = Elements::open(input, Element::LtfsIndex).map_err(|problem| {
            DocumentError { offset: 0, element: Element::LtfsIndex.name(), problem }
        })?;
        Ok(Self {
            elements,
            header: IndexHeader { version, ..empty_header() },
            header_seen: Seen::default(),
            directory: DirectoryEntry::default(),
            file: FileEntry::default(),
            trailing: Vec::new(),
            open: Vec::new(),
            state: State::Header,
            behind_root_tag: State::Contents,
            implied_uid: ROOT_UID,
        })
    }

    /// The next event. After [`IndexEvent::End`] it is `End` again.
    ///
    /// # Errors
    /// On everything that makes the reference refuse the index, with the place.
    #[expect(clippy::should_implement_trait, reason = "events lend from the reader")]
    pub fn next(&mut self) -> Result<IndexEvent<'_>, DocumentError> {
        let step = match self.step() {
            Ok(step) => step,
            Err((element, problem)) => {
                let offset = self.elements.offset();
                self.state = State::Failed;
                return Err(DocumentError { offset, element: element.name(), problem });
            }
        };
        Ok(match step {
            Step::Header => IndexEvent::Header(&self.header),
            Step::Enter => IndexEvent::EnterDirectory(&self.directory),
            Step::File => IndexEvent::File(&self.file),
            Step::Leave => IndexEvent::LeaveDirectory(&self.trailing),
            Step::End => IndexEvent::End(&self.header),
        })
    }

    /// Bytes read so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.elements.offset()
    }

    fn step(&mut self) -> Result<Step, (Element, Problem)> {
        match self.state {
            State::Header => self.until_root(),
            State::Root => {
                self.state = self.behind_root_tag;
                Ok(Step::Enter)
            }
            State::Contents => self.in_contents(),
            State::BehindContents => {
                self.until_left().map_err(|problem| (Element::Directory, problem))
            }
            State::Tail => self.until_end().map_err(|problem| (Element::LtfsIndex, problem)),
            State::Done => Ok(Step::End),
            State::Failed => Err((
                Element::LtfsIndex,
                XmlError::Malformed("reading stopped at an earlier error").into(),
            )),
        }
    }

    fn until_root(&mut self) -> Result<Step, (Element, Problem)> {
        let in_head = |problem| (Element::LtfsIndex, problem);
        loop {
            let child = self.elements.child_of(Element::LtfsIndex).map_err(in_head)?;
            let Child::Start(start) = child else {
                return Err(in_head(Problem::Missing(Element::Directory.name())));
            };
            if start.element == Element::Directory {
                self.header_seen.add(Element::Directory).map_err(in_head)?;
                self.enter(&start).map_err(|problem| (Element::Directory, problem))?;
                self.behind_root_tag = self.state;
                self.state = State::Root;
                return Ok(Step::Header);
            }
            header_child(&mut self.elements, &start, &mut self.header, &mut self.header_seen)
                .map_err(in_head)?;
        }
    }

    fn enter(&mut self, start: &crate::ltfs::elements::Start) -> Result<(), Problem> {
        if self.open.len() >= DIRECTORY_DEPTH_MAX {
            return Err(Problem::TooDeep);
        }
        let is_root = self.open.is_empty();
        let version = self.header.version;
        let (contents, seen) =
            body::directory(&mut self.elements, start, version, is_root, &mut self.directory)?;
        self.directory.uid = self.checked_uid(self.directory.uid);
        self.open.push(seen);
        self.trailing.clear();
        self.state = match contents {
            Contents::Follow => State::Contents,
            Contents::Empty => State::BehindContents,
        };
        Ok(())
    }

    fn in_contents(&mut self) -> Result<Step, (Element, Problem)> {
        loop {
            if let Some(length) = usual::file(self.elements.waiting(), &mut self.file) {
                self.elements.pass(length);
                self.file.uid = self.checked_uid(self.file.uid);
                return Ok(Step::File);
            }
            let child = self.elements.child_of(Element::Contents);
            match child.map_err(|problem| (Element::Contents, problem))? {
                Child::End => {
                    self.trailing.clear();
                    self.state = State::BehindContents;
                    return self.step();
                }
                Child::Start(start) => match start.element {
                    Element::File => {
                        let version = self.header.version;
                        body::file(&mut self.elements, &start, version, &mut self.file)
                            .map_err(|problem| (Element::File, problem))?;
                        self.file.uid = self.checked_uid(self.file.uid);
                        return Ok(Step::File);
                    }
                    Element::Directory => {
                        self.enter(&start).map_err(|problem| (Element::Directory, problem))?;
                        return Ok(Step::Enter);
                    }
                    element => self
                        .elements
                        .pass_over(&start, None)
                        .map_err(|problem| (element, problem))?,
                },
            }
        }
    }

    fn until_left(&mut self) -> Result<Step, Problem> {
        let seen = self.open.last().copied().unwrap_or_default();
        while body::behind_contents(&mut self.elements, seen, &mut self.trailing)? {}
        self.open.pop();
        self.state = if self.open.is_empty() { State::Tail } else { State::Contents };
        Ok(Step::Leave)
    }

    fn until_end(&mut self) -> Result<Step, Problem> {
        while let Child::Start(start) = self.elements.child_of(Element::LtfsIndex)? {
            if start.element == Element::Directory {
                return Err(Problem::Duplicate(Element::Directory.name()));
            }
            header_child(&mut self.elements, &start, &mut self.header, &mut self.header_seen)?;
        }
        self.elements.finish()?;
        require_header(self.header_seen, self.header.version)?;
        self.state = State::Done;
        Ok(Step::End)
    }

    /// Keeps the highest number; gives one out on volumes of versions that had none.
    fn checked_uid(&mut self, uid: u64) -> u64 {
        let uid = if uid == 0 && self.header.version < FormatVersion::WITH_UIDS {
            let implied = self.implied_uid;
            self.implied_uid += 1;
            implied
        } else {
            uid
        };
        self.header.highest_uid = self.header.highest_uid.max(uid);
        uid
    }
}
