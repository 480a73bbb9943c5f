//! What the catalog keeps of an entry beside its size and times, as JSON.
//!
//! Two texts: what many files share (mode and owner) and what is an entry's own (link target, extended
//! attributes, sparse map). The catalog stores the first once for all that have it. JSON, because a
//! catalog outlives the release that wrote it; unknown fields are ignored, missing ones have defaults.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog;
use crate::domain::{
    DataSegment, DeviceNumber, FileKind, FileMetadata, FileTimes, SourcePath, Timestamp, Xattr,
};
use crate::source::Entry;

/// What many entries share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Shared {
    mode: u32,
    uid: u32,
    gid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Arc<str>>,
}

/// What is an entry's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Own {
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hard_link_of: Option<Hex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    character_device: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_device: Option<(u32, u32)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    xattrs: Vec<(Hex, Hex)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<(u64, u64)>>,
}

/// Bytes as hexadecimal text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Hex(#[serde(with = "hex::serde")] Vec<u8>);

/// A description cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// No JSON of ours.
    #[error("the catalog's description of \"{path}\" cannot be understood")]
    Json {
        /// Whose.
        path: SourcePath,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A symbolic link without a target, a device without numbers, a path that leads upwards.
    #[error("the catalog's description of \"{path}\" lacks what a {kind} needs")]
    Lacking {
        /// Whose.
        path: SourcePath,
        /// The kind's name.
        kind: &'static str,
    },
}

/// The text of what an entry shares with others. Most have the one of the entry before: it is made anew
/// only where it differs.
#[derive(Debug, Default)]
pub(crate) struct SharedText {
    of: Shared,
    /// Empty before the first.
    text: Vec<u8>,
}

impl SharedText {
    /// That of an entry.
    pub(crate) fn of(&mut self, metadata: &FileMetadata) -> &[u8] {
        let FileMetadata { mode, uid, gid, user, group, .. } = metadata;
        let last = (&self.of.mode, &self.of.uid, &self.of.gid, &self.of.user, &self.of.group);
        if self.text.is_empty() || last != (mode, uid, gid, user, group) {
            let (user, group) = (user.clone(), group.clone());
            self.of = Shared { mode: *mode, uid: *uid, gid: *gid, user, group };
            self.text = encode(&self.of);
        }
        &self.text
    }
}

/// The text of what is the entry's own; nothing for most.
#[must_use]
pub(crate) fn encode_own(entry: &Entry) -> Option<Vec<u8>> {
    let segments = entry.data_segments.as_deref();
    encode_own_of(&entry.kind, entry.hard_link_of.as_ref(), &entry.metadata, segments)
}

/// The same from the parts of an entry, as a manifest holds them.
#[must_use]
pub(crate) fn encode_own_of(
    kind: &FileKind,
    hard_link_of: Option<&SourcePath>,
    metadata: &FileMetadata,
    data_segments: Option<&[DataSegment]>,
) -> Option<Vec<u8>> {
    let numbers = |device: DeviceNumber| (device.major, device.minor);
    let own = Own {
        target: match kind {
            FileKind::Symlink { target } => Some(Hex(target.to_vec())),
            _ => None,
        },
        hard_link_of: hard_link_of.map(|path| Hex(path.as_bytes().to_vec())),
        character_device: match kind {
            FileKind::CharacterDevice(device) => Some(numbers(*device)),
            _ => None,
        },
        block_device: match kind {
            FileKind::BlockDevice(device) => Some(numbers(*device)),
            _ => None,
        },
        xattrs: metadata
            .xattrs
            .iter()
            .map(|xattr| (Hex(xattr.name.to_vec()), Hex(xattr.value.to_vec())))
            .collect(),
        segments: data_segments
            .map(|segments| segments.iter().map(|s| (s.offset, s.length)).collect()),
    };
    (own != Own::default()).then(|| encode(&own))
}

/// The catalog's word for what the entry is.
#[must_use]
pub(crate) fn catalog_kind(entry: &Entry) -> catalog::FileKind {
    catalog_kind_of(&entry.kind, entry.hard_link_of.as_ref())
}

/// The same from the parts of an entry, as a manifest holds them.
#[must_use]
pub(crate) fn catalog_kind_of(
    kind: &FileKind,
    hard_link_of: Option<&SourcePath>,
) -> catalog::FileKind {
    match kind {
        FileKind::File if hard_link_of.is_some() => catalog::FileKind::HardLink,
        FileKind::File => catalog::FileKind::File,
        FileKind::Directory => catalog::FileKind::Directory,
        FileKind::Symlink { .. } => catalog::FileKind::Symlink,
        FileKind::Fifo => catalog::FileKind::Fifo,
        FileKind::Socket => catalog::FileKind::Socket,
        FileKind::CharacterDevice(_) | FileKind::BlockDevice(_) => catalog::FileKind::Device,
    }
}

