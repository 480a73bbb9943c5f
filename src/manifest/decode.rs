//! A line of JSON as an entry.
//!
//! Fields that this release does not know are passed over, so that a later one may add some.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::entry::{Codec, EntryState, FilePart, ManifestEntry, SealedContent, VolumeExtent};
use crate::domain::{
    BlockNumber, DataSegment, DeviceNumber, FileKind, FileMetadata, FileTimes, RunId, Sha256Digest,
    SourcePath, Timestamp, VolumeUuid, Xattr,
};
use crate::keys::KeyId;

/// Owner names kept to be shared between entries. A real tree has a handful; a made-up one may not
/// fill the memory.
const NAMES_MAX: usize = 4096;

/// Text that is borrowed from the line unless it holds escapes. `Option<Cow<str>>` would always be
/// copied: measured, that halves the rate.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct RawEntry<'a> {
    #[serde(borrow)]
    path: Option<Text<'a>>,
    #[serde(borrow)]
    path_b64: Option<Text<'a>>,
    #[serde(borrow)]
    stored_path: Option<Text<'a>>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    target: Option<Text<'a>>,
    #[serde(borrow)]
    target_b64: Option<Text<'a>>,
    device: Option<[u32; 2]>,
    #[serde(default)]
    size: u64,
    #[serde(borrow)]
    modified: Text<'a>,
    #[serde(borrow)]
    changed: Text<'a>,
    #[serde(borrow)]
    accessed: Text<'a>,
    #[serde(borrow)]
    created: Option<Text<'a>>,
    #[serde(borrow)]
    mode: Text<'a>,
    uid: u32,
    gid: u32,
    #[serde(borrow)]
    user: Option<Text<'a>>,
    #[serde(borrow)]
    group: Option<Text<'a>>,
    #[serde(borrow, default)]
    xattrs: Vec<RawXattr<'a>>,
    #[serde(default = "one")]
    links: u32,
    #[serde(borrow)]
    hard_link_of: Option<Text<'a>>,
    #[serde(borrow)]
    hard_link_of_b64: Option<Text<'a>>,
    data_segments: Option<Vec<[u64; 2]>>,
    #[serde(borrow)]
    sha256: Option<Text<'a>>,
    #[serde(borrow)]
    codec: Option<RawCodec<'a>>,
    part: Option<RawPart>,
    #[serde(default)]
    extents: Vec<(char, u64, u32, u64, u64)>,
    #[serde(borrow)]
    state: Text<'a>,
    run: Option<RunId>,
    volume: Option<VolumeUuid>,
    sequence: Option<u32>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawXattr<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    name_b64: Option<Text<'a>>,
    #[serde(borrow)]
    value_b64: Text<'a>,
}

#[derive(Deserialize)]
struct RawCodec<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    stored_size: u64,
    stored_sha256: Sha256Digest,
    key_id: Option<KeyId>,
    #[serde(borrow)]
    digests: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawPart {
    number: u32,
    of: Option<u32>,
    offset: u64,
    length: u64,
    sha256: Option<Sha256Digest>,
}

fn one() -> u32 {
    1
}

/// Reads lines; shares the names of owners between entries.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    names: HashSet<Arc<str>>,
}

impl Decoder {
    /// The entry in `line`, or what is wrong with it.
    pub(super) fn decode(&mut self, line: &[u8]) -> Result<ManifestEntry, String> {
        let raw: RawEntry<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        Ok(ManifestEntry {
            path: path_of(raw.path.as_deref(), raw.path_b64.as_deref(), "path")?
                .ok_or("it has no path")?,
            stored_path: raw.stored_path.as_deref().map(str::to_owned),
            kind: kind_of(&raw)?,
            size_bytes: raw.size,
            links: raw.links,
            hard_link_of: path_of(
                raw.hard_link_of.as_deref(),
                raw.hard_link_of_b64.as_deref(),
                "hard link",
            )?,
            data_segments: raw.data_segments.as_ref().map(|pairs| {
                pairs.iter().map(|&[offset, length]| DataSegment { offset, length }).collect()
            }),
            sha256: raw.sha256.as_deref().map(digest_of).transpose()?,
            codec: raw.codec.as_ref().map(codec_of).transpose()?,
            part: raw.part.as_ref().map(part_of),
            extents: raw
                .extents
                .iter()
                .map(|&extent| extent_of(extent))
                .collect::<Result<_, _>>()?,
            state: state_of(&raw)?,
            metadata: self.metadata_of(raw)?,
        })
    }

