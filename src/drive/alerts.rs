//! TapeAlert: the flags by which a drive speaks of itself and its cartridge, in plain words.
//!
//! Reading the flags clears them in many drives, so whoever reads them must keep them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Drive, DriveError, Operation};
use crate::scsi::log;

/// How bad it is, by the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSeverity {
    /// To know.
    Information,
    /// Act soon.
    Warning,
    /// Act now: data is at risk.
    Critical,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSubject {
    /// The cartridge.
    Cartridge,
    /// The drive.
    Drive,
    /// Either; reading the cartridge in another drive tells.
    Either,
    /// The drive wants cleaning.
    Cleaning,
    /// What was done with it, not the hardware.
    Operation,
}

/// A TapeAlert flag that is set: its number from 1 to 64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TapeAlert(pub u8);

use AlertSeverity::{Critical, Information, Warning};
use AlertSubject::{Cartridge, Cleaning, Drive as TheDrive, Either, Operation as Use};

/// Flag, severity, subject, and what to tell a person.
const FLAGS: &[(u8, AlertSeverity, AlertSubject, &str)] = &[
    (1, Warning, Either, "The drive has trouble reading. Nothing is lost yet."),
    (2, Warning, Either, "The drive has trouble writing. Nothing is lost yet."),
    (3, Warning, Either, "Reading or writing failed and could not be repaired by the drive."),
    (4, Critical, Cartridge, "The cartridge is at fault. Copy what is on it and retire it."),
    (5, Critical, Either, "Reading failed: the cartridge is damaged or the drive is faulty."),
    (6, Critical, Either, "Writing failed: the cartridge is damaged or the drive is faulty."),
    (7, Warning, Cartridge, "The cartridge has reached the end of its life. Copy and retire it."),
    (8, Warning, Cartridge, "The cartridge is not of a grade for data."),
    (9, Critical, Use, "Something tried to write to a write-protected cartridge."),
    (10, Information, Use, "The cartridge could not be ejected because it was locked."),
    (11, Information, Cleaning, "A cleaning cartridge is in the drive."),
    (12, Information, Use, "The cartridge's format is not supported by this drive."),
    (13, Critical, Cartridge, "The tape has snapped. Do not use the cartridge again."),
    (14, Critical, Cartridge, "The tape has snapped and cannot be ejected. Call service."),
    (15, Warning, Cartridge, "The memory in the cartridge has failed. Copy and retire it."),
    (16, Critical, Use, "The cartridge was pulled out by force while in use."),
    (17, Warning, Use, "The cartridge can be read but not written by this drive."),
    (18, Warning, Cartridge, "The tape's directory in the cartridge memory is damaged."),
    (19, Information, Cartridge, "The cartridge is near the end of its life."),
    (20, Critical, Cleaning, "The drive must be cleaned now."),
    (21, Warning, Cleaning, "The drive should be cleaned soon."),
    (22, Critical, Cleaning, "The cleaning cartridge is used up. Replace it."),
    (23, Critical, Cleaning, "The cleaning cartridge is not one for this drive."),
    (24, Warning, TheDrive, "Loss of retention."),
    (25, Warning, TheDrive, "One of the drive's host connections has failed."),
    (26, Warning, TheDrive, "The drive's fan is failing."),
    (27, Warning, TheDrive, "The drive's power supply is failing."),
    (28, Warning, TheDrive, "The drive draws more power than it should."),
    (29, Warning, TheDrive, "The drive is due for maintenance."),
    (30, Critical, TheDrive, "The drive has a hardware fault. Eject, restart the drive."),
    (31, Critical, TheDrive, "The drive has a hardware fault. Have it replaced."),
    (32, Warning, TheDrive, "The drive's connection to the host is bad. Check the cable."),
    (33, Critical, TheDrive, "The last operation failed. Eject and insert the cartridge again."),
    (34, Warning, TheDrive, "The drive's new firmware could not be loaded."),
    (35, Warning, TheDrive, "The air in the drive is too humid."),
    (36, Warning, TheDrive, "The drive is too hot or too cold."),
    (37, Warning, TheDrive, "The drive's supply voltage is out of range."),
    (38, Critical, TheDrive, "The drive expects to fail. Have it replaced."),
    (39, Warning, TheDrive, "The drive needs diagnosis. Look at its service messages."),
    (46, Warning, TheDrive, "The drive and the library do not talk to each other."),
    (49, Information, TheDrive, "The diminished native capacity of the cartridge is in use."),
    (50, Warning, Cartridge, "Tape statistics in the cartridge memory were lost."),
    (51, Warning, Cartridge, "The tape's directory was invalid when the cartridge was unloaded."),
    (52, Critical, Cartridge, "The tape's system area could not be written. Copy and retire it."),
    (53, Critical, Cartridge, "The tape's system area could not be read. Copy and retire it."),
    (54, Critical, Cartridge, "The start of the data cannot be found on the tape."),
    (55, Critical, Either, "The cartridge could not be threaded. Try it in another drive."),
    (56, Critical, Either, "The cartridge could not be unthreaded. Call service."),
    (57, Critical, TheDrive, "The library's connection to the drive has failed."),
    (58, Warning, TheDrive, "The drive's firmware has failed."),
    (59, Warning, Cartridge, "The WORM cartridge failed its integrity check: maybe tampered with."),
    (60, Warning, Use, "Something tried to overwrite a WORM cartridge."),
    (61, Warning, TheDrive, "Encryption policy was violated."),
];

