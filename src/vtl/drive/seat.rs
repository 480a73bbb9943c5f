//! The cartridge in a drive: threading, ready, unloaded, and how it comes and goes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::DriveUnit;
use super::writing::BadObject;
use crate::domain::LtoGeneration;
use crate::scsi::Sense;
use crate::vtl::VtlError;
use crate::vtl::log::LoadedCartridge;
use crate::vtl::plan::CartridgeKind;
use crate::vtl::senses::{self, Attention};
use crate::vtl::store::Cartridge;
use crate::vtl::timing;
use crate::vtl::unit::{Answer, Refusal, done};

/// A cartridge in the drive.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) cartridge: Cartridge,
    pub(super) label: Arc<LoadedCartridge>,
    pub(super) state: SeatState,
    /// A write error found after its command was answered, still to be told.
    pub(super) deferred: Option<Sense>,
    /// A buffered object that the tape will not take.
    pub(super) bad_object: Option<BadObject>,
    /// The next write changes the volume change reference.
    pub(super) will_change: bool,
    /// Objects were written past programmable early warning already.
    pub(super) is_past_warning: [bool; PARTITIONS_MAX],
    /// What the next write may replace in append-only mode.
    pub(super) allowed: Allowed,
}

/// What ALLOW OVERWRITE has allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Nothing.
    #[default]
    Nothing,
    /// What stands from that object of a partition on.
    From(u8, u64),
    /// FORMAT MEDIUM and SET CAPACITY.
    Layout,
}

/// More partitions than any LTO layout has.
pub(super) const PARTITIONS_MAX: usize = 4;

/// How far the cartridge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeatState {
    /// The tape is being threaded, or initialised for the first time.
    Loading { since: Duration, ready: Duration, is_initialization: bool },
    /// It can be read and written.
    Ready,
    /// It can be taken, or loaded again.
    Unloaded,
    /// The drive cannot use it: it cleans, or is of another generation.
    Unusable(Unusable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    Cleaning,
    Incompatible,
}

/// Why a cartridge cannot be taken out of a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vtl) enum Ejection {
    /// An initiator prevents it.
    Prevented,
    /// It is still loaded.
    Loaded,
    /// What was buffered could not be written.
    Failed,
}

/// TapeAlert flags that the virtual drive raises.
pub(super) mod alert {
    /// Flag 3: hard error.
    pub(in crate::vtl::drive) const HARD_ERROR: u8 = 3;
    /// Flag 5: read failure.
    pub(in crate::vtl::drive) const READ_FAILURE: u8 = 5;
    /// Flag 6: write failure.
    pub(in crate::vtl::drive) const WRITE_FAILURE: u8 = 6;
    /// Flag 9: write protect.
    pub(in crate::vtl::drive) const WRITE_PROTECT: u8 = 9;
    /// Flag 20: clean now.
    pub(in crate::vtl::drive) const CLEAN_NOW: u8 = 20;
    /// Flag 22: expired cleaning media.
    pub(in crate::vtl::drive) const EXPIRED_CLEANING: u8 = 22;
}

/// Cleanings that a cleaning cartridge is good for: LTO's universal cartridge.
const CLEANINGS_MAX: u64 = 50;

impl DriveUnit {
    /// The cartridge, if it can be read and written; otherwise why not.
    pub(super) fn ready(&mut self) -> Result<&mut Seat, Refusal> {
        let now = self.motion.now();
        let Some(seat) = self.seat.as_mut() else {
            return Err(senses::medium_not_present().into());
        };
        match seat.state {
            SeatState::Ready => Ok(seat),
            SeatState::Unloaded => Err(senses::medium_not_present().into()),
            SeatState::Unusable(Unusable::Cleaning) => Err(senses::cleaning_cartridge().into()),
            SeatState::Unusable(Unusable::Incompatible) => {
                Err(senses::incompatible_medium().into())
            }
            SeatState::Loading { is_initialization: false, .. } => {
                Err(senses::becoming_ready().into())
            }
            SeatState::Loading { since, ready, .. } => {
                let part = now.saturating_sub(since).as_secs_f64();
                let whole = ready.saturating_sub(since).as_secs_f64();
                Err(senses::initializing(progress(part / whole)).into())
            }
        }
    }

