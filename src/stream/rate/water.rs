//! The marks between which a drive runs, from the medium, the source and the room there is.

use std::time::Duration;

use super::meter::SourceView;
use crate::stream::config::MediumRates;

/// Up to this part of the slowest band, a source is thought not to sustain the medium; in percent.
const COLLECTED_PERCENT: u64 = 105;
/// From this part of the slowest band on, it is thought to sustain it; in percent.
const SUSTAINED_PERCENT: u64 = 130;
/// All the room, in percent; what is left takes the blocks that come while a drive begins to move.
const FULL_PERCENT: u64 = 98;
/// Left at a planned stop, in time of the slowest band: enough for a file of some 50 MB to end.
const LOW: Duration = Duration::from_millis(500);
/// A drive that compresses is thought to take up to so many times the rate of its tape. Its bands then
/// say nothing about what the host has to give, so it is fed as fast as it takes.
const RATIO: u64 = 2;
/// A pause shorter than this is left to the drive's own buffer, and the source counts as steady.
const STEADY_PAUSE: Duration = Duration::from_secs(2);
/// The speed goes from slowest to fastest within this many pauses: see the module's arithmetic.
const SPAN_PAUSES: u32 = 4;
const SPAN_MIN: Duration = Duration::from_secs(10);

/// What can be staged at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageRoom {
    /// In memory.
    pub memory_bytes: u64,
    /// In memory and staging folder together.
    pub total_bytes: u64,
}

/// The marks, in staged bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Water {
    /// A standing drive starts at this, and runs in the slowest band up to this.
    pub high_bytes: u64,
    /// A running drive stops at this. 0: it never stops by itself.
    pub low_bytes: u64,
    /// So far above the high mark it runs as fast as it can.
    pub span_bytes: u64,
    /// A drive that had to stop starts again at this: all the room there is. So a misjudged source
    /// costs one stop, and after that no more than one a roomful.
    pub full_bytes: u64,
}

/// The marks for a medium, a source as it has shown itself, and the room there is. Without a medium
/// there are none: the drive takes what comes.
#[must_use]
pub fn plan_water(medium: Option<MediumRates>, source: SourceView, room: StageRoom) -> Water {
    let Some(medium) = medium else {
        return Water::default();
    };
    let slowest = match medium.is_compressing() {
        true => medium.slowest().saturating_mul(RATIO),
        false => medium.slowest(),
    };
    let total = room.total_bytes;
    let is_steady = source.pause < STEADY_PAUSE;
    let within = if is_steady { room.memory_bytes.min(total) } else { total };
    let low = bytes_in(slowest, LOW).min(total / 16);
    let reserve = low.saturating_add(bytes_in(slowest, source.pause)).min(within / 2);
    let full = total / 100 * FULL_PERCENT;
    let collected = collected_part(slowest, source.bytes_per_second);
    let high = between(reserve, full, collected);
    if medium.is_compressing() && collected == 0 {
        return Water { high_bytes: high, full_bytes: full, ..Water::default() };
    }
    let range = medium.fastest().saturating_sub(slowest);
    let span = bytes_in(range, (source.pause * SPAN_PAUSES).max(SPAN_MIN));
    Water {
        high_bytes: high,
        low_bytes: low.min(high / 2),
        // A quarter of the room is always left to read ahead into.
        span_bytes: span.min(within / 4).min(total - high),
        full_bytes: full,
    }
}

/// How far a source is from sustaining the slowest band, in thousandths: 0 if it does.
fn collected_part(slowest: u64, source: Option<u64>) -> u64 {
    let Some(source) = source else { return 1000 };
    let least = slowest / 100 * COLLECTED_PERCENT;
    let enough = slowest / 100 * SUSTAINED_PERCENT;
    let missing = enough.saturating_sub(source).min(enough - least);
    part(missing, enough - least)
}

/// `amount` of `whole`, in thousandths.
fn part(amount: u64, whole: u64) -> u64 {
    let part = u128::from(amount) * 1000 / u128::from(whole.max(1));
    u64::try_from(part).unwrap_or(1000)
}

/// The value that lies `thousandths` of the way from `from` up to `to`.
fn between(from: u64, to: u64, thousandths: u64) -> u64 {
    let way = u128::from(to.saturating_sub(from)) * u128::from(thousandths) / 1000;
    from.saturating_add(u64::try_from(way).unwrap_or(u64::MAX))
}

fn bytes_in(bytes_per_second: u64, time: Duration) -> u64 {
    let bytes = u128::from(bytes_per_second) * time.as_millis() / 1000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
