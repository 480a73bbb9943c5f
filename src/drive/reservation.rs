//! Persistent reservation: nobody else commands the drive while we use it.

use super::{Drive, DriveError, Operation};
use crate::scsi::cdb::primary::{self, ReserveIn, ReserveOut};
use crate::scsi::reservation::{self, OUT_BYTES, Reservation};

pub use crate::scsi::reservation::ReservationKey;

const NO_KEY: ReservationKey = ReservationKey(0);

impl Drive {
    /// Registers our key and reserves the drive for us alone. The key stays ours over a restart of the
    /// appliance, so a reservation that was left behind is taken up again.
    ///
    /// # Errors
    /// [`DriveError::ReservationConflict`] if another host holds it: a person must agree before
    /// [`Self::take_reservation`].
    pub fn reserve(&mut self, key: ReservationKey) -> Result<(), DriveError> {
        let operation = Operation::Named("reserve the drive");
        self.register(operation, key)?;
        self.reserve_out(operation, ReserveOut::Reserve, key, 0)
    }

    /// Takes the reservation of another host away. Its commands fail from then on.
    ///
    /// # Errors
    /// If the drive refuses.
    pub fn take_reservation(
        &mut self,
        key: ReservationKey,
        from: ReservationKey,
    ) -> Result<(), DriveError> {
        let operation = Operation::Named("take over the reservation");
        self.register(operation, key)?;
        self.reserve_out(operation, ReserveOut::Preempt, key, from.0)
    }

    /// Gives the reservation and our registration up. Nothing happens if we have none.
    ///
    /// # Errors
    /// If the drive refuses.
    pub fn release(&mut self, key: ReservationKey) -> Result<(), DriveError> {
        let operation = Operation::Named("release the drive");
        self.reserve_out(operation, ReserveOut::Release, key, 0)?;
        self.register(operation, NO_KEY)
    }

    /// Who has reserved the drive; `None`: nobody.
    ///
    /// # Errors
    /// If the drive does not answer or has no persistent reservations.
    pub fn reservation(&mut self) -> Result<Option<Reservation>, DriveError> {
        const BYTES: u16 = 64;
        self.ask::<_, 64>(
            Operation::Named("read its reservation"),
            primary::persistent_reserve_in(ReserveIn::ReadReservation, BYTES),
            reservation::parse_reservation,
        )
    }

    /// Every registered key.
    ///
    /// # Errors
    /// If the drive does not answer or has no persistent reservations.
    pub fn registered_keys(&mut self) -> Result<Vec<ReservationKey>, DriveError> {
        const BYTES: u16 = 1024;
        self.ask::<_, 1024>(
            Operation::Named("read its registered keys"),
            primary::persistent_reserve_in(ReserveIn::ReadKeys, BYTES),
            reservation::parse_keys,
        )
    }

    fn register(&mut self, operation: Operation, key: ReservationKey) -> Result<(), DriveError> {
        self.reserve_out(operation, ReserveOut::RegisterAndIgnore, NO_KEY, key.0)
    }

    fn reserve_out(
        &mut self,
        operation: Operation,
        what: ReserveOut,
        ours: ReservationKey,
        other: u64,
    ) -> Result<(), DriveError> {
        let list = reservation::encode_out(ours, other);
        let length = u32::try_from(OUT_BYTES).unwrap_or(u32::MAX);
        self.tell(operation, primary::persistent_reserve_out(what, length), &list)
    }
}
