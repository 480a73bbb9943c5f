//! Between a host and its devices: every command is counted here, and here it is struck.
//!
//! A wire belongs to one life of a host. When it is cut, the host's files are copied in that very
//! moment, the command still held: that is the crash image. From then on the host gets no answer from
//! any device and cannot write its catalog; what it does before it has noticed goes to the files that
//! nobody looks at any more.

use std::path::PathBuf;
use std::sync::Arc;

use fossilsafe::scsi::{Command, Completion, Transport, TransportError};
use fossilsafe::vtl::faults::{Effect, Fault, FaultPlan};
use fossilsafe::vtl::{Device, VirtualLibrary, VirtualTransport};
use parking_lot::Mutex;

use crate::disk::Disk;
use crate::image;

/// What counts when a strike is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Count {
    /// Commands to any device.
    Commands,
    /// Commands with that code.
    Opcode(u8),
    /// Writes to the catalog and its log.
    Writes,
}

/// How a host is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cut {
    /// The power of everything fails: the command, or the write, was not executed.
    PowerBefore,
    /// The power of everything fails when the command was executed and not yet answered, or when half
    /// of the write was on the disk.
    PowerDuring,
    /// The process is gone when the command was executed; the devices know nothing of it.
    HostGone,
}

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Blow {
    /// The host ends here.
    Cut(Cut),
    /// The command goes wrong; the host lives on.
    Fault(Effect),
}

/// What happens, and when.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    pub(crate) count: Count,
    /// From 1, since the wire was armed.
    pub(crate) at: u64,
    pub(crate) blow: Blow,
}

/// What becomes of a write to the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Passes,
    /// Half of it is written; [`Wire::catalog_write_ended`] is next.
    Torn,
    /// None of it is written; [`Wire::catalog_write_ended`] is next.
    Refused,
}

/// One life of a host.
#[derive(Debug)]
pub(crate) struct Wire {
    library: VirtualLibrary,
    /// All that the host keeps on its disk.
    host: PathBuf,
    /// Where the crash image goes.
    image: PathBuf,
    /// The disk of its own that it keeps all that on.
    disk: Option<Disk>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_armed: bool,
    commands: u64,
    writes: u64,
    strikes: Vec<Strike>,
    /// Every command since the wire was armed.
    seen: Vec<(Device, u8)>,
    is_dead: bool,
    /// The number of the library's last command before the power failed.
    power_failed_at: Option<u64>,
    /// Strikes that happened.
    happened: usize,
    /// Tearing of a write that has still to be followed by the image.
    is_tearing: bool,
}

impl Wire {
    pub(crate) fn new(
        library: VirtualLibrary,
        host: PathBuf,
        image: PathBuf,
        disk: Option<Disk>,
    ) -> Arc<Self> {
        Arc::new(Self { library, host, image, disk, state: Mutex::default() })
    }

    /// A way to a device, over this wire.
    pub(crate) fn lead_to(self: &Arc<Self>, device: Device) -> Box<dyn Transport> {
        let inner = match device {
            Device::Changer => self.library.changer(),
            Device::Drive(index) => self.library.drive(index),
        };
        Box::new(Lead { wire: Arc::clone(self), inner })
    }

    /// Begins to count, with that to happen.
    pub(crate) fn arm(&self, strikes: Vec<Strike>) {
        let mut state = self.state.lock();
        *state = State { is_armed: true, strikes, is_dead: state.is_dead, ..State::default() };
    }

    /// Nothing more happens.
    pub(crate) fn disarm(&self) {
        let mut state = self.state.lock();
        state.is_armed = false;
        state.strikes.clear();
        self.library.set_faults(FaultPlan::default());
    }

    /// True once it was cut.
    pub(crate) fn is_dead(&self) -> bool {
        self.state.lock().is_dead
    }

    /// Strikes that have happened since it was armed.
    pub(crate) fn happened(&self) -> usize {
        self.state.lock().happened
    }

