//! Persistent reservation: nobody else commands the drive while we use it.

use std::sync::Arc;

use super::command::is_refusal;
use super::{Drive, DriveError, Operation, Transport};
use crate::domain::Clock;
use crate::scsi::cdb::primary::{self, ReserveIn, ReserveOut};
use crate::scsi::reservation::{self, OUT_BYTES, Reservation};

pub use crate::scsi::reservation::ReservationKey;

const NO_KEY: ReservationKey = ReservationKey(0);

/// Whether a drive is ours alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody else commands it.
    Reserved,
    /// It has no persistent reservations.
    Unsupported,
}

impl Drive {
    /// Opens a drive and claims it before anything is asked that a reservation of another host forbids.
    ///
    /// # Errors
    /// As [`Drive::open`] and [`Drive::claim`].
    pub fn open_claimed(
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
        key: ReservationKey,
    ) -> Result<(Self, Claim), DriveError> {
        let mut drive = Self::identified(transport, clock)?;
        let claim = drive.claim(key)?;
        drive.complete()?;
        Ok((drive, claim))
    }

    /// Who has reserved a drive; asks nothing that a reservation forbids.
    ///
    /// # Errors
    /// If it does not answer or has no persistent reservations.
    pub fn holder_of(
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<ReservationKey>, DriveError> {
        let mut drive = Self::identified(transport, clock)?;
        Ok(drive.reservation()?.map(|reservation| reservation.key))
    }

    /// Ends the reservation of another host, to which a person has agreed, and keeps none itself.
    ///
    /// # Errors
    /// If the drive refuses, for example because somebody else holds it by now.
    pub fn free_from(
        transport: Box<dyn Transport>,
        clock: Arc<dyn Clock>,
        ours: ReservationKey,
        from: ReservationKey,
    ) -> Result<(), DriveError> {
        let mut drive = Self::identified(transport, clock)?;
        drive.take_reservation(ours, from)?;
        drive.release(ours)
    }

    /// Reserves the drive for us alone. What we hold by another way to the drive, from before a change
    /// of cables for example, is ours by its key and taken over.
    ///
    /// # Errors
    /// [`DriveError::Reserved`] if another host holds it; it stays untouched.
    pub fn claim(&mut self, key: ReservationKey) -> Result<Claim, DriveError> {
        match self.reserve(key) {
            Ok(()) => Ok(Claim::Reserved),
            Err(error) if is_refusal(&error) => Ok(Claim::Unsupported),
            Err(DriveError::ReservationConflict { drive, .. }) => {
                // A host that has reserved without a key may forbid even the question.
                let holder = self.reservation().ok().flatten().map(|reservation| reservation.key);
                if holder == Some(key) {
                    return self.take_reservation(key, key).map(|()| Claim::Reserved);
                }
                // It may forbid that too; then there is nothing of ours to take away.
                let _ = self.register(Operation::Named("take its registration back"), NO_KEY);
                Err(DriveError::Reserved { drive, holder })
            }
            Err(error) => Err(error),
        }
    }

    /// Ends what [`Drive::claim`] began. A drive that was switched off meanwhile has forgotten it.
    ///
    /// # Errors
    /// If the drive refuses.
    pub fn end_claim(&mut self, key: ReservationKey) -> Result<(), DriveError> {
        match self.release(key) {
            Err(DriveError::ReservationConflict { .. }) => Ok(()),
            Err(error) if is_refusal(&error) => Ok(()),
            other => other,
        }
    }

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
