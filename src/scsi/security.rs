//! SECURITY PROTOCOL, tape data encryption: pages that are read, and the page that sets a key.
//!
//! Keys pass through [`encode_set_key`] only; the list it returns is wiped when dropped.

use std::fmt;

use zerocopy::byteorder::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};
use zeroize::Zeroizing;

use super::error::{AnswerError, prefix};

/// Security protocol: tape data encryption.
pub const PROTOCOL_TAPE_ENCRYPTION: u8 = 0x20;
/// Data encryption capabilities (in); set data encryption (out).
pub const PAGE_CAPABILITIES: u16 = 0x0010;
/// Set data encryption (out).
pub const PAGE_SET: u16 = 0x0010;
/// Data encryption status (in).
pub const PAGE_STATUS: u16 = 0x0020;
/// Next block encryption status (in).
pub const PAGE_NEXT_BLOCK: u16 = 0x0021;

const ANSWER: &str = "SECURITY PROTOCOL IN";
/// SECURITY ALGORITHM CODE of AES-256-GCM.
const AES_256_GCM: u32 = 0x0001_0014;

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawPageHeader {
    /// Bytes 0..2: PAGE CODE.
    page: U16,
    /// Bytes 2..4: PAGE LENGTH, of what follows.
    length: U16,
}
const _: () = assert!(size_of::<RawPageHeader>() == 4);

fn content(bytes: &[u8], page: u16) -> Result<&[u8], AnswerError> {
    let (header, rest) = prefix::<RawPageHeader>(bytes, ANSWER)?;
    if header.page.get() != page {
        return Err(AnswerError::Wrong { answer: ANSWER, problem: "another page was sent" });
    }
    Ok(&rest[..rest.len().min(usize::from(header.length.get()))])
}

/// AES-256-GCM as a drive offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// ALGORITHM INDEX, by which the drive calls it.
    pub index: u8,
    /// Longest unauthenticated key-associated data in bytes.
    pub unauthenticated_bytes_max: u16,
    /// Longest authenticated key-associated data in bytes.
    pub authenticated_bytes_max: u16,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawAlgorithm {
    index: u8,
    reserved_1: u8,
    /// Bytes 2..4: DESCRIPTOR LENGTH, of what follows.
    length: U16,
    flags: [u8; 2],
    unauthenticated_max: U16,
    authenticated_max: U16,
    key_bytes: U16,
    flags_12: [u8; 8],
    /// Bytes 20..24: SECURITY ALGORITHM CODE.
    code: U32,
}
const _: () = assert!(size_of::<RawAlgorithm>() == 24);

/// Reads the capabilities page: AES-256-GCM with 32 byte keys, if the drive has it.
///
/// # Errors
/// If it is another page or has no header.
pub fn parse_algorithm(bytes: &[u8]) -> Result<Option<Algorithm>, AnswerError> {
    const KEY_BYTES: u16 = 32;
    const RESERVED: usize = 16;
    let mut rest = content(bytes, PAGE_CAPABILITIES)?.get(RESERVED..).unwrap_or_default();
    while let Ok((raw, _)) = prefix::<RawAlgorithm>(rest, ANSWER) {
        if raw.code.get() == AES_256_GCM && raw.key_bytes.get() == KEY_BYTES {
            return Ok(Some(Algorithm {
                index: raw.index,
                unauthenticated_bytes_max: raw.unauthenticated_max.get(),
                authenticated_bytes_max: raw.authenticated_max.get(),
            }));
        }
        rest = rest.get(4 + usize::from(raw.length.get())..).unwrap_or_default();
    }
    Ok(None)
}

/// How a drive is set for this initiator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionSettings {
    /// Blocks are encrypted when written.
    pub encrypts: bool,
    /// Encrypted blocks are decrypted when read.
    pub decrypts: bool,
    /// Plain blocks can be read as well.
    pub reads_plain: bool,
    /// Counts the changes of key; one that we did not make shows here.
    pub key_instance: u32,
    /// The library or another host controls the parameters, not we.
    pub is_controlled_elsewhere: bool,
    /// Unauthenticated key-associated data: the name of the key.
    pub key_name: Vec<u8>,
}

impl fmt::Display for EncryptionSettings {
    /// A clause for people, after "the drive says that".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.encrypts, self.decrypts) {
            (true, _) => "it encrypts",
            (false, true) => "it decrypts and does not encrypt",
            (false, false) => "it uses no key",
        })?;
        if self.is_controlled_elsewhere {
            f.write_str(", as the library or another host has set it")?;
        }
        match self.key_name.as_slice() {
            [] => Ok(()),
            name => write!(
                f,
                ", with the key named \"{}\"",
                String::from_utf8_lossy(name).escape_debug()
            ),
        }
    }
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawStatus {
    scopes: u8,
    encryption_mode: u8,
    decryption_mode: u8,
    algorithm: u8,
    key_instance: U32,
    /// Byte 12 of the page: bits 6..4 PARAMETERS CONTROL.
    control: u8,
    format: u8,
    supplemental_keys: U16,
    reserved_16: [u8; 8],
}
const _: () = assert!(size_of::<RawStatus>() == 20);

