//! What keeps the drive at speed: measured rates, water marks, and when a drive runs, and how fast.
//!
//! Pure: time and amounts come in, decisions go out. So the same code decides in the data path
//! and in `fossilsafe bench streaming`, which runs it for whole cartridges on a virtual clock.
//!
//! # The arithmetic
//!
//! A drive streams at one of the medium's speed bands, from D down to the slowest, M. Fed more slowly
//! than M it empties its buffer, overshoots, winds back and stands: a back-hitch of seconds. S is what
//! the source gives in the long run and B what can be staged. While the drive runs at R, B shrinks by
//! R − S a second, so one burst lasts B / (R − S) and moves R · B / (R − S).
//!
//! - **S < M: collect, then burst.** No buffer can prevent stops, only make them rare: N bytes need
//!   N · (1 − S/R) / B bursts, each of which ends with one stop. That is least at R = M. Hence: stand
//!   until B is all there is room for, run in the *slowest* band, stop at the low mark.
//! - **S ≥ M: never stop.** The staged bytes then only have to outlast the source's longest pause P at
//!   the slowest band: M · P. Hence: start at that, run in a band near S, fall to the slowest as
//!   the bytes shrink, and rise to the fastest before they fill the room.
//!
//! Both are one rule: a level to **start at and hold**, and a speed that follows the level above it,
//!
//! ```text
//!   speed
//!     D ┤                      ┌──────────   full speed, no limit
//!       │                 ┌────┘             one band after the other
//!     M ┤   ┌─────────────┘
//!     0 ┼───┘ - - - - - - ┊         ┊
//!       └───┬─────────────┬─────────┬────▶ staged bytes
//!          low           high    high + span
//! ```
//!
//! of which only the level depends on the source: from M · P (S ≥ 1.3 M) to all the room (S ≤ 1.05 M),
//! in between in proportion, so that a source near M makes nothing jump. In this law the level settles
//! by itself where speed and source agree (d level / dt = S − speed(level), one time constant): no
//! measured rate is followed, so a bursty source cannot make the drive swing. The span takes 4 P to
//! run through, which makes the swing that a pause causes a few bands at most.
//!
//! P is the longest pause that the source has shown, half forgotten every five minutes, and
//! guessed at the start. A source that has proven steady is held in memory alone, so that a disk does
//! not wear for nothing. A drive that had to stop all the same starts again with all the room filled.
//!
//! A drive takes no command for its speed: it follows the host. So a band is chosen by feeding it at
//! that rate, a little above ([`FEED_PERCENT`]), so that the drive's own buffer stays full.
//! Where the drive compresses, its bands say nothing of the host's rate: it is fed as it takes.

mod meter;
mod pacer;
mod water;

#[cfg(test)]
mod tests;

pub use meter::{RateMeter, SourceMeter, SourceView, per_second};
pub use pacer::{FEED_PERCENT, Motion, PaceView, Pacer};
pub use water::{StageRoom, Water, plan_water};
