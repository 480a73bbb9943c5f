//! How long each command may take: from the drive's own word, with a margin, else generous defaults.
//!
//! A limit that is shorter than reality resets the bus in the middle of an operation, so a limit is
//! only there to notice a dead device. REPORT SUPPORTED OPERATION CODES with timeouts descriptors says
//! what the drive recommends; READ ATTRIBUTE of the volume change reference may legitimately need half
//! an hour, loading an LTO-9 cartridge for the first time more than two.

use std::collections::HashMap;
use std::time::Duration;

use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};
use super::opcode;

/// One supported command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupportedCommand {
    /// OPERATION CODE.
    pub opcode: u8,
    /// SERVICE ACTION, for the opcodes that have them.
    pub service_action: Option<u16>,
    /// RECOMMENDED COMMAND TIMEOUT, or NOMINAL COMMAND PROCESSING TIMEOUT if that is longer. `None` if
    /// the device gives no time.
    pub recommended: Option<Duration>,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawCommand {
    opcode: u8,
    reserved_1: u8,
    /// Bytes 2..4: SERVICE ACTION.
    service_action: U16,
    reserved_4: u8,
    /// Byte 5: bit 1 CTDP, a timeouts descriptor follows; bit 0 SERVACTV.
    flags: u8,
    cdb_length: U16,
}
const _: () = assert!(size_of::<RawCommand>() == 8);

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawTimeouts {
    /// Bytes 0..2: DESCRIPTOR LENGTH, of what follows.
    length: U16,
    reserved_2: u8,
    command_specific: u8,
    /// Bytes 4..8: NOMINAL COMMAND PROCESSING TIMEOUT in seconds.
    nominal: U32,
    /// Bytes 8..12: RECOMMENDED COMMAND TIMEOUT in seconds.
    recommended: U32,
}
const _: () = assert!(size_of::<RawTimeouts>() == 12);

/// Reads a REPORT SUPPORTED OPERATION CODES answer for all commands. A descriptor that is cut off ends
/// the list.
///
/// # Errors
/// If there is no header.
pub fn parse_supported_commands(bytes: &[u8]) -> Result<Vec<SupportedCommand>, AnswerError> {
    const ANSWER: &str = "REPORT SUPPORTED OPERATION CODES";
    const TIMEOUTS_FOLLOW: u8 = 1 << 1;
    const SERVICE_ACTION_VALID: u8 = 1;
    let (length, rest) = prefix::<U32>(bytes, ANSWER)?;
    let length = usize::try_from(length.get()).unwrap_or(usize::MAX);
    let mut rest = &rest[..rest.len().min(length)];
    let mut commands = Vec::new();
    while let Ok((raw, tail)) = prefix::<RawCommand>(rest, ANSWER) {
        rest = tail;
        let mut recommended = None;
        if raw.flags & TIMEOUTS_FOLLOW != 0 {
            let Ok((timeouts, _)) = prefix::<RawTimeouts>(rest, ANSWER) else { break };
            let seconds = timeouts.nominal.get().max(timeouts.recommended.get());
            recommended = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
            let skip = usize::from(timeouts.length.get()).saturating_add(2);
            rest = rest.get(skip..).unwrap_or_default();
        }
        let has_action = raw.flags & SERVICE_ACTION_VALID != 0;
        commands.push(SupportedCommand {
            opcode: raw.opcode,
            service_action: has_action.then(|| raw.service_action.get()),
            recommended,
        });
    }
    Ok(commands)
}

/// The time limits of one device.
#[derive(Clone, Debug, Default)]
pub struct Timeouts {
    /// The longest recommendation for each opcode.
    recommended: HashMap<u8, Duration>,
}

/// Never less than this, whatever the drive recommends: it may first have to finish the command before.
/// Chosen: what drives recommend for their quick commands.
const FLOOR: Duration = Duration::from_secs(60);
/// Never less than this for attributes: drives recommend 60 s and have been seen to need 60 + 1,680 s for
/// the volume change reference, because they end their writing first.
const ATTRIBUTE_FLOOR: Duration = Duration::from_secs(1800);

/// The shortest limit of a command.
fn floor(opcode: u8) -> Duration {
    match opcode {
        opcode::READ_ATTRIBUTE | opcode::WRITE_ATTRIBUTE => ATTRIBUTE_FLOOR,
        _ => FLOOR,
    }
}

impl Timeouts {
    /// Limits by what the device recommends; for commands it does not name, the defaults.
    #[must_use]
    pub fn from_supported(commands: &[SupportedCommand]) -> Self {
        let mut recommended = HashMap::new();
        for command in commands {
            if let Some(time) = command.recommended {
                let longest = recommended.entry(command.opcode).or_insert(time);
                *longest = time.max(*longest);
            }
        }
        Self { recommended }
    }

