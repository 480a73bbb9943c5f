//! What can go wrong with one command, and which commands it can happen to.
//!
//! The letters are those of the failure catalogue in `src/FAILURES.md`. A fault that needs no command of ours (F10 a
//! swapped cartridge, F16 a source that changes, F20 lost keys) is not here: it has its own tests.

use fossilsafe::scsi::{SenseKey, opcode};
use fossilsafe::vtl::Device;
use fossilsafe::vtl::faults::{Effect, Execution, MoveEnd, SensePlan};

/// What may be wrong on the tape afterwards without anybody being able to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// Nothing.
    None,
    /// Bytes of this very command differ on the tape: only reading back finds out.
    Content,
    /// The drive forgot everything without a word right before the command, which wrote at the beginning
    /// of the tape then: the label of the index partition is gone. The data partition has another.
    Label,
}

/// One kind of fault.
pub(crate) struct FaultKind {
    pub(crate) name: &'static str,
    /// Its letters in the catalogue.
    pub(crate) failures: &'static str,
    pub(crate) effect: Effect,
    pub(crate) happens_to: fn(Device, u8) -> bool,
    pub(crate) harm: Harm,
}

fn sense(key: SenseKey, code: u8, qualifier: u8, execution: Execution) -> Effect {
    Effect::Sense { sense: SensePlan::new(key, code, qualifier), execution }
}

fn warning(qualifier: u8) -> Effect {
    let mut sense = SensePlan::new(SenseKey::NoSense, 0x00, qualifier);
    sense.end_of_medium = true;
    Effect::Sense { sense, execution: Execution::Done }
}

fn any(_: Device, _: u8) -> bool {
    true
}

fn drive(device: Device, _: u8) -> bool {
    matches!(device, Device::Drive(_))
}

/// Commands that a drive answers from its medium: the others know no error of it.
fn medium(device: Device, code: u8) -> bool {
    drive(device, code) && (writes(device, code) || reads(device, code) || moves_tape(device, code))
}

fn writes(device: Device, code: u8) -> bool {
    drive(device, code) && matches!(code, opcode::WRITE_6 | opcode::WRITE_FILEMARKS_6)
}

fn writes_block(device: Device, code: u8) -> bool {
    drive(device, code) && code == opcode::WRITE_6
}

fn reads(device: Device, code: u8) -> bool {
    drive(device, code) && code == opcode::READ_6
}

fn moves_block(device: Device, code: u8) -> bool {
    reads(device, code) || writes_block(device, code)
}

fn moves_tape(device: Device, code: u8) -> bool {
    drive(device, code)
        && matches!(
            code,
            opcode::LOCATE_16
                | opcode::LOCATE_10_OR_POSITION_TO_ELEMENT
                | opcode::SPACE_16
                | opcode::SPACE_6
                | opcode::REWIND
                | opcode::LOAD_UNLOAD
                | opcode::FORMAT_MEDIUM
        )
}

/// Commands whose effect depends on where the tape is.
fn depends_on_position(device: Device, code: u8) -> bool {
    medium(device, code) || (drive(device, code) && code == opcode::READ_POSITION)
}

fn moves_cartridge(device: Device, code: u8) -> bool {
    device == Device::Changer && code == opcode::MOVE_MEDIUM
}

/// Commands that a device may not have, or whose fields it may refuse.
fn is_optional(device: Device, code: u8) -> bool {
    !medium(device, code) && !matches!(code, opcode::INQUIRY | opcode::TEST_UNIT_READY)
}