/// Reads the status page.
///
/// # Errors
/// If it is another page or too short.
pub fn parse_settings(bytes: &[u8]) -> Result<EncryptionSettings, AnswerError> {
    const ENCRYPT: u8 = 2;
    const DECRYPT: u8 = 2;
    const MIXED: u8 = 3;
    /// PARAMETERS CONTROL: not reported, or by this interface.
    const OURS: [u8; 2] = [0, 1];
    let (raw, rest) = prefix::<RawStatus>(content(bytes, PAGE_STATUS)?, ANSWER)?;
    Ok(EncryptionSettings {
        encrypts: raw.encryption_mode == ENCRYPT,
        decrypts: matches!(raw.decryption_mode, DECRYPT | MIXED),
        reads_plain: raw.decryption_mode != DECRYPT,
        key_instance: raw.key_instance.get(),
        is_controlled_elsewhere: !OURS.contains(&((raw.control >> 4) & 0b111)),
        key_name: key_name(rest),
    })
}

/// The unauthenticated key-associated data among descriptors.
fn key_name(mut rest: &[u8]) -> Vec<u8> {
    const UNAUTHENTICATED: u8 = 0;
    while let Some((&[kind, _, high, low], tail)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((value, tail)) = tail.split_at_checked(length) else { break };
        if kind == UNAUTHENTICATED {
            return value.to_vec();
        }
        rest = tail;
    }
    Vec::new()
}

/// What is known of the next block before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextBlock {
    /// Its number.
    pub number: u64,
    /// Whether it is encrypted.
    pub encryption: BlockEncryption,
    /// Name of its key, if it was written with one.
    pub key_name: Vec<u8>,
}

/// Whether a block is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockEncryption {
    /// The drive cannot tell, or it is no block.
    Unknown,
    /// It is not.
    Plain,
    /// It is, and the key is the right one.
    Readable,
    /// It is, and the key that is set, if any, is another one.
    KeyNeeded,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawNextBlock {
    /// Bytes 4..12 of the page: LOGICAL OBJECT NUMBER.
    number: U64,
    /// Byte 12: bits 7..4 COMPRESSION STATUS, bits 3..0 ENCRYPTION STATUS.
    status: u8,
    algorithm: u8,
    flags: u8,
    format: u8,
}
const _: () = assert!(size_of::<RawNextBlock>() == 12);

/// Reads the next block page.
///
/// # Errors
/// If it is another page or too short.
pub fn parse_next_block(bytes: &[u8]) -> Result<NextBlock, AnswerError> {
    let (raw, rest) = prefix::<RawNextBlock>(content(bytes, PAGE_NEXT_BLOCK)?, ANSWER)?;
    Ok(NextBlock {
        number: raw.number.get(),
        encryption: match raw.status & 0x0F {
            3 => BlockEncryption::Plain,
            5 => BlockEncryption::Readable,
            4 | 6 => BlockEncryption::KeyNeeded,
            _ => BlockEncryption::Unknown,
        },
        key_name: key_name(rest),
    })
}

/// Byte 4: SCOPE all, for every initiator: the drive is ours alone by reservation.
const SCOPE_ALL: u8 = 2 << 5;
/// Bytes before the key.
const SET_HEADER_BYTES: usize = 20;

/// What a key is given to a drive for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// Blocks are encrypted when written and decrypted when read.
    Writing,
    /// Blocks are decrypted when read; what is written stays plain.
    Reading,
}

