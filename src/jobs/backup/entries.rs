//! What the index, the catalog and the outcome spool say of one entry. Values only.

use super::cursor::{PlanCursor, name_on_volume};
use super::outcomes::{RecordedCopy, RecordedForm, RecordedPart};
use super::plan::PlannedEntry;
use super::recorder::Linked;
use crate::catalog::NewCopy;
use crate::domain::{ByteCount, FileKind, Sha256Digest, Timestamp};
use crate::jobs::description::catalog_kind;
use crate::jobs::error::JobError;
use crate::jobs::stored_form::ContentForm;
use crate::ltfs::extent::Extents;
use crate::ltfs::index::{DirectoryEntry, FileEntry, Times, Xattr};
use crate::ltfs::names::{Name, NameUse};
use crate::stream::{Codec, StoredFile};

/// Longest value of an attribute that other LTFS software takes.
const XATTR_BYTES_MAX: usize = 4096;
/// The namespace that LTFS leaves out.
const USER_NAMESPACE: &[u8] = b"user.";

/// What an entry without content is on the volume.
pub(super) enum Target {
    Symlink(Box<[u8]>),
    Shared(Linked),
    Nothing,
}

/// True for links, which LTFS can show; devices and pipes are in the manifest only.
pub(super) fn is_on_volume(planned: &PlannedEntry) -> bool {
    matches!(planned.entry.kind, FileKind::Symlink { .. }) || planned.entry.hard_link_of.is_some()
}

pub(super) fn mark_entered(cursor: &mut PlanCursor) {
    for directory in cursor.stack_mut() {
        directory.is_entered = true;
    }
}

pub(super) fn directory_entry(
    planned: &PlannedEntry,
    uid: u64,
    started: Timestamp,
) -> Result<DirectoryEntry, JobError> {
    let name = name_on_volume(planned);
    Ok(DirectoryEntry {
        name: Name::new(&name, NameUse::Entry).map_err(|source| JobError::name(&name, source))?,
        read_only: is_read_only(planned),
        times: times(planned, started),
        uid,
        xattrs: holdable_xattrs(planned),
        unknown: Vec::new(),
    })
}

/// The mark of a symbolic link as the reference writes it; false for a target LTFS cannot hold.
pub(super) fn link_to(entry: &mut FileEntry, target: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(target) else { return false };
    let (Ok(target), Ok(key)) = (
        Name::new(text, NameUse::SymlinkTarget),
        Name::new("ltfs.vendor.IBM.prefixLength", NameUse::AttributeKey),
    ) else {
        return false;
    };
    entry.read_only = true;
    entry.xattrs.push(Xattr { key, value: b"0".to_vec() });
    entry.symlink = Some(target);
    true
}

pub(super) fn new_copy<'a>(
    planned: &'a PlannedEntry,
    ordinal: u64,
    shared: &'a [u8],
    own: Option<&'a [u8]>,
) -> NewCopy<'a> {
    let entry = &planned.entry;
    NewCopy {
        ordinal,
        path: entry.path.as_bytes(),
        kind: catalog_kind(entry),
        size: ByteCount(entry.size_bytes),
        modified: entry.metadata.times.modified,
        changed: Some(entry.metadata.times.changed),
        inode: Some(entry.identity.inode),
        sha256: None,
        attributes: shared,
        detail: own,
        extents: &[],
        codec: None,
        part: None,
        stored_path: None,
    }
}

/// The hash of the whole file, where it is known: not with the parts before the last.
pub(super) fn whole_digest(stored: &StoredFile) -> Option<Sha256Digest> {
    match stored.part {
        Some(part) => part.file_sha256,
        None => Some(stored.sha256),
    }
}

/// How the bytes on tape were made.
pub(super) fn form_of(stored: &StoredFile) -> ContentForm {
    ContentForm { is_zstd: stored.codec != Codec::None, sealed_by: stored.sealed_by }
}

pub(super) fn recorded_copy(stored: &StoredFile, extents: &Extents) -> RecordedCopy {
    RecordedCopy {
        sha256: stored.sha256.0,
        size_bytes: stored.size_bytes,
        transformed: (!form_of(stored).is_plain()).then_some(RecordedForm {
            stored_bytes: stored.stored_bytes,
            stored_sha256: stored.stored_sha256.0,
            is_zstd: stored.codec != Codec::None,
            sealed_by: stored.sealed_by,
        }),
        part: stored.part.map(|part| RecordedPart {
            number: part.number,
            offset: part.offset,
            file_sha256: part.file_sha256.map(|digest| digest.0),
        }),
        extents: extents
            .iter()
            .map(|e| (e.start_block.0, e.byte_offset, e.byte_count, e.file_offset))
            .collect(),
    }
}

/// No write permission for anybody: what LTFS can say of a mode.
pub(super) fn is_read_only(planned: &PlannedEntry) -> bool {
    planned.entry.metadata.mode & 0o222 == 0
}

pub(super) fn times(planned: &PlannedEntry, started: Timestamp) -> Times {
    let times = &planned.entry.metadata.times;
    Times {
        creation: times.created.unwrap_or(times.modified),
        change: times.changed,
        modify: times.modified,
        access: times.accessed,
        backup: started,
    }
}

/// Attributes that LTFS can hold; the manifest has all of them.
pub(super) fn holdable_xattrs(planned: &PlannedEntry) -> Vec<Xattr> {
    let mut held = Vec::new();
    for xattr in &planned.entry.metadata.xattrs {
        let Some(key) = xattr.name.strip_prefix(USER_NAMESPACE) else { continue };
        let Ok(text) = std::str::from_utf8(key) else { continue };
        let is_reserved = text.len() >= 4 && text.as_bytes()[..4].eq_ignore_ascii_case(b"ltfs");
        if is_reserved || xattr.value.len() > XATTR_BYTES_MAX {
            continue;
        }
        if let Ok(key) = Name::new(text, NameUse::AttributeKey) {
            held.push(Xattr { key, value: xattr.value.to_vec() });
        }
    }
    held
}
