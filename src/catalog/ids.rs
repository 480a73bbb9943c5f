//! Names of rows that other modules may hold: segments, copies, cartridges; and times as SQLite
//! keeps them.
//!
//! A copy's number holds its segment and its place in tape order, so that a range of a segment is a
//! range of numbers and the search index needs no table between.

use std::fmt;

use serde::{Deserialize, Serialize};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::domain::{CopyLetter, Timestamp};

/// Bits of a copy's number that count within its segment: 68 billion files on one volume.
const SEQUENCE_BITS: u32 = 36;
/// One more than the highest sequence.
pub const SEQUENCE_LIMIT: u64 = 1 << SEQUENCE_BITS;

/// What one run put on one volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentId(pub i64);

/// A cartridge that the catalog has met. Barcodes repeat and change; this does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CartridgeId(pub i64);

/// One copy: a segment and the place in it, counted from 0 in tape order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CopyId(pub i64);

impl CopyId {
    /// The copy at `sequence` of `segment`. Sequences at or above [`SEQUENCE_LIMIT`] are clamped.
    #[must_use]
    pub fn new(segment: SegmentId, sequence: u64) -> Self {
        let low = i64::try_from(sequence.min(SEQUENCE_LIMIT - 1)).unwrap_or(i64::MAX);
        Self((segment.0 << SEQUENCE_BITS) | low)
    }

    /// The segment that holds it.
    #[must_use]
    pub fn segment(self) -> SegmentId {
        SegmentId(self.0 >> SEQUENCE_BITS)
    }

    /// Its place in the segment.
    #[must_use]
    pub fn sequence(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0) & (SEQUENCE_LIMIT - 1)
    }
}

impl ToSql for CopyLetter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.number()))
    }
}

impl FromSql for CopyLetter {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = u8::column_result(value)?;
        Self::from_number(number).ok_or(FromSqlError::OutOfRange(i64::from(number)))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CartridgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CopyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment(), self.sequence())
    }
}

/// Nanoseconds since the epoch, clamped to the years 1677 to 2262 that fit.
pub(super) fn sql_time(at: Timestamp) -> i64 {
    let nanoseconds = at.unix_nanoseconds();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// The moment that [`sql_time`] stored.
pub(super) fn time_from_sql(nanoseconds: i64) -> Timestamp {
    Timestamp::from_unix_nanoseconds(i128::from(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_copy_number_leads_back_to_its_segment_and_place(
            segment in 0_i64..1 << 27, sequence in 0..SEQUENCE_LIMIT
        ) {
            let copy = CopyId::new(SegmentId(segment), sequence);
            proptest::prop_assert_eq!(copy.segment(), SegmentId(segment));
            proptest::prop_assert_eq!(copy.sequence(), sequence);
        }
    }
}
