//! What goes over an SFTP connection: version 3, as every server has it (draft-ietf-secsh-filexfer-02).
//!
//! Names and paths are bytes here. Libraries at hand make text of them, and a photograph whose name is no
//! UTF-8 could be listed and never opened.

use rustix::io::Errno;

use crate::system::sources::served::{Kind, Named, Status};

/// The version that is asked for.
pub(super) const VERSION: u32 = 3;
/// Longest packet that is taken. Servers send 256 KiB of data at most.
pub(super) const PACKET_BYTES_MAX: usize = 1 << 20;

const SSH_FXP_INIT: u8 = 1;
const SSH_FXP_VERSION: u8 = 2;
const SSH_FXP_OPEN: u8 = 3;
const SSH_FXP_CLOSE: u8 = 4;
const SSH_FXP_READ: u8 = 5;
const SSH_FXP_LSTAT: u8 = 7;
const SSH_FXP_OPENDIR: u8 = 11;
const SSH_FXP_READDIR: u8 = 12;
const SSH_FXP_REALPATH: u8 = 16;
const SSH_FXP_READLINK: u8 = 19;
const SSH_FXP_STATUS: u8 = 101;
const SSH_FXP_HANDLE: u8 = 102;
const SSH_FXP_DATA: u8 = 103;
const SSH_FXP_NAME: u8 = 104;
const SSH_FXP_ATTRS: u8 = 105;

/// Open for reading.
const SSH_FXF_READ: u32 = 1;

const SSH_FX_OK: u32 = 0;
const SSH_FX_EOF: u32 = 1;
const SSH_FX_NO_SUCH_FILE: u32 = 2;
const SSH_FX_PERMISSION_DENIED: u32 = 3;
const SSH_FX_NO_CONNECTION: u32 = 6;
const SSH_FX_CONNECTION_LOST: u32 = 7;
const SSH_FX_OP_UNSUPPORTED: u32 = 8;

const SSH_FILEXFER_ATTR_SIZE: u32 = 1;
const SSH_FILEXFER_ATTR_UIDGID: u32 = 2;
const SSH_FILEXFER_ATTR_PERMISSIONS: u32 = 4;
const SSH_FILEXFER_ATTR_ACMODTIME: u32 = 8;
const SSH_FILEXFER_ATTR_EXTENDED: u32 = 1 << 31;

