//! Loading with a watch in the hand: how long the robot takes to bring a cartridge, and the drive to be ready.

use std::sync::Arc;
use std::time::Duration;

use super::lease::{Claimant, Patience};
use super::{DriveBay, Equipment, EquipmentError, Loaded};
use crate::domain::{Barcode, DriveSerial};
use crate::drive::WaitState;

/// How long a cartridge took to a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadTimes {
    /// The robot, from slot to drive.
    pub bring: Duration,
    /// The drive, until it is ready.
    pub ready: Duration,
}

impl Equipment {
    /// Has the robot bring the cartridge to that drive and no other. Nothing if a job has the drive, or the
    /// cartridge is in another one by now.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_timed(
        self: &Arc<Self>,
        barcode: &Barcode,
        serial: &DriveSerial,
        claimant: &dyn Claimant,
        on_wait: &mut dyn FnMut(&WaitState),
    ) -> Result<Option<(Loaded, LoadTimes)>, EquipmentError> {
        let is_it = |bay: &DriveBay| bay.serial == *serial;
        let Some(guard) = self.take(&is_it, claimant, Patience::None)? else { return Ok(None) };
        let began = self.clock.elapsed();
        let Some(loaded) = self.bring(guard, barcode)? else { return Ok(None) };
        let brought = self.clock.elapsed();
        let loaded = loaded.made_ready(on_wait)?;
        let ready = self.clock.elapsed().saturating_sub(brought);
        Ok(Some((loaded, LoadTimes { bring: brought.saturating_sub(began), ready })))
    }
}
