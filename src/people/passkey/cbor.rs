//! The little of CBOR (RFC 8949) that passkeys use, read from bytes that a stranger sends.
//!
//! Definite lengths only, as CTAP2's canonical form has them; what is not asked for is passed over. Depth and
//! lengths are bounded by what was received.

/// Containers within one another: an attestation has three.
const DEPTH_MAX: usize = 6;

/// An item, as far as anybody here asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item<'b> {
    Integer(i64),
    Bytes(&'b [u8]),
    Text(&'b str),
    Map(Vec<(Item<'b>, Item<'b>)>),
    /// A list, a tag, a float or a simple value: of no use here.
    Other,
}

impl<'b> Item<'b> {
    /// The value under a key of a map.
    pub(super) fn get(&self, key: &Item<'_>) -> Option<&Item<'b>> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(super) fn bytes(&self) -> Option<&'b [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}

/// Reads one item, and gives what follows it; nothing if it is none, or cut.
pub(super) fn read(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    read_within(bytes, DEPTH_MAX)
}

fn read_within(bytes: &[u8], depth: usize) -> Option<(Item<'_>, &[u8])> {
    let depth = depth.checked_sub(1)?;
    let (&first, rest) = bytes.split_first()?;
    let (argument, rest) = argument(first & 0x1F, rest)?;
    let signed = || i64::try_from(argument).ok();
    Some(match first >> 5 {
        0 => (Item::Integer(signed()?), rest),
        1 => (Item::Integer(-1 - signed()?), rest),
        2 => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(argument).ok()?)?;
            (Item::Bytes(bytes), rest)
        }
        3 => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(argument).ok()?)?;
            (Item::Text(std::str::from_utf8(bytes).ok()?), rest)
        }
        4 => {
            let mut rest = rest;
            for _ in 0..argument {
                rest = read_within(rest, depth)?.1;
            }
            (Item::Other, rest)
        }
        5 => {
            let (mut pairs, mut rest) = (Vec::new(), rest);
            for _ in 0..argument {
                let (key, after) = read_within(rest, depth)?;
                let (value, after) = read_within(after, depth)?;
                pairs.push((key, value));
                rest = after;
            }
            (Item::Map(pairs), rest)
        }
        6 => (Item::Other, read_within(rest, depth)?.1),
        _ => (Item::Other, rest),
    })
}

/// The number that belongs to an item's first byte.
fn argument(short: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    let width = match short {
        0..=23 => return Some((u64::from(short), rest)),
        24..=27 => 1_usize << (short - 24),
        _ => return None,
    };
    let (bytes, rest) = rest.split_at_checked(width)?;
    Some((bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_an_attestation_are_read_and_the_rest_is_passed_over() {
        // {1: -7, "fmt": "none", -2: h'0102', "x": [1, {}, 6(0)], "f": 1.5}
        let bytes = [
            0xA5, 0x01, 0x26, 0x63, b'f', b'm', b't', 0x64, b'n', b'o', b'n', b'e', 0x21, 0x42, 1,
            2, 0x61, b'x', 0x83, 1, 0xA0, 0xC6, 0, 0x61, b'f', 0xF9, 0x3E, 0, 0xAA,
        ];
        let (map, rest) = read(&bytes).unwrap();
        assert_eq!(rest, [0xAA]);
        assert_eq!(map.get(&Item::Integer(1)), Some(&Item::Integer(-7)));
        assert_eq!(map.get(&Item::Text("fmt")), Some(&Item::Text("none")));
        assert_eq!(map.get(&Item::Integer(-2)).and_then(Item::bytes), Some(&[1, 2][..]));
        assert_eq!(map.get(&Item::Text("x")), Some(&Item::Other));
        for end in 0..bytes.len() - 1 {
            assert!(read(&bytes[..end]).is_none(), "cut at {end}");
        }
    }

    #[test]
    fn lengths_and_depths_without_end_are_refused() {
        assert!(read(&[0x5B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0]).is_none());
        assert!(read(&[0xBB, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).is_none());
        assert!(read(&[0xC6; 40]).is_none());
        assert!(read(&[0x5F, 0x41, 0, 0xFF]).is_none(), "indefinite");
    }
}