impl TapeAlert {
    fn row(self) -> Option<&'static (u8, AlertSeverity, AlertSubject, &'static str)> {
        FLAGS.iter().find(|row| row.0 == self.0)
    }

    /// How bad it is; flags that we do not know are to know only.
    #[must_use]
    pub fn severity(self) -> AlertSeverity {
        self.row().map_or(Information, |row| row.1)
    }

    /// What it is about.
    #[must_use]
    pub fn subject(self) -> AlertSubject {
        self.row().map_or(Use, |row| row.2)
    }

    /// What to tell a person.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.row().map_or("The drive has raised a flag that we do not know.", |row| row.3)
    }

    /// The drive wants to be cleaned.
    #[must_use]
    pub fn asks_for_cleaning(self) -> bool {
        matches!(self.0, 20 | 21)
    }

    /// The drive could not be cleaned with the cartridge that is in it.
    #[must_use]
    pub fn refuses_cleaning(self) -> bool {
        self.is_used_up() || self.0 == 23
    }

    /// The cleaning cartridge is good for no more uses.
    #[must_use]
    pub fn is_used_up(self) -> bool {
        self.0 == 22
    }
}

impl fmt::Display for TapeAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TapeAlert {}: {}", self.0, self.sentence())
    }
}

impl fmt::Debug for TapeAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Drive {
    /// The flags that are set. Many drives clear them by this: keep what it returns.
    ///
    /// # Errors
    /// If the drive does not answer or has no such page.
    pub fn alerts(&mut self) -> Result<Vec<TapeAlert>, DriveError> {
        let page = self.log_page(Operation::Named("read its alerts"), log::PAGE_TAPE_ALERT)?;
        let flags = log::tape_alert_flags(&page);
        Ok(flags.into_iter().filter(|flag| (1..=64).contains(flag)).map(TapeAlert).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_words_and_the_table_is_in_order() {
        assert!(FLAGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for flag in 0..=u8::MAX {
            assert!(!TapeAlert(flag).sentence().is_empty());
        }
        assert_eq!(TapeAlert(20).severity(), Critical);
        assert!(TapeAlert(20).asks_for_cleaning() && !TapeAlert(3).asks_for_cleaning());
        assert_eq!(TapeAlert(40).severity(), Information);
    }
}
