//! Reading ahead and writing behind: what a disk takes of a moment in which a drive waits.
//!
//! Between the last block of data and the index nothing else is to be done, and a drive waits. There files are
//! made and read from end to end by whoever talks to the drive; a thread beside it does the half that only
//! waits for the disk. Small files are not worth a thread and get none.

mod read_ahead;
mod write_behind;

pub use read_ahead::each_block;
pub use write_behind::WriteBehind;
