//! What is known of a file besides its bytes: path, kind, metadata.
//!
//! Sources find it, manifests and the catalog keep it, restores put it back, so all four share these
//! types. Paths and names are raw bytes, because a Linux name need not be UTF-8 and losing one file
//! with an odd name would be losing a file.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::owner_name;
use super::timestamp::Timestamp;

/// Path of a thing within a run: raw bytes, relative, components separated by one `/`.
///
/// For a local source it is the absolute path without its leading `/`, so two roots never collide.
/// The empty path is the top of the tree. Never holds an empty component, `.`, `..` or NUL, so
/// joining it to a folder cannot lead out of that folder. Ordered as a walk meets it: depth first,
/// raw bytes within a directory; `a/b` therefore stands before `a-b`.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize)]
pub struct SourcePath(#[serde(with = "serde_bytes")] Box<[u8]>);

/// Why bytes are not a path within a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{}\" is not a relative path: no leading '/', no empty, '.' or '..' part, no NUL",
    .0.escape_ascii()
)]
pub struct SourcePathError(pub Vec<u8>);

impl SourcePath {
    /// The top of the tree.
    #[must_use]
    pub fn top() -> Self {
        Self::default()
    }

    /// Checks and takes the bytes of a relative path.
    ///
    /// # Errors
    /// When a component is empty, `.`, `..` or holds NUL.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, SourcePathError> {
        let bytes = bytes.into();
        if bytes.is_empty() || bytes.split(|&b| b == b'/').all(is_component) {
            Ok(Self(bytes.into_boxed_slice()))
        } else {
            Err(SourcePathError(bytes))
        }
    }

    /// Takes an absolute path without `.` and `..` parts: the form that `canonicalize` gives.
    ///
    /// # Errors
    /// As [`SourcePath::from_bytes`], and when the path is not absolute.
    pub fn from_absolute(path: &Path) -> Result<Self, SourcePathError> {
        let bytes = path.as_os_str().as_bytes();
        match bytes.strip_prefix(b"/") {
            Some(relative) => Self::from_bytes(relative),
            None => Err(SourcePathError(bytes.to_vec())),
        }
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if the path is UTF-8.
    #[must_use]
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The relative path for system calls.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The absolute path on this machine for a path of a local source.
    #[must_use]
    pub fn to_absolute(&self) -> PathBuf {
        Path::new("/").join(self.as_path())
    }

    /// True for the top of the tree.
    #[must_use]
    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts, first to last; none for the top.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|part| !part.is_empty())
    }

    /// The last part; empty for the top.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.0.iter().rposition(|&b| b == b'/').map_or(&self.0, |at| &self.0[at + 1..])
    }

    /// The directory that holds this; nothing for the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_top() {
            return None;
        }
        let end = self.0.iter().rposition(|&b| b == b'/').unwrap_or(0);
        Some(Self(self.0[..end].into()))
    }

    /// This path and one more part.
    ///
    /// # Errors
    /// When `name` is no single part.
    pub fn join(&self, name: &[u8]) -> Result<Self, SourcePathError> {
        if !is_component(name) || name.contains(&b'/') {
            return Err(SourcePathError(name.to_vec()));
        }
        if self.is_top() {
            return Ok(Self(name.into()));
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        Ok(Self(bytes.into_boxed_slice()))
    }

    /// True if this is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &Self) -> bool {
        ancestor.is_top()
            || self
                .0
                .strip_prefix(&*ancestor.0)
                .is_some_and(|rest| rest.first().is_none_or(|&b| b == b'/'))
    }
}

fn is_component(part: &[u8]) -> bool {
    !part.is_empty() && part != b"." && part != b".." && !part.contains(&0)
}

impl Ord for SourcePath {
    fn cmp(&self, other: &Self) -> Ordering {
        let differs = self.0.iter().zip(&*other.0).position(|(mine, theirs)| mine != theirs);
        // A separator ends a name, so it sorts before every byte that a name can hold.
        let weight = |byte: u8| if byte == b'/' { 0 } else { byte };
        match differs {
            Some(at) => weight(self.0[at]).cmp(&weight(other.0[at])),
            None => self.0.len().cmp(&other.0.len()),
        }
    }
}

impl PartialOrd for SourcePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'de> Deserialize<'de> for SourcePath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        Self::from_bytes(bytes.into_vec()).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for SourcePath {
    /// For people: control characters and bytes that are no UTF-8 are shown escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() {
                    write!(f, "{}", c.escape_default())?;
                } else {
                    fmt::Write::write_char(f, c)?;
                }
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        Ok(())
    }
}