    /// Looks whether threading has ended since the last command.
    pub(super) fn finish_loading(&mut self) {
        let now = self.motion.now();
        let Some(seat) = self.seat.as_mut() else { return };
        if matches!(seat.state, SeatState::Loading { ready, .. } if now >= ready) {
            seat.state = SeatState::Ready;
            self.state.raise(Attention::MediumChanged);
        }
    }

    /// Puts the cartridge of `folder` in, and begins to load it: the robot arrives `after` now.
    pub(in crate::vtl) fn insert(
        &mut self,
        folder: &Path,
        after: Duration,
    ) -> Result<(), VtlError> {
        let mut cartridge = Cartridge::open(folder, self.environment.storage)?;
        cartridge.memory.count_load(format!("FOSSIL  {}", self.serial));
        cartridge.write_memory()?;
        let identity = &cartridge.identity;
        let label =
            LoadedCartridge { barcode: identity.barcode.clone(), serial: identity.serial.clone() };
        self.seat = Some(Seat {
            cartridge,
            label: Arc::new(label),
            state: SeatState::Unloaded,
            deferred: None,
            bad_object: None,
            will_change: true,
            is_past_warning: [false; PARTITIONS_MAX],
            allowed: Allowed::Nothing,
        });
        self.begin_loading(after)
    }

    /// Threads the tape of the cartridge in the drive.
    fn begin_loading(&mut self, after: Duration) -> Result<(), VtlError> {
        let now = self.motion.now() + after;
        let (generation, is_timed) = (self.generation, self.motion.has_motion());
        let Some(seat) = self.seat.as_mut() else { return Ok(()) };
        self.position = (0, 0);
        self.order = super::AccessOrder::default();
        self.settings.is_append_only = false;
        seat.is_past_warning = [false; PARTITIONS_MAX];
        seat.will_change = true;
        let identity = &mut seat.cartridge.identity;
        if identity.kind == CartridgeKind::Cleaning {
            seat.state = SeatState::Unusable(Unusable::Cleaning);
            return self.clean();
        }
        if !generation.can_read(identity.generation) {
            seat.state = SeatState::Unusable(Unusable::Incompatible);
            return Ok(());
        }
        let is_initialization =
            is_timed && generation == LtoGeneration::Lto9 && !identity.is_initialized;
        let duration = match (is_timed, is_initialization) {
            (false, _) => Duration::ZERO,
            (true, false) => timing::load(generation),
            (true, true) => timing::load(generation) + timing::initialization(),
        };
        seat.state = SeatState::Loading { since: now, ready: now + duration, is_initialization };
        if !identity.is_initialized && generation == LtoGeneration::Lto9 {
            identity.is_initialized = true;
            seat.cartridge.write_identity()?;
        }
        Ok(())
    }

    /// A cleaning cartridge does its work.
    fn clean(&mut self) -> Result<(), VtlError> {
        let Some(seat) = self.seat.as_mut() else { return Ok(()) };
        if seat.cartridge.memory.cleanings >= CLEANINGS_MAX {
            self.raise_alert(alert::EXPIRED_CLEANING);
            return Ok(());
        }
        seat.cartridge.memory.cleanings += 1;
        self.needs_cleaning = false;
        self.alerts &= !alert_bit(alert::CLEAN_NOW);
        seat.cartridge.write_memory()
    }

    /// Says from now on that the drive wants to be cleaned.
    pub(in crate::vtl) fn request_cleaning(&mut self) {
        self.needs_cleaning = true;
        self.raise_alert(alert::CLEAN_NOW);
    }

    /// Puts a TapeAlert flag up.
    pub(in crate::vtl) fn raise_alert(&mut self, flag: u8) {
        self.alerts |= alert_bit(flag);
    }

