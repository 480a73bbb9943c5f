//! What a drive says of itself: alerts and counters, asked while no job has it.

use std::sync::Arc;

use super::{Equipment, EquipmentError};
use crate::domain::{DriveSerial, Timestamp};
use crate::drive::{DriveStatistics, TapeAlert};

/// What a drive said.
#[derive(Clone, Debug)]
pub struct DriveReport {
    /// When.
    pub at: Timestamp,
    /// Flags that were set. Many drives forget them when they are read.
    pub alerts: Vec<TapeAlert>,
    /// Its counters, and those of a cartridge that is loaded.
    pub statistics: DriveStatistics,
}

impl Equipment {
    /// Asks a drive how it is; nothing if a job has it. Moves nothing and unloads nothing.
    ///
    /// # Errors
    /// If there is no such drive, another host has it, or it does not answer.
    pub fn drive_report(
        self: &Arc<Self>,
        serial: &DriveSerial,
    ) -> Result<Option<DriveReport>, EquipmentError> {
        let bay = self.bay_of(serial)?;
        let Some(_guard) = self.try_take(bay, None) else { return Ok(None) };
        let mut drive = self.connect(bay)?;
        let asked = drive.alerts().and_then(|alerts| Ok((alerts, drive.statistics()?)));
        // Also a drive that does not tell must not stay reserved.
        let ended = drive.end_claim(self.key);
        let (alerts, statistics) = asked?;
        ended?;
        Ok(Some(DriveReport { at: self.clock.now(), alerts, statistics }))
    }
}
