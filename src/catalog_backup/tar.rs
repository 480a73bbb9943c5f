//! The little of tar that a catalog backup needs: regular files one after another, POSIX ustar.
//!
//! Any `tar` reads it. Names are short and plain ([`super::description::is_safe_name`]), so neither prefixes
//! nor extended headers occur; lengths above 8 GiB stand in GNU's binary form, which every `tar` knows.

use std::io::{self, Read, Write};

/// Everything is padded to this.
const BLOCK: usize = 512;
/// The first 100 bytes of a header.
pub(super) const NAME_BYTES_MAX: usize = 100;
/// Bytes 124..136: eleven octal digits and a space.
const OCTAL_SIZE_MAX: u64 = 0o777_7777_7777;
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Begins a file; its `bytes` bytes come next, then [`end_file`].
pub(super) fn begin_file(
    out: &mut impl Write,
    name: &str,
    bytes: u64,
    modified_seconds: u64,
) -> io::Result<()> {
    if name.len() > NAME_BYTES_MAX {
        return Err(io::Error::other(format!("the name \"{name}\" is too long for tar")));
    }
    let mut header = [0_u8; BLOCK];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(136, format!("{:011o}\0", modified_seconds.min(OCTAL_SIZE_MAX)).as_bytes());
    put(CHECKSUM.start, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    if bytes <= OCTAL_SIZE_MAX {
        put(SIZE.start, format!("{bytes:011o}\0").as_bytes());
    } else {
        put(SIZE.start, &[0x80]);
        put(SIZE.end - 8, &bytes.to_be_bytes());
    }
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.write_all(&header)
}

/// Pads a file of `bytes` bytes.
pub(super) fn end_file(out: &mut impl Write, bytes: u64) -> io::Result<()> {
    out.write_all(&[0; BLOCK][..padding(bytes)])
}

/// Ends the archive.
pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

fn padding(bytes: u64) -> usize {
    let over = usize::try_from(bytes % BLOCK as u64).unwrap_or(0);
    (BLOCK - over) % BLOCK
}

/// The next file: its name and length; nothing at the end of the archive.
pub(super) fn next_file(from: &mut impl Read) -> io::Result<Option<(String, u64)>> {
    let mut header = [0_u8; BLOCK];
    from.read_exact(&mut header)?;
    if header.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let damaged =
        || io::Error::new(io::ErrorKind::InvalidData, "a header of the archive is damaged");
    let mut summed = header;
    summed[CHECKSUM].fill(b' ');
    let sum: u64 = summed.iter().map(|byte| u64::from(*byte)).sum();
    if octal(&header[CHECKSUM]) != Some(sum) || header[156] != b'0' {
        return Err(damaged());
    }
    let end = header[..NAME_BYTES_MAX].iter().position(|byte| *byte == 0).unwrap_or(NAME_BYTES_MAX);
    let name = std::str::from_utf8(&header[..end]).map_err(|_| damaged())?.to_owned();
    let size = &header[SIZE];
    let bytes = match size.first() {
        Some(0x80) => size[4..].try_into().ok().map(u64::from_be_bytes),
        _ => octal(size),
    };
    Ok(Some((name, bytes.ok_or_else(damaged)?)))
}

/// Passes over the padding of a file of `bytes` bytes.
pub(super) fn skip_padding(from: &mut impl Read, bytes: u64) -> io::Result<()> {
    from.read_exact(&mut [0; BLOCK][..padding(bytes)])
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(|c| c == ' ' || c == '\0'), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, bytes: u64) -> Vec<u8> {
        let mut out = Vec::new();
        begin_file(&mut out, name, bytes, 1_795_000_000).unwrap();
        out
    }

    #[test]
    fn a_header_is_read_as_it_was_written_also_above_8_gib() {
        for bytes in [0, 1, 511, 512, 513, OCTAL_SIZE_MAX, OCTAL_SIZE_MAX + 1, 155_000_000_000] {
            let out = header("keys/data/local.key", bytes);
            assert_eq!(out.len(), BLOCK);
            let read = next_file(&mut out.as_slice()).unwrap();
            assert_eq!(read, Some(("keys/data/local.key".to_owned(), bytes)));
        }
        assert!(begin_file(&mut Vec::new(), &"x".repeat(101), 0, 0).is_err());
    }

    #[test]
    fn a_header_with_any_byte_changed_is_refused() {
        let whole = header("settings.json", 77);
        for at in 0..BLOCK {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            // A bit that the checksum's spelling does not need may change; what is read then is the same.
            if let Ok(read) = next_file(&mut changed.as_slice()) {
                assert_eq!(read, Some(("settings.json".to_owned(), 77)), "byte {at}");
            }
        }
        for length in 0..BLOCK {
            assert!(next_file(&mut &whole[..length]).is_err());
        }
    }

    #[test]
    fn the_tar_of_this_machine_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        for (name, content) in [("a.json", &b"one"[..]), ("keys/data/b", &[7; 1024])] {
            begin_file(&mut out, name, content.len() as u64, 0).unwrap();
            out.extend_from_slice(content);
            end_file(&mut out, content.len() as u64).unwrap();
        }
        end(&mut out).unwrap();
        let archive = folder.path().join("state.tar");
        std::fs::write(&archive, &out).unwrap();
        let mut tar = std::process::Command::new("tar");
        let status = tar.arg("-xf").arg(&archive).arg("-C").arg(folder.path()).status().unwrap();
        assert!(status.success());
        assert_eq!(std::fs::read(folder.path().join("a.json")).unwrap(), b"one");
        assert_eq!(std::fs::read(folder.path().join("keys/data/b")).unwrap(), [7; 1024]);
    }
}