    /// LOAD UNLOAD.
    pub(super) fn load_unload(&mut self, cdb: &[u8]) -> Answer {
        const IMMEDIATE: u8 = 1;
        const LOAD: u8 = 1;
        const HOLD: u8 = 8;
        let is_immediate = cdb[1] & IMMEDIATE != 0;
        if cdb[4] & LOAD == 0 {
            if self.state.is_removal_prevented() && cdb[4] & HOLD == 0 {
                return Err(senses::removal_prevented().into());
            }
            return self.unload();
        }
        let Some(state) = self.seat.as_ref().map(|seat| seat.state) else {
            return Err(senses::medium_not_present().into());
        };
        match state {
            SeatState::Ready => return self.rewind(),
            SeatState::Unloaded => {
                self.begin_loading(Duration::ZERO)
                    .map_err(|_| Refusal::from(senses::internal_failure()))?;
            }
            SeatState::Loading { .. } | SeatState::Unusable(_) => {}
        }
        if !is_immediate
            && let Some(SeatState::Loading { ready, .. }) = self.seat.as_ref().map(|s| s.state)
        {
            let rest = ready.saturating_sub(self.motion.now());
            self.motion.spend(rest);
            self.finish_loading();
        }
        match self.ready() {
            Err(refusal) if !is_immediate => Err(refusal),
            _ => done(),
        }
    }

    fn unload(&mut self) -> Answer {
        let Some(state) = self.seat.as_ref().map(|seat| seat.state) else {
            return Err(senses::medium_not_present().into());
        };
        if state == SeatState::Ready {
            self.flush()?;
            self.wind_to((0, 0));
            self.motion.spend(timing::unload(self.generation));
        }
        self.encryption.demount();
        if let Some(seat) = self.seat.as_mut() {
            seat.state = SeatState::Unloaded;
            seat.cartridge.memory.tape_alerts = self.alerts;
            seat.cartridge.write_memory().map_err(|_| Refusal::from(senses::internal_failure()))?;
        }
        self.position = (0, 0);
        done()
    }

    /// Takes the cartridge out. With `unloads` a loaded one is unloaded first.
    pub(in crate::vtl) fn eject(&mut self, unloads: bool) -> Result<(), Ejection> {
        let Some(seat) = &self.seat else { return Ok(()) };
        if self.state.is_removal_prevented() {
            return Err(Ejection::Prevented);
        }
        let is_loaded = matches!(seat.state, SeatState::Ready | SeatState::Loading { .. });
        if is_loaded && !unloads {
            return Err(Ejection::Loaded);
        }
        if is_loaded {
            self.finish_loading();
            self.unload().map_err(|_| Ejection::Failed)?;
        }
        self.seat = None;
        Ok(())
    }

    /// The power is gone: what was not on the tape is not there.
    pub(super) fn drop_buffer(&mut self) {
        let Some(seat) = self.seat.as_mut() else { return };
        seat.deferred = None;
        seat.bad_object = None;
        seat.will_change = true;
        seat.is_past_warning = [false; PARTITIONS_MAX];
        if let Err(error) = seat.cartridge.reload() {
            // The files cannot be read any more: from here on it is a cartridge that cannot be used.
            tracing::error!(%error, cartridge = %seat.label.barcode, "cartridge files lost");
            seat.state = SeatState::Unusable(Unusable::Incompatible);
        }
    }

    /// True if a loaded or loading cartridge is in the drive.
    pub(in crate::vtl) fn is_loaded(&self) -> bool {
        let state = self.seat.as_ref().map(|seat| seat.state);
        matches!(state, Some(SeatState::Ready | SeatState::Loading { .. }))
    }
}

/// The bit of a TapeAlert flag: flag 1 is the highest.
pub(super) fn alert_bit(flag: u8) -> u64 {
    1 << (64 - u32::from(flag.clamp(1, 64)))
}

/// A share of a whole as PROGRESS INDICATION.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what the field holds"
)]
fn progress(share: f64) -> u16 {
    (share * 65536.0).clamp(0.0, 65535.0) as u16
}