    /// How long a command may take.
    ///
    /// The recommendation gets half of itself on top: drives age, and a limit that was too long costs
    /// only waiting.
    #[must_use]
    pub fn limit(&self, opcode: u8) -> Duration {
        match self.recommended.get(&opcode) {
            Some(time) => (*time + *time / 2).max(floor(opcode)),
            None => default_limit(opcode),
        }
    }
}

/// Limits for a device that recommends none: the longest that drives of the last generations recommend,
/// rounded up.
fn default_limit(opcode: u8) -> Duration {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    Duration::from_secs(match opcode {
        opcode::TEST_UNIT_READY | opcode::INQUIRY | opcode::REQUEST_SENSE => 2 * MINUTE,
        // LTO-9 recommends 7,920 s: its first load initialises the medium.
        opcode::LOAD_UNLOAD | opcode::FORMAT_MEDIUM | opcode::SET_CAPACITY => 4 * HOUR,
        // A long erase writes the whole tape.
        opcode::ERASE_6 => 16 * HOUR,
        // LTO-9 recommends 2,940 s to locate and space, 2,340 s to read.
        opcode::LOCATE_16
        | opcode::LOCATE_10_OR_POSITION_TO_ELEMENT
        | opcode::SPACE_16
        | opcode::SPACE_6
        | opcode::REWIND
        | opcode::READ_6
        | opcode::VERIFY_6
        | opcode::WRITE_6
        | opcode::WRITE_FILEMARKS_6 => HOUR,
        // The volume change reference may need 60 + 1,680 s: the drive first ends its writing.
        opcode::READ_ATTRIBUTE | opcode::WRITE_ATTRIBUTE => HOUR,
        // A changer may look at every slot, or park a picker before it moves.
        opcode::INITIALIZE_ELEMENT_STATUS
        | opcode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE
        | opcode::READ_ELEMENT_STATUS => HOUR,
        opcode::MOVE_MEDIUM | opcode::EXCHANGE_MEDIUM => 30 * MINUTE,
        _ => 10 * MINUTE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    /// LOAD UNLOAD with 600 s nominal and 7,920 s recommended; MAINTENANCE IN/0Ch without a time; READ
    /// POSITION with zeros.
    fn answer() -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 0];
        bytes.extend_from_slice(&[0x1B, 0, 0, 0, 0, 0x02, 0, 6]);
        bytes.extend_from_slice(&[0, 0x0A, 0, 0, 0, 0, 0x02, 0x58, 0, 0, 0x1E, 0xF0]);
        bytes.extend_from_slice(&[0xA3, 0, 0, 0x0C, 0, 0x01, 0, 12]);
        bytes.extend_from_slice(&[0x34, 0, 0, 0, 0, 0x02, 0, 10]);
        bytes.extend_from_slice(&[0, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes[3] = u8::try_from(bytes.len() - 4).unwrap();
        bytes
    }

    #[test]
    fn recommended_times_are_read_and_get_a_margin() {
        let commands = parse_supported_commands(&answer()).unwrap();
        assert_eq!(commands.len(), 3);
        assert_eq!(commands[0].recommended, Some(Duration::from_secs(7920)));
        assert_eq!(commands[1].service_action, Some(0x0C));
        assert_eq!(commands[2].recommended, None);
        let timeouts = Timeouts::from_supported(&commands);
        assert_eq!(timeouts.limit(opcode::LOAD_UNLOAD), Duration::from_secs(11_880));
        assert_eq!(timeouts.limit(opcode::READ_POSITION), Duration::from_secs(600));
    }

    #[test]
    fn a_short_recommendation_is_raised_to_the_floor() {
        let commands = [opcode::TEST_UNIT_READY, opcode::READ_ATTRIBUTE].map(|opcode| {
            let recommended = Some(Duration::from_secs(1));
            SupportedCommand { opcode, service_action: None, recommended }
        });
        let timeouts = Timeouts::from_supported(&commands);
        assert_eq!(timeouts.limit(opcode::TEST_UNIT_READY), FLOOR);
        assert_eq!(timeouts.limit(opcode::READ_ATTRIBUTE), ATTRIBUTE_FLOOR);
    }

    #[test]
    fn without_recommendations_slow_commands_get_hours() {
        let timeouts = Timeouts::default();
        assert!(timeouts.limit(opcode::LOAD_UNLOAD) >= Duration::from_secs(7920));
        assert!(timeouts.limit(opcode::LOCATE_16) >= Duration::from_secs(2940));
        assert!(timeouts.limit(opcode::READ_ATTRIBUTE) >= Duration::from_secs(1740));
    }

    #[test]
    fn damaged_answers_never_panic() {
        torture(&answer(), parse_supported_commands);
    }
}