/// The set data encryption page for a key: encrypted blocks are decrypted when read, plain blocks can be
/// read. The key is forgotten when the cartridge leaves (CKOD).
///
/// `None` if the key's name is longer than the drive takes.
#[must_use]
pub fn encode_set_key(
    algorithm: Algorithm,
    key: &[u8; 32],
    key_name: &[u8],
    used_for: KeyUse,
) -> Option<Zeroizing<Vec<u8>>> {
    const CLEAR_ON_DEMOUNT: u8 = 1 << 2; // byte 5, CKOD
    const ENCRYPT: u8 = 2;
    const PLAIN: u8 = 0;
    const MIXED: u8 = 3;
    const UNAUTHENTICATED: u8 = 0;
    let name_bytes = u16::try_from(key_name.len()).ok()?;
    if name_bytes > algorithm.unauthenticated_bytes_max {
        return None;
    }
    // Reserved at once, so that no copy of the key is left behind by a growing vector.
    let mut page = Zeroizing::new(Vec::with_capacity(SET_HEADER_BYTES + 32 + 4 + key_name.len()));
    page.resize(SET_HEADER_BYTES, 0);
    page[..2].copy_from_slice(&PAGE_SET.to_be_bytes());
    page[4] = SCOPE_ALL;
    page[5] = CLEAR_ON_DEMOUNT;
    page[6] = match used_for {
        KeyUse::Writing => ENCRYPT,
        KeyUse::Reading => PLAIN,
    };
    page[7] = MIXED;
    page[8] = algorithm.index;
    page[19] = 32;
    page.extend_from_slice(key);
    if name_bytes > 0 {
        page.extend_from_slice(&[UNAUTHENTICATED, 0]);
        page.extend_from_slice(&name_bytes.to_be_bytes());
        page.extend_from_slice(key_name);
    }
    let length = u16::try_from(page.len() - 4).ok()?;
    page[2..4].copy_from_slice(&length.to_be_bytes());
    Some(page)
}

/// The set data encryption page that switches encryption and decryption off and forgets the key.
#[must_use]
pub fn encode_clear() -> [u8; SET_HEADER_BYTES] {
    let mut page = [0; SET_HEADER_BYTES];
    page[..2].copy_from_slice(&PAGE_SET.to_be_bytes());
    page[3] = 16;
    page[4] = SCOPE_ALL;
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    const ALGORITHM: Algorithm =
        Algorithm { index: 1, unauthenticated_bytes_max: 32, authenticated_bytes_max: 60 };

    fn capabilities() -> Vec<u8> {
        let mut bytes = vec![0, 0x10, 0, 40];
        bytes.extend_from_slice(&[0; 16]);
        bytes.extend_from_slice(&[1, 0, 0, 20, 0xBA, 0, 0, 32, 0, 60, 0, 32]);
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&AES_256_GCM.to_be_bytes());
        bytes
    }

    #[test]
    fn the_algorithm_is_found_by_its_code() {
        assert_eq!(parse_algorithm(&capabilities()).unwrap(), Some(ALGORITHM));
        let mut other = capabilities();
        other[43] = 0x10;
        assert_eq!(parse_algorithm(&other).unwrap(), None);
        torture(&capabilities(), parse_algorithm);
    }

    #[test]
    fn settings_tell_modes_control_and_key_name() {
        let mut bytes = vec![0, 0x20, 0, 27, 0x42, 2, 3, 1, 0, 0, 0, 9, 0x20];
        bytes.extend_from_slice(&[0; 11]);
        bytes.extend_from_slice(&[0, 0, 0, 3, b'k', b'e', b'y']);
        let settings = parse_settings(&bytes).unwrap();
        assert!(settings.encrypts && settings.decrypts && settings.reads_plain);
        assert!(settings.is_controlled_elsewhere);
        assert_eq!((settings.key_instance, &*settings.key_name), (9, &b"key"[..]));
        torture(&bytes, parse_settings);
    }

    #[test]
    fn the_next_block_says_whether_its_key_is_here() {
        let mut bytes = vec![0, 0x21, 0, 12, 0, 0, 0, 0, 0, 0, 0, 7, 0x06, 1, 0, 0];
        let next = parse_next_block(&bytes).unwrap();
        assert_eq!((next.number, next.encryption), (7, BlockEncryption::KeyNeeded));
        bytes[12] = 0x13;
        assert_eq!(parse_next_block(&bytes).unwrap().encryption, BlockEncryption::Plain);
        torture(&bytes, parse_next_block);
    }

    #[test]
    fn a_key_is_set_with_its_name_and_cleared_without() {
        let page = encode_set_key(ALGORITHM, &[0xAB; 32], b"id", KeyUse::Writing).unwrap();
        assert_eq!(
            page[..20],
            [0, 0x10, 0, 54, 0x40, 4, 2, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32]
        );
        assert_eq!(page[20..52], [0xAB; 32]);
        assert_eq!(page[52..], [0, 0, 0, 2, b'i', b'd']);
        let reading = encode_set_key(ALGORITHM, &[0xAB; 32], b"id", KeyUse::Reading).unwrap();
        assert_eq!(reading[6..8], [0, 3]);
        assert_eq!((&reading[..6], &reading[8..]), (&page[..6], &page[8..]));
        assert!(encode_set_key(ALGORITHM, &[0; 32], &[0; 33], KeyUse::Writing).is_none());
        let mut clear = [0; 20];
        clear[1] = 0x10;
        clear[3] = 16;
        clear[4] = 0x40;
        assert_eq!(encode_clear(), clear);
    }
}
