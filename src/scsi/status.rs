//! The SCSI status byte that ends every command.

use std::fmt;

/// How a command ended, as the device says in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Done.
    Good,
    /// Sense data says what happened.
    CheckCondition,
    /// The condition that was asked for is met.
    ConditionMet,
    /// The device cannot take the command now.
    Busy,
    /// Another initiator has reserved the device. Never retried blindly.
    ReservationConflict,
    /// The device's queue is full.
    TaskSetFull,
    /// An auto contingent allegiance is active.
    AcaActive,
    /// The command was aborted by another initiator or a reset.
    TaskAborted,
    /// A code no standard that we know defines.
    Other(u8),
}

const CODES: [(u8, Status); 8] = [
    (0x00, Status::Good),
    (0x02, Status::CheckCondition),
    (0x04, Status::ConditionMet),
    (0x08, Status::Busy),
    (0x18, Status::ReservationConflict),
    (0x28, Status::TaskSetFull),
    (0x30, Status::AcaActive),
    (0x40, Status::TaskAborted),
];

impl Status {
    /// The status of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        CODES.iter().find(|(known, _)| *known == code).map_or(Self::Other(code), |(_, s)| *s)
    }

    /// The code of a status.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Other(code) => code,
            known => CODES.iter().find(|(_, s)| *s == known).map_or(0, |(code, _)| *code),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::CheckCondition => f.write_str("check condition"),
            Self::ConditionMet => f.write_str("condition met"),
            Self::Busy => f.write_str("busy"),
            Self::ReservationConflict => f.write_str("reservation conflict"),
            Self::TaskSetFull => f.write_str("task set full"),
            Self::AcaActive => f.write_str("ACA active"),
            Self::TaskAborted => f.write_str("task aborted"),
            Self::Other(code) => write!(f, "status {code:02X}h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_back_to_itself() {
        for code in 0..=u8::MAX {
            assert_eq!(Status::from_code(code).code(), code);
        }
    }
}
