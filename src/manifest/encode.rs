//! An entry as a line of JSON.
//!
//! Written by hand and not by `serde`: a manifest has as many lines as the run has files, the fields
//! that do not apply are left out, and raw bytes need a second name (`path_b64`). The order of the
//! fields is fixed, so equal entries give equal lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::entry::{Codec, EntryState, FilePart, ManifestEntry, VolumeExtent};
use crate::domain::{DataSegment, FileKind, FileMetadata, Sha256Digest, SourcePath, Timestamp};

/// Appends the line of `entry` to `out`, newline included. `prev` is the check value of all bytes
/// before the line.
pub(super) fn write_entry(out: &mut Vec<u8>, prev: &str, entry: &ManifestEntry) {
    out.extend_from_slice(b"{\"prev\":\"");
    out.extend_from_slice(prev.as_bytes());
    out.push(b'"');
    write_path(out, "path", &entry.path);
    if let Some(stored) = &entry.stored_path {
        write_text(out, "stored_path", stored);
    }
    write_kind(out, &entry.kind);
    if entry.kind.has_content() {
        write_number(out, "size", entry.size_bytes);
    }
    write_metadata(out, &entry.metadata);
    if entry.links != 1 {
        write_number(out, "links", entry.links.into());
    }
    if let Some(first) = &entry.hard_link_of {
        write_path(out, "hard_link_of", first);
    }
    if let Some(segments) = &entry.data_segments {
        write_segments(out, segments);
    }
    if let Some(digest) = &entry.sha256 {
        write_digest(out, "sha256", digest);
    }
    if let Some(codec) = &entry.codec {
        write_codec(out, codec);
    }
    if let Some(part) = &entry.part {
        write_part(out, part);
    }
    if !entry.extents.is_empty() {
        write_extents(out, &entry.extents);
    }
    write_state(out, &entry.state);
    out.extend_from_slice(b"}\n");
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

fn write_text(out: &mut Vec<u8>, key: &str, text: &str) {
    write_key(out, key);
    write_json_text(out, text);
}

fn write_json_text(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

/// Raw bytes: as text where they are UTF-8, else base64 under a name that says so.
fn write_bytes(out: &mut Vec<u8>, key: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => write_text(out, key, text),
        Err(_) => write_base64(out, key, bytes),
    }
}

fn write_base64(out: &mut Vec<u8>, key: &str, bytes: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"_b64\":\"");
    out.extend_from_slice(BASE64.encode(bytes).as_bytes());
    out.push(b'"');
}

fn write_path(out: &mut Vec<u8>, key: &str, path: &SourcePath) {
    write_bytes(out, key, path.as_bytes());
}

fn write_number(out: &mut Vec<u8>, key: &str, number: u64) {
    write_key(out, key);
    push_number(out, number);
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `[1,2,3]`.
fn push_numbers(out: &mut Vec<u8>, numbers: &[u64]) {
    out.push(b'[');
    for (index, &number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_number(out, number);
    }
    out.push(b']');
}

fn write_time(out: &mut Vec<u8>, key: &str, time: Timestamp) {
    write_key(out, key);
    out.push(b'"');
    time.write_text(out);
    out.push(b'"');
}

fn write_digest(out: &mut Vec<u8>, key: &str, digest: &Sha256Digest) {
    let mut digits = [0; 64];
    // Fails only for a buffer of another length.
    let _ = hex::encode_to_slice(digest.0, &mut digits);
    write_key(out, key);
    out.push(b'"');
    out.extend_from_slice(&digits);
    out.push(b'"');
}

fn write_kind(out: &mut Vec<u8>, kind: &FileKind) {
    let (word, device) = match kind {
        FileKind::File => ("file", None),
        FileKind::Directory => ("directory", None),
        FileKind::Symlink { .. } => ("symlink", None),
        FileKind::Fifo => ("fifo", None),
        FileKind::Socket => ("socket", None),
        FileKind::CharacterDevice(device) => ("character_device", Some(device)),
        FileKind::BlockDevice(device) => ("block_device", Some(device)),
    };
    write_text(out, "kind", word);
    if let FileKind::Symlink { target } = kind {
        write_bytes(out, "target", target);
    }
    if let Some(device) = device {
        write_key(out, "device");
        push_numbers(out, &[device.major.into(), device.minor.into()]);
    }
}

fn write_metadata(out: &mut Vec<u8>, metadata: &FileMetadata) {
    write_time(out, "modified", metadata.times.modified);
    write_time(out, "changed", metadata.times.changed);
    write_time(out, "accessed", metadata.times.accessed);
    if let Some(created) = metadata.times.created {
        write_time(out, "created", created);
    }
    write_key(out, "mode");
    let mode = metadata.mode & 0o7777;
    out.push(b'"');
    for shift in [9, 6, 3, 0] {
        out.push(b'0' + u8::try_from((mode >> shift) & 7).unwrap_or(0));
    }
    out.push(b'"');
    write_number(out, "uid", metadata.uid.into());
    write_number(out, "gid", metadata.gid.into());
    if let Some(user) = &metadata.user {
        write_text(out, "user", user);
    }
    if let Some(group) = &metadata.group {
        write_text(out, "group", group);
    }
    for (index, xattr) in metadata.xattrs.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b",\"xattrs\":[{" } else { b",{" });
        let start = out.len();
        write_bytes(out, "name", &xattr.name);
        out.remove(start); // the comma before the first key
        write_base64(out, "value", &xattr.value);
        out.push(b'}');
    }
    if !metadata.xattrs.is_empty() {
        out.push(b']');
    }
}

