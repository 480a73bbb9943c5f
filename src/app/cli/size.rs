//! Sizes as people type them.

use crate::domain::{ByteCount, GIB, KIB, MIB};

/// Units by their suffix. Tapes are sold in decimal units, files are shown in binary ones: both are
/// understood, and `G` alone is what the file tools mean by it.
const UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("k", KIB),
    ("kib", KIB),
    ("kb", 1_000),
    ("m", MIB),
    ("mib", MIB),
    ("mb", 1_000_000),
    ("g", GIB),
    ("gib", GIB),
    ("gb", 1_000_000_000),
    ("t", 1024 * GIB),
    ("tib", 1024 * GIB),
    ("tb", 1_000_000_000_000),
];

/// Reads `500MB`, `4GiB`, `1.5 TB` or plain bytes.
pub(super) fn parse_size(text: &str) -> Result<ByteCount, String> {
    let refuse = || format!("\"{text}\" is no size: write 500MB, 4GiB or plain bytes");
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refuse)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| refuse())?;
    // Digits that matter: a thousandth of the unit.
    let thousandths: u64 = match fraction {
        "" => 0,
        digits if digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.len() <= 3 => {
            format!("{digits:0<3}").parse().map_err(|_| refuse())?
        }
        _ => return Err(refuse()),
    };
    let bytes = whole.checked_mul(*factor).and_then(|bytes| {
        bytes.checked_add(u64::try_from(u128::from(*factor) * u128::from(thousandths) / 1000).ok()?)
    });
    bytes.map(ByteCount).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_kinds_of_unit() {
        let read = |text| parse_size(text).unwrap().0;
        assert_eq!(read("512"), 512);
        assert_eq!(read("4GiB"), 4 * GIB);
        assert_eq!(read("4g"), 4 * GIB);
        assert_eq!(read("1.5 TB"), 1_500_000_000_000);
        assert_eq!(read("500MB"), 500_000_000);
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for bad in ["", "GiB", "-1", "1e9", "4XB", "1.2.3", "1.2345g", "99999999999t", "1,5g"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