/// An entry as the catalog describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    /// What it is.
    pub kind: FileKind,
    /// Owner, mode, times, attributes.
    pub metadata: FileMetadata,
    /// The entry whose content it shares.
    pub hard_link_of: Option<SourcePath>,
    /// For a sparse file the stretches with data.
    pub data_segments: Option<Vec<DataSegment>>,
}

/// Understands the catalog's descriptions, one after the other. Files that come together mostly share
/// theirs, which is read once for all of them.
#[derive(Debug, Default)]
pub(crate) struct Describer {
    last: Option<(Vec<u8>, Shared)>,
}

impl Describer {
    /// Puts together what the catalog keeps of one version.
    ///
    /// # Errors
    /// If a text cannot be understood or lacks what the kind needs.
    pub(crate) fn describe(
        &mut self,
        path: &SourcePath,
        located: &catalog::LocatedCopy,
    ) -> Result<Described, DescriptionError> {
        let json = |source| DescriptionError::Json { path: path.clone(), source };
        let shared = self.shared(&located.attributes).map_err(json)?;
        let own = match &located.detail {
            None => Own::default(),
            Some(text) => serde_json::from_slice(text).map_err(json)?,
        };
        join(path, &located.version, shared, own)
    }

    fn shared(&mut self, text: &[u8]) -> Result<Shared, serde_json::Error> {
        match &self.last {
            _ if text.is_empty() => Ok(Shared::default()),
            Some((known, shared)) if known == text => Ok(shared.clone()),
            _ => {
                let shared: Shared = serde_json::from_slice(text)?;
                self.last = Some((text.to_vec(), shared.clone()));
                Ok(shared)
            }
        }
    }
}

fn join(
    path: &SourcePath,
    version: &catalog::FileVersion,
    shared: Shared,
    own: Own,
) -> Result<Described, DescriptionError> {
    let lacking = |kind| DescriptionError::Lacking { path: path.clone(), kind };
    let device = |(major, minor)| DeviceNumber { major, minor };
    let kind = match version.kind {
        catalog::FileKind::File | catalog::FileKind::HardLink => FileKind::File,
        catalog::FileKind::Directory => FileKind::Directory,
        catalog::FileKind::Symlink => {
            let target = own.target.ok_or_else(|| lacking("symbolic link"))?;
            FileKind::Symlink { target: target.0.into_boxed_slice() }
        }
        catalog::FileKind::Fifo => FileKind::Fifo,
        catalog::FileKind::Socket => FileKind::Socket,
        catalog::FileKind::Device => match (own.character_device, own.block_device) {
            (Some(numbers), _) => FileKind::CharacterDevice(device(numbers)),
            (None, Some(numbers)) => FileKind::BlockDevice(device(numbers)),
            (None, None) => return Err(lacking("device")),
        },
    };
    let hard_link_of = match (own.hard_link_of, version.kind) {
        (Some(bytes), _) => {
            Some(SourcePath::from_bytes(bytes.0).map_err(|_| lacking("hard link"))?)
        }
        (None, catalog::FileKind::HardLink) => return Err(lacking("hard link")),
        (None, _) => None,
    };
    let metadata = FileMetadata {
        mode: shared.mode,
        uid: shared.uid,
        gid: shared.gid,
        user: shared.user,
        group: shared.group,
        times: times(version.modified, version.changed),
        xattrs: own.xattrs.into_iter().map(|(name, value)| xattr(name, value)).collect(),
    };
    let segment = |(offset, length)| DataSegment { offset, length };
    let data_segments = own.segments.map(|segments| segments.into_iter().map(segment).collect());
    Ok(Described { kind, metadata, hard_link_of, data_segments })
}

fn times(modified: Timestamp, changed: Option<Timestamp>) -> FileTimes {
    let changed = changed.unwrap_or(modified);
    FileTimes { modified, changed, accessed: modified, created: None }
}

fn xattr(name: Hex, value: Hex) -> Xattr {
    Xattr { name: name.0.into_boxed_slice(), value: value.0.into_boxed_slice() }
}

/// Structs of numbers and texts always have a JSON.
#[expect(clippy::expect_used, reason = "no type here refuses to be written as JSON")]
fn encode(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain values have a JSON form")
}
