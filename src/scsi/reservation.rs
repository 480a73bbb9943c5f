//! Persistent reservations: the answers of PERSISTENT RESERVE IN and the list of PERSISTENT RESERVE OUT.

use zerocopy::byteorder::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};

const ANSWER: &str = "PERSISTENT RESERVE IN";

/// The number by which an initiator is known to a device. Not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationKey(pub u64);

impl std::fmt::Display for ReservationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no reservation key: it has 16 hexadecimal digits, not all of them 0")]
pub struct ReservationKeyError(pub String);

impl std::str::FromStr for ReservationKey {
    type Err = ReservationKeyError;

    fn from_str(text: &str) -> Result<Self, ReservationKeyError> {
        const DIGITS: usize = 16;
        let number = u64::from_str_radix(text, 16).ok().filter(|number| *number != 0);
        let is_whole = text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = number.filter(|_| is_whole);
        number.map(Self).ok_or_else(|| ReservationKeyError(text.to_owned()))
    }
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    /// Bytes 0..4: PRGENERATION.
    generation: U32,
    /// Bytes 4..8: ADDITIONAL LENGTH, of what follows.
    length: U32,
}
const _: () = assert!(size_of::<RawHeader>() == 8);

fn content(bytes: &[u8]) -> Result<&[u8], AnswerError> {
    let (header, rest) = prefix::<RawHeader>(bytes, ANSWER)?;
    let length = usize::try_from(header.length.get()).unwrap_or(usize::MAX);
    Ok(&rest[..rest.len().min(length)])
}

/// Reads the READ KEYS answer: every registered key.
///
/// # Errors
/// If there is no header.
pub fn parse_keys(bytes: &[u8]) -> Result<Vec<ReservationKey>, AnswerError> {
    let mut rest = content(bytes)?;
    let mut keys = Vec::new();
    while let Ok((key, tail)) = prefix::<U64>(rest, ANSWER) {
        keys.push(ReservationKey(key.get()));
        rest = tail;
    }
    Ok(keys)
}

/// Who has reserved a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The holder's key.
    pub key: ReservationKey,
    /// TYPE: 3 is exclusive access.
    pub kind: u8,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawReservation {
    /// Bytes 0..8: RESERVATION KEY.
    key: U64,
    obsolete_8: [u8; 4],
    reserved_12: u8,
    /// Byte 13: bits 7..4 SCOPE, bits 3..0 TYPE.
    scope_and_type: u8,
    obsolete_14: [u8; 2],
}
const _: () = assert!(size_of::<RawReservation>() == 16);

/// Reads the READ RESERVATION answer. `None`: not reserved.
///
/// # Errors
/// If there is no header.
pub fn parse_reservation(bytes: &[u8]) -> Result<Option<Reservation>, AnswerError> {
    Ok(prefix::<RawReservation>(content(bytes)?, ANSWER).ok().map(|(raw, _)| Reservation {
        key: ReservationKey(raw.key.get()),
        kind: raw.scope_and_type & 0x0F,
    }))
}

/// Length of the list of PERSISTENT RESERVE OUT.
pub const OUT_BYTES: usize = 24;

/// The list of PERSISTENT RESERVE OUT: our key, and the key that the action is about (the new one to
/// register, or the one to pre-empt; 0 takes our registration away).
#[must_use]
pub fn encode_out(ours: ReservationKey, service_action_key: u64) -> [u8; OUT_BYTES] {
    let mut list = [0; OUT_BYTES];
    list[..8].copy_from_slice(&ours.0.to_be_bytes());
    list[8..16].copy_from_slice(&service_action_key.to_be_bytes());
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    #[test]
    fn keys_and_holder_are_read() {
        let mut keys = vec![0, 0, 0, 9, 0, 0, 0, 16];
        keys.extend_from_slice(&7_u64.to_be_bytes());
        keys.extend_from_slice(&8_u64.to_be_bytes());
        assert_eq!(parse_keys(&keys).unwrap(), [ReservationKey(7), ReservationKey(8)]);
        torture(&keys, parse_keys);

        let mut held = vec![0, 0, 0, 9, 0, 0, 0, 16];
        held.extend_from_slice(&7_u64.to_be_bytes());
        held.extend_from_slice(&[0, 0, 0, 0, 0, 0x03, 0, 0]);
        let reservation = parse_reservation(&held).unwrap();
        assert_eq!(reservation, Some(Reservation { key: ReservationKey(7), kind: 3 }));
        assert_eq!(parse_reservation(&[0; 8]).unwrap(), None);
        torture(&held, parse_reservation);
    }

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        let key = ReservationKey(0xAB);
        assert_eq!(key.to_string(), "00000000000000ab");
        assert_eq!("00000000000000AB".parse(), Ok(key));
        for bad in ["", "ab", "0000000000000000", "+0000000000000ab", "00000000000000xy"] {
            assert!(bad.parse::<ReservationKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_list_carries_our_key_and_the_other() {
        let list = encode_out(ReservationKey(0x0102), 0x0304);
        assert_eq!(list[6..8], [1, 2]);
        assert_eq!(list[14..16], [3, 4]);
        assert_eq!(list[16..], [0; 8]);
    }
}