/// Every kind of fault.
pub(crate) fn table() -> Vec<FaultKind> {
    use Execution::{Done, Skipped};
    use SenseKey as Key;
    let kind = |name, failures, effect, happens_to| FaultKind {
        name,
        failures,
        effect,
        happens_to,
        harm: Harm::None,
    };
    let stuck = Some(SensePlan::new(Key::HardwareError, 0x15, 0x01));
    let moved = |ends, sense| Effect::Move { ends, sense };
    let mut kinds = vec![
        kind("reset", "F5 F13", Effect::Reset { unit_attention: true }, any),
        kind("early-warning", "F6 F8", warning(0x02), writes),
        kind("programmable-early-warning", "F6", warning(0x07), writes),
        kind("volume-overflow", "F6", sense(Key::VolumeOverflow, 0x00, 0x02, Skipped), writes),
        kind("new-medium", "F10 F13", sense(Key::UnitAttention, 0x28, 0x00, Skipped), any),
        kind("preempted", "F14", sense(Key::UnitAttention, 0x2A, 0x03, Skipped), any),
        kind("reservation-conflict", "F14", Effect::ReservationConflict, any),
        kind("write-error", "F9", sense(Key::MediumError, 0x0C, 0x00, Skipped), writes),
        kind("locate-error", "F9 F23", sense(Key::MediumError, 0x15, 0x02, Skipped), moves_tape),
        kind("read-error", "F23", sense(Key::MediumError, 0x11, 0x00, Skipped), reads),
        kind("false-end-of-data", "F23", sense(Key::BlankCheck, 0x00, 0x05, Skipped), reads),
        kind("busy", "F24", Effect::Busy, any),
        kind("becoming-ready", "F24", sense(Key::NotReady, 0x04, 0x01, Skipped), any),
        kind("timeout", "F24", Effect::TransportTimeout { execution: Skipped }, any),
        kind("timeout-done", "F24", Effect::TransportTimeout { execution: Done }, any),
        kind("gone", "F13", Effect::TransportGone { execution: Skipped }, any),
        kind("gone-done", "F13", Effect::TransportGone { execution: Done }, any),
        kind("hardware-error", "F12 F28", sense(Key::HardwareError, 0x44, 0x00, Skipped), any),
        kind("aborted", "F13", sense(Key::AbortedCommand, 0x00, 0x00, Skipped), any),
        kind("refused", "F11 F25", sense(Key::IllegalRequest, 0x24, 0x00, Skipped), is_optional),
        kind("recovered", "F28", sense(Key::RecoveredError, 0x17, 0x01, Done), medium),
        kind("no-medium", "F12", sense(Key::NotReady, 0x3A, 0x00, Skipped), drive),
        kind("write-protected", "F7", sense(Key::DataProtect, 0x27, 0x00, Skipped), writes),
        kind("flipped-bit-read", "F15", Effect::FlippedBit { bit: Some(4321) }, reads),
        kind("fewer-bytes", "F15", Effect::LyingResidual { missing: 512 }, moves_block),
        kind("more-bytes", "F15", Effect::LyingResidual { missing: -512 }, moves_block),
        kind("move-stuck", "F12", moved(MoveEnd::Source, stuck), moves_cartridge),
        kind("move-half-done", "F12", moved(MoveEnd::Robot, stuck), moves_cartridge),
        kind("move-done-and-refused", "F12", moved(MoveEnd::Destination, stuck), moves_cartridge),
        kind("move-lies", "F12", moved(MoveEnd::Source, None), moves_cartridge),
        kind("move-lies-in-robot", "F12", moved(MoveEnd::Robot, None), moves_cartridge),
    ];
    for (name, objects_kept) in [("deferred-error", 0), ("deferred-error-later", 2)] {
        let sense = SensePlan::new(Key::MediumError, 0x0C, 0x00);
        kinds.push(kind(name, "F8 F9", Effect::DeferredError { sense, objects_kept }, drive));
    }
    for (name, failures, effect) in [
        ("silent-rewind", "F4 F5", Effect::SilentRewind),
        ("silent-reset", "F5", Effect::Reset { unit_attention: false }),
    ] {
        // A reset takes append-only mode with it.
        let harm = if name == "silent-reset" { Harm::Label } else { Harm::None };
        kinds.push(FaultKind { harm, ..kind(name, failures, effect, depends_on_position) });
    }
    kinds.push(FaultKind {
        harm: Harm::Content,
        ..kind("flipped-bit-write", "F15", Effect::FlippedBit { bit: Some(4321) }, writes_block)
    });
    kinds
}
