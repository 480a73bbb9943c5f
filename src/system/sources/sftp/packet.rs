//! What goes over an SFTP connection: version 3, as every server has it (draft-ietf-secsh-filexfer-02).
//!
//! Names and paths are bytes here. Libraries at hand make text of them, and a photograph whose name is no
//! UTF-8 could be listed and never opened.

use rustix::io::Errno;

use crate::system::sources::served::{Kind, Named, Room, Status};

/// The version that is asked for.
pub(super) const VERSION: u32 = 3;
/// Longest packet that is taken. Servers send 256 KiB of data at most.
pub(super) const PACKET_BYTES_MAX: usize = 1 << 20;

const SSH_FXP_INIT: u8 = 1;
const SSH_FXP_VERSION: u8 = 2;
const SSH_FXP_OPEN: u8 = 3;
const SSH_FXP_CLOSE: u8 = 4;
const SSH_FXP_READ: u8 = 5;
const SSH_FXP_WRITE: u8 = 6;
const SSH_FXP_LSTAT: u8 = 7;
const SSH_FXP_SETSTAT: u8 = 9;
const SSH_FXP_OPENDIR: u8 = 11;
const SSH_FXP_READDIR: u8 = 12;
const SSH_FXP_REMOVE: u8 = 13;
const SSH_FXP_MKDIR: u8 = 14;
const SSH_FXP_RMDIR: u8 = 15;
const SSH_FXP_REALPATH: u8 = 16;
const SSH_FXP_RENAME: u8 = 18;
const SSH_FXP_READLINK: u8 = 19;
const SSH_FXP_SYMLINK: u8 = 20;
const SSH_FXP_STATUS: u8 = 101;
const SSH_FXP_HANDLE: u8 = 102;
const SSH_FXP_DATA: u8 = 103;
const SSH_FXP_NAME: u8 = 104;
const SSH_FXP_ATTRS: u8 = 105;
const SSH_FXP_EXTENDED: u8 = 200;
const SSH_FXP_EXTENDED_REPLY: u8 = 201;

const SSH_FXF_READ: u32 = 1;
const SSH_FXF_WRITE: u32 = 2;
const SSH_FXF_CREAT: u32 = 8;
const SSH_FXF_EXCL: u32 = 0x20;

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

/// What OpenSSH's server can do beside; others have some of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    /// Renames over what is there.
    PosixRename,
    HardLink,
    Fsync,
    /// Changes a link and not what it leads to.
    LinkSetStatus,
    Statvfs,
}

impl Extension {
    /// By its name, if it is one that is used here.
    pub(super) const ALL: [Self; 5] =
        [Self::PosixRename, Self::HardLink, Self::Fsync, Self::LinkSetStatus, Self::Statvfs];

