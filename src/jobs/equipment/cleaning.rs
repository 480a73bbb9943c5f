//! A cleaning cartridge in a drive: brought, waited for, and put back.
//!
//! A drive begins to clean by itself as soon as it has the cartridge, and says nothing of how far it is. Many
//! let the cartridge out when they are done; others keep it and say that it is one for cleaning, before and
//! after. So it is given the time that cleaning takes at most.

use std::sync::Arc;
use std::time::Duration;

use super::lease::{Claimant, Patience};
use super::{Equipment, EquipmentError, Loaded};
use crate::domain::{Barcode, DriveSerial};
use crate::drive::{DriveError, TapeAlert};

/// Vendors state two to five minutes.
const CLEANING: Duration = Duration::from_secs(5 * 60);
/// How often it is looked whether the drive has let the cartridge out.
const LOOK: Duration = Duration::from_secs(5);

/// What a drive said after cleaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Flags that were set while the cartridge was in it.
    pub alerts: Vec<TapeAlert>,
    /// It asks for it again.
    pub is_still_due: bool,
}

impl Equipment {
    /// Has the robot bring a cleaning cartridge to a drive, waits for its turn and for the drive, and has the
    /// cartridge put back. Nothing if the cartridge is in another drive by now.
    ///
    /// # Errors
    /// If there is no such drive or cartridge, a device fails, or the claimant is told to stop while it waits.
    pub fn clean(
        self: &Arc<Self>,
        serial: &DriveSerial,
        cartridge: &Barcode,
        claimant: &dyn Claimant,
    ) -> Result<Option<Cleaned>, EquipmentError> {
        let bay = self.bay_of(serial)?;
        let is_it = |bay: &super::DriveBay| bay.serial == *serial;
        let guard = self.take(&is_it, claimant, Patience::Waits)?;
        let guard = guard.ok_or(EquipmentError::Stopped)?;
        let Some(mut loaded) = self.bring(guard, cartridge)? else { return Ok(None) };
        let cleaned = self.await_cleaning(bay, &mut loaded, claimant);
        // Also a drive that does not tell must not keep the cartridge.
        let put_away = loaded.put_away();
        let cleaned = cleaned?;
        put_away?;
        Ok(Some(cleaned))
    }

    fn await_cleaning(
        &self,
        bay: usize,
        loaded: &mut Loaded,
        claimant: &dyn Claimant,
    ) -> Result<Cleaned, DriveError> {
        let begun = self.clock.elapsed();
        let time = if self.bays()[bay].has_motion { CLEANING } else { Duration::ZERO };
        while self.clock.elapsed().saturating_sub(begun) < time {
            // While it cleans a drive may say anything of its cartridge; that it has none ends it.
            if matches!(loaded.drive().medium(), Ok(None)) {
                break;
            }
            // Not obeyed: a robot does not take the cartridge away from a drive that cleans.
            let _ = claimant.is_stopped();
            self.clock.wait(LOOK);
        }
        let drive = loaded.drive();
        let alerts = drive.alerts()?;
        let is_still_due = drive.statistics()?.cleaning_required
            || alerts.iter().any(|alert| alert.asks_for_cleaning());
        Ok(Cleaned { alerts, is_still_due })
    }
}