fn write_segments(out: &mut Vec<u8>, segments: &[DataSegment]) {
    write_key(out, "data_segments");
    out.push(b'[');
    for (index, segment) in segments.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_numbers(out, &[segment.offset, segment.length]);
    }
    out.push(b']');
}

fn write_codec(out: &mut Vec<u8>, codec: &Codec) {
    write_key(out, "codec");
    out.extend_from_slice(b"{\"name\":\"");
    out.extend_from_slice(codec.name().as_bytes());
    out.push(b'"');
    write_number(out, "stored_size", codec.stored_size_bytes);
    write_digest(out, "stored_sha256", &codec.stored_sha256);
    if let Some(sealed) = &codec.sealed {
        write_text(out, "key_id", &sealed.key_id.to_string());
        if let Some(digests) = &sealed.digests {
            write_text(out, "digests", digests);
        }
    }
    out.push(b'}');
}

fn write_part(out: &mut Vec<u8>, part: &FilePart) {
    write_key(out, "part");
    out.extend_from_slice(b"{\"number\":");
    push_number(out, part.number.into());
    if let Some(of) = part.of {
        write_number(out, "of", of.into());
    }
    write_number(out, "offset", part.offset);
    write_number(out, "length", part.length);
    if let Some(digest) = &part.sha256 {
        write_digest(out, "sha256", digest);
    }
    out.push(b'}');
}

fn write_extents(out: &mut Vec<u8>, extents: &[VolumeExtent]) {
    write_key(out, "extents");
    for (index, extent) in extents.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"[[\"" } else { b",[\"" });
        let mut letter = [0; 4];
        out.extend_from_slice(extent.partition.encode_utf8(&mut letter).as_bytes());
        out.push(b'"');
        for number in
            [extent.start_block.0, extent.byte_offset.into(), extent.byte_count, extent.file_offset]
        {
            out.push(b',');
            push_number(out, number);
        }
        out.push(b']');
    }
    out.push(b']');
}

fn write_state(out: &mut Vec<u8>, state: &EntryState) {
    let word = match state {
        EntryState::Stored => "stored",
        EntryState::Unchanged { .. } => "unchanged",
        EntryState::OnVolume { .. } => "on_volume",
        EntryState::ToFollow => "to_follow",
        EntryState::ChangedWhileRead => "changed_while_read",
        EntryState::Vanished => "vanished",
        EntryState::Unreadable { .. } => "unreadable",
        EntryState::NotStorable { .. } => "not_storable",
    };
    write_text(out, "state", word);
    match state {
        EntryState::Unchanged { run, volume } => {
            write_text(out, "run", &run.0);
            write_text(out, "volume", &volume.to_string());
        }
        EntryState::OnVolume { sequence, volume } => {
            write_number(out, "sequence", (*sequence).into());
            write_text(out, "volume", &volume.to_string());
        }
        EntryState::Unreadable { reason } | EntryState::NotStorable { reason } => {
            write_text(out, "reason", reason);
        }
        EntryState::Stored
        | EntryState::ToFollow
        | EntryState::ChangedWhileRead
        | EntryState::Vanished => {}
    }
}