impl fmt::Debug for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Major and minor number of a device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceNumber {
    /// Which driver.
    pub major: u32,
    /// Which device of it.
    pub minor: u32,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; the target as raw bytes, never followed.
    Symlink {
        /// What the link says, not checked and perhaps pointing nowhere.
        #[serde(with = "serde_bytes")]
        target: Box<[u8]>,
    },
    /// A named pipe.
    Fifo,
    /// A Unix socket.
    Socket,
    /// A character device.
    CharacterDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
}

impl FileKind {
    /// True for a regular file: the only kind with content to keep.
    #[must_use]
    pub fn has_content(&self) -> bool {
        matches!(self, Self::File)
    }

    /// The word for people: "file", "directory", "symbolic link"…
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink { .. } => "symbolic link",
            Self::Fifo => "named pipe",
            Self::Socket => "socket",
            Self::CharacterDevice(_) => "character device",
            Self::BlockDevice(_) => "block device",
        }
    }
}

/// The four times of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileTimes {
    /// Last change of the content.
    pub modified: Timestamp,
    /// Last change of content or metadata. Cannot be restored: the kernel sets it.
    pub changed: Timestamp,
    /// Last read.
    pub accessed: Timestamp,
    /// When it was made, where the file system knows. Cannot be restored on Linux.
    pub created: Option<Timestamp>,
}

/// One extended attribute. POSIX ACLs and capabilities are attributes too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Xattr {
    /// Full name with its namespace, as `user.comment`, `system.posix_acl_access`.
    #[serde(with = "serde_bytes")]
    pub name: Box<[u8]>,
    /// Raw value.
    #[serde(with = "serde_bytes")]
    pub value: Box<[u8]>,
}

/// Who may do what with a file, its times and attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileMetadata {
    /// Permission bits with set-user-id, set-group-id and sticky: 0 to 0o7777.
    pub mode: u32,
    /// Owner's number.
    pub uid: u32,
    /// Group's number.
    pub gid: u32,
    /// Owner's name on the source, where it had one.
    #[serde(default, deserialize_with = "owner_name::deserialize")]
    pub user: Option<Arc<str>>,
    /// Group's name on the source, where it had one.
    #[serde(default, deserialize_with = "owner_name::deserialize")]
    pub group: Option<Arc<str>>,
    /// Times.
    pub times: FileTimes,
    /// Extended attributes, in the order in which the file system lists them.
    pub xattrs: Vec<Xattr>,
}

/// A stretch of a sparse file that holds data; what lies between stretches is a hole of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataSegment {
    /// First byte.
    pub offset: u64,
    /// Count of bytes, at least 1.
    pub length: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::from_bytes(text).unwrap()
    }

    #[test]
    fn no_path_leads_upwards_or_starts_at_the_root() {
        for bad in ["/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "./a", "a\0b", "/"] {
            assert!(SourcePath::from_bytes(bad).is_err(), "{bad:?}");
        }
        assert!(path("a").join(b"..").is_err());
        assert!(path("a").join(b"b/c").is_err());
        assert!(SourcePath::from_absolute(Path::new("a/b")).is_err());
        assert_eq!(SourcePath::from_absolute(Path::new("/")).unwrap(), SourcePath::top());
    }

    #[test]
    fn parts_name_and_parent_agree() {
        let deep = path("home/ann/...");
        assert_eq!(deep.name(), b"...");
        assert_eq!(deep.parent(), Some(path("home/ann")));
        assert_eq!(path("home").parent(), Some(SourcePath::top()));
        assert_eq!(SourcePath::top().parent(), None);
        assert_eq!(deep.components().count(), 3);
        assert_eq!(SourcePath::top().components().count(), 0);
        assert_eq!(path("home/ann").join(b"...").unwrap(), deep);
        assert_eq!(deep.to_absolute(), Path::new("/home/ann/..."));
    }

    #[test]
    fn the_order_is_that_of_a_walk() {
        let sorted = ["", "a", "a/b", "a/b/c", "a/c", "a\x01", "a-b", "a0", "b"].map(path);
        for (index, earlier) in sorted.iter().enumerate() {
            for later in &sorted[index + 1..] {
                assert!(earlier < later, "{earlier:?} {later:?}");
            }
        }
    }

    #[test]
    fn within_means_at_a_border_between_parts() {
        assert!(path("a/b").is_within(&path("a")));
        assert!(path("a").is_within(&path("a")));
        assert!(path("a").is_within(&SourcePath::top()));
        assert!(!path("ab").is_within(&path("a")));
    }

    #[test]
    fn odd_bytes_are_shown_escaped() {
        let odd = SourcePath::from_bytes(b"caf\xe9/a\nb/\xc3\xa9".to_vec()).unwrap();
        assert_eq!(odd.to_string(), "caf\\xe9/a\\nb/é");
        assert_eq!(odd.to_str(), None);
    }
}