    fn metadata_of(&mut self, raw: RawEntry<'_>) -> Result<FileMetadata, String> {
        let mode = u32::from_str_radix(&raw.mode, 8).ok().filter(|mode| *mode <= 0o7777);
        let xattrs = raw.xattrs.iter().map(|xattr| {
            let name = bytes_of(xattr.name.as_deref(), xattr.name_b64.as_deref(), "attribute")?;
            Ok::<_, String>(Xattr {
                name: name.ok_or("an attribute has no name")?.into_boxed_slice(),
                value: from_base64(&xattr.value_b64, "attribute")?.into_boxed_slice(),
            })
        });
        Ok(FileMetadata {
            mode: mode.ok_or("its mode is no octal number")?,
            uid: raw.uid,
            gid: raw.gid,
            xattrs: xattrs.collect::<Result<_, _>>()?,
            user: raw.user.map(|name| self.shared(&name)),
            group: raw.group.map(|name| self.shared(&name)),
            times: FileTimes {
                modified: time_of(&raw.modified)?,
                changed: time_of(&raw.changed)?,
                accessed: time_of(&raw.accessed)?,
                created: raw.created.as_deref().map(time_of).transpose()?,
            },
        })
    }

    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let made: Arc<str> = name.into();
        if self.names.len() < NAMES_MAX {
            self.names.insert(Arc::clone(&made));
        }
        made
    }
}

fn time_of(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_text(text.as_bytes()).ok_or_else(|| format!("\"{text}\" is no time"))
}

fn digest_of(text: &str) -> Result<Sha256Digest, String> {
    text.parse().map_err(|error: crate::domain::digest::DigestError| error.to_string())
}

fn from_base64(text: &str, what: &str) -> Result<Vec<u8>, String> {
    BASE64.decode(text).map_err(|_| format!("its {what} is no base64"))
}

fn bytes_of(
    text: Option<&str>,
    base64: Option<&str>,
    what: &str,
) -> Result<Option<Vec<u8>>, String> {
    match (text, base64) {
        (Some(text), None) => Ok(Some(text.as_bytes().to_vec())),
        (None, Some(base64)) => from_base64(base64, what).map(Some),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(format!("its {what} is given twice")),
    }
}

fn path_of(
    text: Option<&str>,
    base64: Option<&str>,
    what: &str,
) -> Result<Option<SourcePath>, String> {
    let bytes = bytes_of(text, base64, what)?;
    bytes.map(SourcePath::from_bytes).transpose().map_err(|error| error.to_string())
}

fn kind_of(raw: &RawEntry<'_>) -> Result<FileKind, String> {
    let device = || {
        let [major, minor] = raw.device.ok_or("a device has no number")?;
        Ok::<_, String>(DeviceNumber { major, minor })
    };
    Ok(match &*raw.kind {
        "file" => FileKind::File,
        "directory" => FileKind::Directory,
        "symlink" => {
            let target = bytes_of(raw.target.as_deref(), raw.target_b64.as_deref(), "target")?;
            let target = target.ok_or("a link has no target")?.into_boxed_slice();
            FileKind::Symlink { target }
        }
        "fifo" => FileKind::Fifo,
        "socket" => FileKind::Socket,
        "character_device" => FileKind::CharacterDevice(device()?),
        "block_device" => FileKind::BlockDevice(device()?),
        other => return Err(format!("its kind \"{other}\" is unknown")),
    })
}

fn codec_of(raw: &RawCodec<'_>) -> Result<Codec, String> {
    let (is_zstd, is_sealed) = match &*raw.name {
        "zstd" => (true, false),
        "sealed" => (false, true),
        "zstd+sealed" => (true, true),
        other => return Err(format!("its codec \"{other}\" is unknown")),
    };
    let sealed = || {
        Ok::<_, String>(SealedContent {
            key_id: raw.key_id.ok_or("it is sealed and names no key")?,
            digests: raw.digests.as_deref().map(str::to_owned),
        })
    };
    Ok(Codec {
        is_zstd,
        sealed: is_sealed.then(sealed).transpose()?,
        stored_size_bytes: raw.stored_size,
        stored_sha256: raw.stored_sha256,
    })
}

fn part_of(raw: &RawPart) -> FilePart {
    FilePart {
        number: raw.number,
        of: raw.of,
        offset: raw.offset,
        length: raw.length,
        sha256: raw.sha256,
    }
}

fn extent_of(raw: (char, u64, u32, u64, u64)) -> Result<VolumeExtent, String> {
    let (partition, start_block, byte_offset, byte_count, file_offset) = raw;
    if !partition.is_ascii_lowercase() {
        return Err("an extent names no partition".to_owned());
    }
    let start_block = BlockNumber(start_block);
    Ok(VolumeExtent { partition, start_block, byte_offset, byte_count, file_offset })
}

fn state_of(raw: &RawEntry<'_>) -> Result<EntryState, String> {
    let volume = || raw.volume.ok_or("its state names no volume");
    let reason = || raw.reason.as_deref().unwrap_or_default().to_owned();
    Ok(match &*raw.state {
        "stored" => EntryState::Stored,
        "unchanged" => EntryState::Unchanged {
            run: raw.run.clone().ok_or("its state names no run")?,
            volume: volume()?,
        },
        "on_volume" => EntryState::OnVolume {
            sequence: raw.sequence.ok_or("its state names no place in the set")?,
            volume: volume()?,
        },
        "to_follow" => EntryState::ToFollow,
        "changed_while_read" => EntryState::ChangedWhileRead,
        "vanished" => EntryState::Vanished,
        "unreadable" => EntryState::Unreadable { reason: reason() },
        "not_storable" => EntryState::NotStorable { reason: reason() },
        other => return Err(format!("its state \"{other}\" is unknown")),
    })
}