    /// If the power failed: the number of the last command before, in the library's log.
    pub(crate) fn power_failed_at(&self) -> Option<u64> {
        self.state.lock().power_failed_at
    }

    /// Commands since it was armed, and writes to the catalog.
    pub(crate) fn seen(&self) -> (Vec<(Device, u8)>, u64) {
        let state = self.state.lock();
        (state.seen.clone(), state.writes)
    }

    /// Asked before each write to the catalog.
    pub(crate) fn catalog_write(&self) -> Writing {
        let mut state = self.state.lock();
        if state.is_dead {
            return Writing::Refused;
        }
        if !state.is_armed {
            return Writing::Passes;
        }
        state.writes += 1;
        let now = state.writes;
        match state.due(Count::Writes, now) {
            Some(Blow::Cut(Cut::PowerDuring)) => {
                (state.is_dead, state.is_tearing) = (true, true);
                Writing::Torn
            }
            Some(Blow::Cut(cut)) => {
                self.cut(&mut state, cut);
                Writing::Refused
            }
            Some(Blow::Fault(_)) | None => Writing::Passes,
        }
    }

    /// Told after a write that did not pass as a whole.
    pub(crate) fn catalog_write_ended(&self) {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.is_tearing) {
            self.cut(&mut state, Cut::PowerDuring);
        }
    }

    fn command(&self, device: Device, opcode: u8) -> Result<Option<Blow>, ()> {
        let mut state = self.state.lock();
        if state.is_dead {
            return Err(());
        }
        if !state.is_armed {
            return Ok(None);
        }
        state.commands += 1;
        state.seen.push((device, opcode));
        let (now, alike) = (state.commands, state.seen.iter().filter(|seen| seen.1 == opcode));
        let alike = alike.count() as u64;
        let blow = state.due(Count::Commands, now);
        let blow = blow.or_else(|| state.due(Count::Opcode(opcode), alike));
        if let Some(Blow::Cut(Cut::PowerBefore)) = blow {
            self.cut(&mut state, Cut::PowerBefore);
            return Err(());
        }
        Ok(blow)
    }

    fn cut(&self, state: &mut State, cut: Cut) {
        state.is_dead = true;
        let copied = match (cut, &self.disk) {
            (Cut::PowerBefore | Cut::PowerDuring, Some(disk)) => disk.capture(),
            (Cut::HostGone, _) | (_, None) => image::copy(&self.host, &self.image),
        };
        if let Err(error) = copied {
            panic!("no crash image of {}: {error}", self.host.display());
        }
        if cut != Cut::HostGone {
            self.library.power_off();
            // Asked after: what other threads had under way was executed by then, or never is.
            state.power_failed_at = Some(self.library.log().last_number());
        }
    }
}

impl State {
    fn due(&mut self, count: Count, now: u64) -> Option<Blow> {
        let found = self.strikes.iter().find(|strike| strike.count == count && strike.at == now)?;
        self.happened += 1;
        Some(found.blow.clone())
    }
}

/// A way to one device.
#[derive(Debug)]
struct Lead {
    wire: Arc<Wire>,
    inner: VirtualTransport,
}

impl Transport for Lead {
    fn execute(&mut self, command: Command<'_>) -> Result<Completion, TransportError> {
        let gone = || TransportError::Gone { device: self.inner.name().to_owned(), source: None };
        let device = self.inner.device();
        let blow = self.wire.command(device, command.cdb.opcode()).map_err(|()| gone())?;
        match blow {
            None => self.inner.execute(command),
            Some(Blow::Fault(effect)) => {
                let fault = Fault::at_command(1, effect).on(device);
                self.wire.library.set_faults(FaultPlan::of(fault));
                self.inner.execute(command)
            }
            Some(Blow::Cut(cut)) => {
                // Its answer reaches nobody.
                let _ = self.inner.execute(command);
                self.wire.cut(&mut self.wire.state.lock(), cut);
                Err(TransportError::Gone { device: self.inner.name().to_owned(), source: None })
            }
        }
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}