const S_IFMT: u32 = 0o170_000;
const PERMISSIONS: u32 = 0o7777;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question<'a> {
    Open(&'a [u8]),
    Close(&'a [u8]),
    Read { handle: &'a [u8], offset: u64, length: u32 },
    Status(&'a [u8]),
    OpenFolder(&'a [u8]),
    ReadFolder(&'a [u8]),
    RealPath(&'a [u8]),
    LinkTarget(&'a [u8]),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    End,
    Refused(Errno),
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Names(Vec<Named>),
    Status(Status),
}

/// The first packet, with its length.
pub(super) fn hello() -> Vec<u8> {
    framed(&[&[SSH_FXP_INIT], &VERSION.to_be_bytes()])
}

/// The server's version, if that is what `packet` (without its length) says.
pub(super) fn version(packet: &[u8]) -> Option<u32> {
    let mut reader = Reader(packet);
    (reader.byte()? == SSH_FXP_VERSION).then(|| reader.number()).flatten()
}

impl Question<'_> {
    /// The packet, with its length.
    pub(super) fn packet(&self, id: u32) -> Vec<u8> {
        let id = id.to_be_bytes();
        let text = |kind: u8, text: &[u8], rest: &[&[u8]]| {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
            framed(&[&[&[kind][..], &id, &length, text], rest].concat())
        };
        match *self {
            Self::Open(path) => {
                let no_attributes = 0_u32.to_be_bytes();
                text(SSH_FXP_OPEN, path, &[&SSH_FXF_READ.to_be_bytes(), &no_attributes])
            }
            Self::Close(handle) => text(SSH_FXP_CLOSE, handle, &[]),
            Self::Read { handle, offset, length } => {
                text(SSH_FXP_READ, handle, &[&offset.to_be_bytes(), &length.to_be_bytes()])
            }
            Self::Status(path) => text(SSH_FXP_LSTAT, path, &[]),
            Self::OpenFolder(path) => text(SSH_FXP_OPENDIR, path, &[]),
            Self::ReadFolder(handle) => text(SSH_FXP_READDIR, handle, &[]),
            Self::RealPath(path) => text(SSH_FXP_REALPATH, path, &[]),
            Self::LinkTarget(path) => text(SSH_FXP_READLINK, path, &[]),
        }
    }
}

/// The id and the answer of a packet (without its length); nothing if it is malformed.
pub(super) fn answer(packet: &[u8]) -> Option<(u32, Answer)> {
    let mut reader = Reader(packet);
    let kind = reader.byte()?;
    let id = reader.number()?;
    let answer = match kind {
        SSH_FXP_STATUS => match reader.number()? {
            SSH_FX_OK => Answer::Done,
            SSH_FX_EOF => Answer::End,
            code => Answer::Refused(errno_of(code)),
        },
        SSH_FXP_HANDLE => Answer::Handle(reader.text()?.to_vec()),
        SSH_FXP_DATA => Answer::Data(reader.text()?.to_vec()),
        SSH_FXP_ATTRS => Answer::Status(reader.status()?),
        SSH_FXP_NAME => {
            let count = reader.number()?;
            let mut names = Vec::new();
            for _ in 0..count {
                let name = reader.text()?.to_vec();
                let _as_ls_shows_it = reader.text()?;
                names.push(Named { name, status: reader.status()? });
            }
            Answer::Names(names)
        }
        _ => return None,
    };
    Some((id, answer))
}

fn errno_of(code: u32) -> Errno {
    match code {
        SSH_FX_NO_SUCH_FILE => Errno::NOENT,
        SSH_FX_PERMISSION_DENIED => Errno::ACCESS,
        SSH_FX_NO_CONNECTION | SSH_FX_CONNECTION_LOST => Errno::NOTCONN,
        SSH_FX_OP_UNSUPPORTED => Errno::OPNOTSUPP,
        _ => Errno::IO,
    }
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [&[&length[..]], parts].concat().concat()
}

/// Takes a packet apart from its front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn long_number(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn status(&mut self) -> Option<Status> {
        let flags = self.number()?;
        let has = |flag| flags & flag != 0;
        let size_bytes = if has(SSH_FILEXFER_ATTR_SIZE) { self.long_number()? } else { 0 };
        let (user, group) = match has(SSH_FILEXFER_ATTR_UIDGID) {
            true => (self.number()?, self.number()?),
            false => (0, 0),
        };
        let mode = if has(SSH_FILEXFER_ATTR_PERMISSIONS) { self.number()? } else { 0 };
        let (accessed, modified) = match has(SSH_FILEXFER_ATTR_ACMODTIME) {
            true => (u64::from(self.number()?), u64::from(self.number()?)),
            false => (0, 0),
        };
        if has(SSH_FILEXFER_ATTR_EXTENDED) {
            for _ in 0..self.number()? {
                let (_name, _value) = (self.text()?, self.text()?);
            }
        }
        let permissions = u16::try_from(mode & PERMISSIONS).ok()?;
        let kind = kind_of(mode & S_IFMT);
        Some(Status { kind, mode: permissions, user, group, size_bytes, accessed, modified })
    }
}

/// A server that names no kind has files.
fn kind_of(kind: u32) -> Kind {
    match kind {
        0o040_000 => Kind::Folder,
        0o120_000 => Kind::Link,
        0o010_000 => Kind::Pipe,
        0o140_000 => Kind::Socket,
        0o020_000 => Kind::CharacterDevice,
        0o060_000 => Kind::BlockDevice,
        _ => Kind::File,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_question_is_what_the_draft_says() {
        let read = Question::Read { handle: b"h", offset: 0x0102, length: 3 };
        let packet = [
            0,
            0,
            0,
            22,
            SSH_FXP_READ,
            0,
            0,
            0,
            9,
            0,
            0,
            0,
            1,
            b'h',
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            2,
            0,
            0,
            0,
            3,
        ];
        assert_eq!(read.packet(9), packet);
        let open = Question::Open(b"\xe9").packet(1);
        let packet =
            [0, 0, 0, 18, SSH_FXP_OPEN, 0, 0, 0, 1, 0, 0, 0, 1, 0xe9, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(open, packet);
    }

    #[test]
    fn names_are_bytes_and_their_status_is_read_whatever_is_left_out() {
        let mut packet = vec![SSH_FXP_NAME, 0, 0, 0, 7, 0, 0, 0, 2];
        packet.extend([0, 0, 0, 1, 0xe9, 0, 0, 0, 0]);
        packet.extend((SSH_FILEXFER_ATTR_SIZE | SSH_FILEXFER_ATTR_PERMISSIONS).to_be_bytes());
        packet.extend(5_u64.to_be_bytes());
        packet.extend(0o100_640_u32.to_be_bytes());
        packet.extend([0, 0, 0, 1, b'd', 0, 0, 0, 0]);
        packet.extend(SSH_FILEXFER_ATTR_EXTENDED.to_be_bytes());
        packet.extend([0, 0, 0, 1, 0, 0, 0, 1, b'x', 0, 0, 0, 1, b'y']);
        let (id, Answer::Names(names)) = answer(&packet).unwrap() else { panic!() };
        assert_eq!((id, names.len()), (7, 2));
        assert_eq!(names[0].name, [0xe9]);
        let status = names[0].status;
        assert_eq!((status.kind, status.size_bytes, status.mode), (Kind::File, 5, 0o640));
    }

    proptest! {
        #[test]
        fn no_packet_is_too_strange(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = answer(&packet);
            let _ = version(&packet);
        }
    }
}