    fn name(self) -> &'static [u8] {
        match self {
            Self::PosixRename => b"posix-rename@openssh.com",
            Self::HardLink => b"hardlink@openssh.com",
            Self::Fsync => b"fsync@openssh.com",
            Self::LinkSetStatus => b"lsetstat@openssh.com",
            Self::Statvfs => b"statvfs@openssh.com",
        }
    }
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
    /// A new file with these permissions.
    Create(u16),
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question<'a> {
    Open(&'a [u8], Purpose),
    Close(&'a [u8]),
    Read {
        handle: &'a [u8],
        offset: u64,
        length: u32,
    },
    Write {
        handle: &'a [u8],
        offset: u64,
        bytes: &'a [u8],
    },
    Remove(&'a [u8]),
    RemoveFolder(&'a [u8]),
    MakeFolder(&'a [u8], u16),
    /// The link's target and the link.
    MakeLink(&'a [u8], &'a [u8]),
    /// Does not replace what is there.
    Rename(&'a [u8], &'a [u8]),
    Change(&'a [u8], &'a Attributes),
    /// With one path or handle, and a second.
    Extended(Extension, &'a [u8], Option<&'a [u8]>),
    ChangeLink(&'a [u8], &'a Attributes),
    Status(&'a [u8]),
    OpenFolder(&'a [u8]),
    ReadFolder(&'a [u8]),
    RealPath(&'a [u8]),
    LinkTarget(&'a [u8]),
}

/// What a thing is to become. A server wants user and group together, and both times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) size_bytes: Option<u64>,
    pub(super) owner: Option<(u32, u32)>,
    pub(super) mode: Option<u16>,
    /// Of access and change.
    pub(super) times: Option<(u32, u32)>,
}

impl Attributes {
    fn bytes(&self) -> Vec<u8> {
        let (mut flags, mut rest) = (0, Vec::new());
        if let Some(size) = self.size_bytes {
            flags |= SSH_FILEXFER_ATTR_SIZE;
            rest.extend(size.to_be_bytes());
        }
        if let Some((user, group)) = self.owner {
            flags |= SSH_FILEXFER_ATTR_UIDGID;
            rest.extend([user.to_be_bytes(), group.to_be_bytes()].concat());
        }
        if let Some(mode) = self.mode {
            flags |= SSH_FILEXFER_ATTR_PERMISSIONS;
            rest.extend(u32::from(mode).to_be_bytes());
        }
        if let Some((accessed, modified)) = self.times {
            flags |= SSH_FILEXFER_ATTR_ACMODTIME;
            rest.extend([accessed.to_be_bytes(), modified.to_be_bytes()].concat());
        }
        [&flags.to_be_bytes()[..], &rest].concat()
    }
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
    Room(Room),
}

/// The first packet, with its length.
pub(super) fn hello() -> Vec<u8> {
    framed(&[&[SSH_FXP_INIT], &VERSION.to_be_bytes()])
}

/// The server's version and what it can do beside, if that is what `packet` (without its length) says.
pub(super) fn version(packet: &[u8]) -> Option<(u32, Vec<Extension>)> {
    let mut reader = Reader(packet);
    if reader.byte()? != SSH_FXP_VERSION {
        return None;
    }
    let version = reader.number()?;
    let mut extensions = Vec::new();
    while let Some(name) = reader.text() {
        let _its_version = reader.text()?;
        extensions.extend(Extension::ALL.into_iter().find(|known| known.name() == name));
    }
    Some((version, extensions))
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
            Self::Open(path, purpose) => {
                let (flags, mode) = match purpose {
                    Purpose::Read => (SSH_FXF_READ, None),
                    Purpose::Write => (SSH_FXF_READ | SSH_FXF_WRITE, None),
                    Purpose::Create(mode) => {
                        let flags = SSH_FXF_READ | SSH_FXF_WRITE | SSH_FXF_CREAT | SSH_FXF_EXCL;
                        (flags, Some(mode))
                    }
                };
                let attributes = Attributes { mode, ..Attributes::default() }.bytes();
                text(SSH_FXP_OPEN, path, &[&flags.to_be_bytes(), &attributes])
            }
            Self::Write { handle, offset, bytes } => {
                text(SSH_FXP_WRITE, handle, &[&offset.to_be_bytes(), &counted(bytes)])
            }
            Self::Remove(path) => text(SSH_FXP_REMOVE, path, &[]),
            Self::RemoveFolder(path) => text(SSH_FXP_RMDIR, path, &[]),
            Self::MakeFolder(path, mode) => {
                let attributes = Attributes { mode: Some(mode), ..Attributes::default() };
                text(SSH_FXP_MKDIR, path, &[&attributes.bytes()])
            }
            // In the order of OpenSSH's server, which all others have taken over from it.
            Self::MakeLink(target, link) => text(SSH_FXP_SYMLINK, target, &[&counted(link)]),
            Self::Rename(from, to) => text(SSH_FXP_RENAME, from, &[&counted(to)]),
            Self::Change(path, attributes) => text(SSH_FXP_SETSTAT, path, &[&attributes.bytes()]),
            Self::Extended(extension, first, second) => {
                let second = second.map(counted).unwrap_or_default();
                text(SSH_FXP_EXTENDED, extension.name(), &[&counted(first), &second])
            }
            Self::ChangeLink(path, attributes) => {
                let name = Extension::LinkSetStatus.name();
                text(SSH_FXP_EXTENDED, name, &[&counted(path), &attributes.bytes()])
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
        // Only room is asked for in this way.
        SSH_FXP_EXTENDED_REPLY => Answer::Room(reader.room()?),
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

/// A text with its length before it.
fn counted(text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), text].concat()
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

    /// Block size, size of a fragment, and fragments: all, free, free for users.
    fn room(&mut self) -> Option<Room> {
        let (_block, fragment) = (self.long_number()?, self.long_number()?);
        let (all, _free) = (self.long_number()?, self.long_number()?);
        let free = self.long_number()?;
        let bytes = |fragments: u64| fragments.saturating_mul(fragment);
        Some(Room { all_bytes: bytes(all), free_bytes: bytes(free) })
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
        let open = Question::Open(b"\xe9", Purpose::Read).packet(1);
        let packet =
            [0, 0, 0, 18, SSH_FXP_OPEN, 0, 0, 0, 1, 0, 0, 0, 1, 0xe9, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(open, packet);
        let rename = Question::Extended(Extension::PosixRename, b"a", Some(b"b")).packet(2);
        let named = [
            &[0, 0, 0, 24][..],
            b"posix-rename@openssh.com",
            &[0, 0, 0, 1, b'a', 0, 0, 0, 1, b'b'],
        ];
        assert_eq!(rename[9..], named.concat());
    }

    #[test]
    fn a_server_says_what_it_can_do_beside() {
        let mut packet = vec![SSH_FXP_VERSION, 0, 0, 0, 3];
        for text in ["fsync@openssh.com", "1", "other@example", "7"] {
            packet.extend(counted(text.as_bytes()));
        }
        assert_eq!(version(&packet), Some((3, vec![Extension::Fsync])));
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
