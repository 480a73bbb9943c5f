//! Whose a drive is, and taking it from another host.

use super::Service;
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{ReservationHolder, ReservationView};
use crate::domain::DriveSerial;
use crate::drive::ReservationKey;
use crate::jobs::equipment::{EquipmentError, Holder};

const LOOK: &str = "Look who has it now: `fossilsafe library reservation SERIAL`.";

impl Service {
    pub(super) fn reservation_view(
        &self,
        drive: &DriveSerial,
    ) -> Result<ReservationView, EngineError> {
        let holder = self.parts.equipment.holder(drive).map_err(|error| refused(&error))?;
        let (holder, key) = match holder {
            Holder::Nobody => (ReservationHolder::Nobody, None),
            Holder::Ours => (ReservationHolder::ThisAppliance, None),
            Holder::Other(key) => (ReservationHolder::AnotherHost, Some(key.to_string())),
        };
        Ok(ReservationView { drive: drive.clone(), holder, key })
    }

    pub(super) fn take_drive_from(
        &self,
        drive: &DriveSerial,
        typed: &str,
    ) -> Result<ReservationView, EngineError> {
        let from: ReservationKey = typed.parse().map_err(|error| {
            EngineError::new(Kind::Invalid, "bad_key", format!("{error}."), LOOK)
        })?;
        let equipment = &self.parts.equipment;
        match equipment.holder(drive).map_err(|error| refused(&error))? {
            Holder::Other(key) if key == from => {}
            _ => {
                let message = format!("Drive {drive} is not reserved with key {from}.");
                return Err(EngineError::new(Kind::Conflict, "other_holder", message, LOOK));
            }
        }
        equipment.free_from(drive, from).map_err(|error| refused(&error))?;
        tracing::warn!("drive {drive} was taken from the host with reservation key {from}");
        self.reservation_view(drive)
    }
}

pub(super) fn refused(error: &EquipmentError) -> EngineError {
    let (kind, code, next_step) = match error {
        EquipmentError::UnknownDrive { .. } => {
            (Kind::NotFound, "drive_unknown", "See `fossilsafe library show`.")
        }
        EquipmentError::DriveInUse { .. } => {
            (Kind::Conflict, "drive_in_use", "Wait for the job that uses it.")
        }
        _ => (Kind::Unavailable, "drive_refuses", "Look at the drive, then try again."),
    };
    EngineError::new(kind, code, format!("{error}."), next_step)
}
