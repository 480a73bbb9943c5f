//! What the virtual devices say, one function a condition.
//!
//! The numbers stand here and, for reading, in `scsi::sense`; nowhere else. They were written down
//! from the standards and from what mhvtl and LTO drives answer, not derived from the parser.

use crate::scsi::{Sense, SenseKey as Key};

fn with_information(mut sense: Sense, information: i64) -> Sense {
    sense.information = Some(information);
    sense
}

/// A filemark was met; `residual` of what was asked for is left.
pub(super) fn filemark(residual: i64) -> Sense {
    let mut sense = with_information(Sense::new(Key::NoSense, 0x00, 0x01), residual);
    sense.filemark = true;
    sense
}

/// Nothing was written behind here.
pub(super) fn end_of_data(residual: i64) -> Sense {
    with_information(Sense::new(Key::BlankCheck, 0x00, 0x05), residual)
}

/// The beginning of the partition was met while going back.
pub(super) fn beginning_of_partition(residual: i64) -> Sense {
    let mut sense = with_information(Sense::new(Key::NoSense, 0x00, 0x04), residual);
    sense.end_of_medium = true;
    sense
}

/// The block had another length: asked minus actual.
pub(super) fn incorrect_length(difference: i64) -> Sense {
    let mut sense = with_information(Sense::new(Key::NoSense, 0x00, 0x00), difference);
    sense.incorrect_length = true;
    sense
}

/// Past early warning; what was asked for is done.
pub(super) fn early_warning() -> Sense {
    let mut sense = with_information(Sense::new(Key::NoSense, 0x00, 0x02), 0);
    sense.end_of_medium = true;
    sense
}

/// Past programmable early warning; what was asked for is done.
pub(super) fn programmable_early_warning() -> Sense {
    let mut sense = with_information(Sense::new(Key::NoSense, 0x00, 0x07), 0);
    sense.end_of_medium = true;
    sense
}

/// The physical end: `residual` was not written.
pub(super) fn volume_overflow(residual: i64) -> Sense {
    let mut sense = with_information(Sense::new(Key::VolumeOverflow, 0x00, 0x02), residual);
    sense.end_of_medium = true;
    sense
}

/// An unrecovered read error at the block just passed.
pub(super) fn read_error(residual: i64) -> Sense {
    with_information(Sense::new(Key::MediumError, 0x11, 0x00), residual)
}

/// A write error.
pub(super) fn write_error() -> Sense {
    Sense::new(Key::MediumError, 0x0C, 0x00)
}

macro_rules! senses {
    ($($(#[$doc:meta])* $name:ident = $key:ident, $code:literal, $qualifier:literal;)*) => {
        $($(#[$doc])* pub(super) fn $name() -> Sense {
            Sense::new(Key::$key, $code, $qualifier)
        })*
    };
}

senses! {
    /// Nothing to say.
    nothing = NoSense, 0x00, 0x00;
    /// No such command here.
    invalid_opcode = IllegalRequest, 0x20, 0x00;
    /// No element has that address.
    invalid_element = IllegalRequest, 0x21, 0x01;
    /// A field of the command block is wrong.
    invalid_field = IllegalRequest, 0x24, 0x00;
    /// A field of the parameter list is wrong.
    invalid_parameter = IllegalRequest, 0x26, 0x00;
    /// The parameter list ends too early.
    parameter_list_length = IllegalRequest, 0x1A, 0x00;
    /// A reservation would be released that is not held as said.
    invalid_release = IllegalRequest, 0x26, 0x04;
    /// Only at the beginning of the medium.
    position_past_beginning = IllegalRequest, 0x3B, 0x0C;
    /// In append-only mode: the tape does not stand where this may be done.
    wrong_position = IllegalRequest, 0x3B, 0x00;
    /// The destination of a move is full.
    destination_full = IllegalRequest, 0x3B, 0x0D;
    /// The source of a move is empty.
    source_empty = IllegalRequest, 0x3B, 0x0E;
    /// Removal is prevented, or the cartridge was not unloaded.
    removal_prevented = IllegalRequest, 0x53, 0x02;
    /// The host sent fewer bytes than the command block says.
    data_phase_error = AbortedCommand, 0x4B, 0x00;
    /// The drive is threading the tape.
    becoming_ready = NotReady, 0x04, 0x01;
    /// No cartridge, or one that was unloaded.
    medium_not_present = NotReady, 0x3A, 0x00;
    /// A cleaning cartridge is in the drive.
    cleaning_cartridge = NotReady, 0x30, 0x03;
    /// The drive cannot read this generation.
    incompatible_medium = NotReady, 0x30, 0x00;
    /// The changer refuses to load this generation into that drive (as mhvtl does).
    manual_intervention = HardwareError, 0x04, 0x03;
    /// The drive reads this generation but does not write it.
    cannot_write_format = DataProtect, 0x30, 0x05;
    /// The switch of the cartridge is on.
    write_protected = DataProtect, 0x27, 0x00;
    /// WORM: it would be overwritten.
    worm_overwrite = DataProtect, 0x30, 0x0C;
    /// The block is encrypted and decryption is off.
    unable_to_decrypt = DataProtect, 0x74, 0x01;
    /// The block is not encrypted and only encrypted ones are asked for.
    unencrypted_data = DataProtect, 0x74, 0x02;
    /// The block was encrypted with another key.
    incorrect_key = DataProtect, 0x74, 0x03;
    /// The block did not authenticate.
    integrity_failed = DataProtect, 0x74, 0x04;
    /// The files of the cartridge cannot be written.
    internal_failure = HardwareError, 0x44, 0x00;
}

/// First load of an LTO-9 cartridge: so many 65536ths are done.
pub(super) fn initializing(progress: u16) -> Sense {
    let mut sense = Sense::new(Key::NotReady, 0x04, 0x07);
    sense.progress = Some(progress);
    sense
}

/// What happened to a unit since an initiator last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attention {
    /// Power on, reset or bus device reset.
    PowerOn,
    /// A cartridge was loaded.
    MediumChanged,
    /// A mail slot was opened.
    MailSlotAccessed,
    /// Another initiator changed mode parameters.
    ModeParametersChanged,
    /// Another initiator pre-empted our reservation.
    ReservationPreempted,
    /// Another initiator released the reservation.
    ReservationReleased,
    /// Another initiator pre-empted our registration.
    RegistrationsPreempted,
    /// Another initiator changed the encryption key for all.
    EncryptionChanged,
}

impl Attention {
    /// The unit attention as sense.
    pub(super) fn sense(self) -> Sense {
        let (code, qualifier) = match self {
            Self::PowerOn => (0x29, 0x00),
            Self::MediumChanged => (0x28, 0x00),
            Self::MailSlotAccessed => (0x28, 0x01),
            Self::ModeParametersChanged => (0x2A, 0x01),
            Self::ReservationPreempted => (0x2A, 0x03),
            Self::ReservationReleased => (0x2A, 0x04),
            Self::RegistrationsPreempted => (0x2A, 0x05),
            Self::EncryptionChanged => (0x2A, 0x11),
        };
        Sense::new(Key::UnitAttention, code, qualifier)
    }
}
