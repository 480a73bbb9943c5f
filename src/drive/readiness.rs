//! Loading, unloading, and waiting until a drive is ready.
//!
//! A drive that has got its cartridge from the robot threads it by itself and is *becoming ready*
//! for up to a minute; an LTO-9 cartridge is initialised at its very first load, for up to two hours,
//! with a progress indication.

use std::time::Duration;

use super::command::Ended;
use super::{Drive, DriveError, Operation};
use crate::domain::Position;
use crate::scsi::cdb::primary;
use crate::scsi::cdb::stream::{self, LoadUnload, Reply};
use crate::scsi::{Condition, Data, Sense};

/// Why a drive is not ready yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// It is threading the tape.
    BecomingReady,
    /// It initialises an LTO-9 cartridge for the first time.
    Initializing,
    /// It sees no cartridge yet; libraries let go of it a moment before the drive notices.
    NoCartridgeYet,
    /// It cannot take commands.
    Busy,
}

/// What a waiting caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitState {
    /// Why it is not ready.
    pub reason: WaitReason,
    /// How far it says to be, in percent.
    pub progress_percent: Option<u8>,
    /// How long it has been waited for.
    pub waited: Duration,
}

/// The first pause between two questions; doubled up to [`PAUSE_MAX`]. Chosen: a person sees no delay.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// The longest pause between two questions. Chosen: drives take seconds to thread.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long a drive may say "no cartridge" after the robot has let go of one. Chosen, no data yet.
const SETTLE: Duration = Duration::from_secs(5);
/// How often LOAD or UNLOAD is repeated over unit attentions.
const REPEATS_MAX: usize = 4;

impl Drive {
    /// Waits until the drive is ready: through threading and through the first initialisation of an
    /// LTO-9 cartridge. `on_wait` is told before each pause.
    ///
    /// # Errors
    /// [`DriveError::NotReadyInTime`] after `limit`; [`DriveError::NoMedium`] if no cartridge shows up;
    /// an error of [`super::DriveErrorKind::OperatorNeeded`] if it must be loaded first
    /// ([`Drive::load`]).
    pub fn wait_ready(
        &mut self,
        limit: Duration,
        on_wait: &mut dyn FnMut(&WaitState),
    ) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("become ready");
        let started = self.clock.elapsed();
        let mut pause = PAUSE_MIN;
        loop {
            let waited = self.clock.elapsed().saturating_sub(started);
            let reason = match self.query(OPERATION, primary::test_unit_ready(), None) {
                Ok(_) => {
                    self.pending_attention = None;
                    return Ok(());
                }
                Err(error) => match reason_to_wait(&error, waited) {
                    Some(reason) if waited < limit => (reason, progress_percent(&error)),
                    Some(_) => return Err(self.out_of_time(error, waited)),
                    None => return Err(error),
                },
            };
            let (reason, progress_percent) = reason;
            on_wait(&WaitState { reason, progress_percent, waited });
            self.clock.wait(pause.min(limit.saturating_sub(waited)));
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn out_of_time(&self, error: DriveError, waited: Duration) -> DriveError {
        match error {
            DriveError::Command { drive, sense, .. } => {
                DriveError::NotReadyInTime { drive, waited, sense }
            }
            other => other,
        }
    }

    /// Threads the cartridge, if it is not, and goes to the beginning of partition 0. Finds a lost
    /// position again; access is read-only afterwards.
    ///
    /// # Errors
    /// [`DriveError::NoMedium`] without a cartridge; otherwise the drive's own, with the position lost.
    pub fn load(&mut self) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("load the cartridge");
        self.load_unload(OPERATION, LoadUnload::Load)?;
        // What the load raised (06/28, or 06/29 from mhvtl) is about this very load.
        self.drain_attentions(OPERATION)?;
        self.begin_session();
        // A cartridge that was loaded already is only rewound in its partition by some drives.
        let beginning = Position::new(0, 0);
        if self.arrive(OPERATION)? == beginning { Ok(()) } else { self.locate(beginning) }
    }

    /// Rewinds, unthreads and lets the cartridge out. What was not flushed is written first.
    ///
    /// # Errors
    /// [`DriveError::Deferred`] if that failed: then nothing since the last synchronous filemark is
    /// certain. [`super::Condition::RemovalPrevented`] if the cartridge is locked. Unloaded all the same, if
    /// the drive keeps a key that it was given.
    pub fn unload(&mut self) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("unload the cartridge");
        self.load_unload(OPERATION, LoadUnload::Unload)?;
        self.drain_attentions(OPERATION)?;
        self.begin_session();
        self.ensure_keys_gone()
    }

    fn load_unload(&mut self, operation: Operation, what: LoadUnload) -> Result<(), DriveError> {
        let mut last = None;
        for _ in 0..REPEATS_MAX {
            let cdb = stream::load_unload(what, Reply::AtEnd);
            match self.send(operation, cdb, Data::None) {
                Ok(Ended::Good { .. }) => return Ok(()),
                Ok(Ended::Check { sense, .. }) => return Err(self.failed(operation, sense)),
                Err(error @ DriveError::UnitAttention { .. }) => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| self.inconsistent(operation, "it was never tried")))
    }
}

/// Why to go on waiting after that error; `None` if waiting does not help.
fn reason_to_wait(error: &DriveError, waited: Duration) -> Option<WaitReason> {
    match error {
        DriveError::Busy { .. } => Some(WaitReason::Busy),
        DriveError::NoMedium { .. } if waited < SETTLE => Some(WaitReason::NoCartridgeYet),
        DriveError::Command { sense, .. } => match sense.condition() {
            Condition::BecomingReady => Some(WaitReason::BecomingReady),
            Condition::Initializing => Some(WaitReason::Initializing),
            _ => None,
        },
        _ => None,
    }
}

fn progress_percent(error: &DriveError) -> Option<u8> {
    let progress = error.sense().and_then(|sense: &Sense| sense.progress)?;
    u8::try_from(u32::from(progress) * 100 / 0x1_0000).ok()
}
