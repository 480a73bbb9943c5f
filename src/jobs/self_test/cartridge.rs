//! Writing to a cartridge and reading it back: the whole way to the tape, and to every bit of it again.
//!
//! Only a cartridge with nothing on it is used, blank or with an empty volume of ours, and it ends with an empty
//! volume. What is written fits no compression, so the rates are the tape's own.

use std::time::Duration;

use super::Verdict;
use crate::catalog::EventLevel;
use crate::domain::{Barcode, ByteCount};
use crate::drive::{Access, Drive, Flush, ReadOutcome};
use crate::jobs::context::JobContext;
use crate::jobs::equipment::Loaded;
use crate::jobs::error::JobError;
use crate::jobs::format;
use crate::ltfs::label::PartitionMap;

/// As LTFS volumes here have.
const BLOCK_BYTES: usize = 512 * 1024;
/// What is written: more than a drive has as a buffer, and half a second of the fastest one.
const BLOCKS_MAX: u64 = 256;
/// At most this part of what a cartridge holds: virtual ones can be small.
const PART_OF_CARTRIDGE: u64 = 4;

/// Loads a cartridge, writes to it, and reads that back.
///
/// # Errors
/// If the cartridge has something on it, is not there, or a device fails.
pub(super) fn write_and_read_back(
    context: &JobContext,
    barcode: &Barcode,
) -> Result<Verdict, JobError> {
    context.stage("loading", Some(barcode));
    let equipment = &context.parts.equipment;
    let mut loaded = equipment.load(barcode, context, &mut |wait| context.tell_wait(wait))?;
    let tried = on_loaded(context, &mut loaded);
    context.stage("putting the cartridge away", Some(barcode));
    if let Err(error) = loaded.put_away() {
        let message = format!("cartridge {barcode} could not be put away: {error}");
        context.tell(EventLevel::Warning, "put_away", message);
    }
    tried
}

fn on_loaded(context: &JobContext, loaded: &mut Loaded) -> Result<Verdict, JobError> {
    let barcode = loaded.barcode().clone();
    context.stage("making an empty volume", Some(&barcode));
    let cartridge = format::empty(context, loaded)?;
    context.stage("writing and reading back", Some(&barcode));
    let tried = transfer(context, loaded.drive());
    // Whatever came of it, what is on the tape is to be what the catalog says.
    format::make_another(context, loaded, cartridge)?;
    tried
}

fn transfer(context: &JobContext, drive: &mut Drive) -> Result<Verdict, JobError> {
    let length = BLOCK_BYTES.min(drive.capabilities().block_bytes_max);
    let clock = &context.parts.clock;
    let partition = PartitionMap::FORMATTED.data.1;
    let capacities = drive.partition_capacities()?;
    let capacity = capacities.iter().find(|it| it.partition == partition).map(|it| it.maximum.0);
    let room = capacity.map_or(BLOCKS_MAX, |bytes| bytes / PART_OF_CARTRIDGE / length as u64);
    let blocks = room.clamp(1, BLOCKS_MAX);
    let at = drive.locate_end_of_data(partition)?;
    let began = clock.elapsed();
    drive.permit(Access::Write);
    let written = write(context, drive, blocks, length);
    drive.permit(Access::ReadOnly);
    let written = written?;
    if written < blocks {
        return Ok(Verdict::failed(
            format!("The drive calls the cartridge full after {written} blocks, and it is empty."),
            "Try it again with another cartridge; if that is called full too, have the drive looked at.",
        ));
    }
    let wrote = clock.elapsed().saturating_sub(began);
    drive.locate(at)?;
    let began = clock.elapsed();
    if let Some(number) = first_difference(context, drive, blocks, length)? {
        return Ok(Verdict::failed(
            format!("Block {number} of {blocks} came back other than it was written."),
            "Do not use the drive for anything of which there is one copy; clean it, and try it again \
             with another cartridge.",
        ));
    }
    let read = clock.elapsed().saturating_sub(began);
    let bytes = blocks * length as u64;
    Ok(Verdict::passed(format!(
        "{} were written at {} and read back at {}, all as written.",
        ByteCount(bytes),
        rate(bytes, wrote),
        rate(bytes, read)
    )))
}

/// How many blocks the drive has taken.
fn write(
    context: &JobContext,
    drive: &mut Drive,
    blocks: u64,
    length: usize,
) -> Result<u64, JobError> {
    let mut block = vec![0; length];
    for number in 0..blocks {
        fill(&mut block, number);
        if !drive.write_block(&block)?.is_on_tape() {
            return Ok(number);
        }
        context.update(|progress| progress.bytes_done += length as u64);
    }
    let _ = drive.write_filemarks(1, Flush::Synchronous)?;
    Ok(blocks)
}

/// The number of the first block that is not as it was written.
fn first_difference(
    context: &JobContext,
    drive: &mut Drive,
    blocks: u64,
    length: usize,
) -> Result<Option<u64>, JobError> {
    let (mut wanted, mut got) = (vec![0; length], vec![0; length]);
    for number in 0..blocks {
        fill(&mut wanted, number);
        let outcome = drive.read_block(&mut got)?;
        if outcome != (ReadOutcome::Block { len: length }) || got != wanted {
            return Ok(Some(number));
        }
        context.update(|progress| progress.bytes_done += length as u64);
    }
    Ok(None)
}

/// A block of its own for each number, which fits no compression (xorshift).
fn fill(block: &mut [u8], number: u64) {
    let mut state = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for piece in block.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        piece.copy_from_slice(&state.to_be_bytes()[..piece.len()]);
    }
}

/// A virtual drive may take no time at all.
fn rate(bytes: u64, time: Duration) -> String {
    let milliseconds = time.as_millis();
    if milliseconds == 0 {
        return "once".to_owned();
    }
    format!("{} MB/s", u128::from(bytes) / milliseconds / 1000)
}
