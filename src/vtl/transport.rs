//! The way to a virtual device: one command after the other through faults, device and log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::drive::Request;
use super::faults::{Effect, Execution, PowerMoment};
use super::library::Library;
use super::log::{CommandRecord, Device, InitiatorId, LoadedCartridge, outcome_of};
use super::unit::{Answer, Refusal};
use crate::scsi::{
    Cdb, Command, Completion, Data, Sense, Status, Transport, TransportError, opcode,
};

/// A [`Transport`] to the changer or a drive of a virtual library.
///
/// It keeps the library open. Several may lead to one device, from one initiator or from several.
#[derive(Debug)]
pub struct VirtualTransport {
    library: Arc<Library>,
    device: Device,
    initiator: InitiatorId,
    name: String,
    /// The drive counts as opened until this is dropped.
    is_opened: bool,
}

/// What a fault makes of a command's answer.
#[derive(Debug)]
enum Ending {
    /// As the device says, perhaps with another residual.
    Answer {
        missing: i64,
    },
    /// This sense instead.
    Sense(Sense),
    /// This status instead.
    Status(Status),
    TimedOut,
    Gone,
}

/// What a fault makes of a command.
#[derive(Debug)]
struct Course {
    is_executed: bool,
    ending: Ending,
    /// The power fails when the command is over.
    power_fails: bool,
}

impl Default for Course {
    fn default() -> Self {
        Self { is_executed: true, ending: Ending::Answer { missing: 0 }, power_fails: false }
    }
}

impl VirtualTransport {
    pub(super) fn new(library: Arc<Library>, device: Device, initiator: InitiatorId) -> Self {
        let name = format!("virtual {device}");
        Self { library, device, initiator, name, is_opened: false }
    }

    /// The same way, by which the drive counts as opened until it is dropped.
    pub(super) fn closing_at_end(self) -> Self {
        let mut opened = self;
        opened.is_opened = true;
        opened
    }

    /// The device that it leads to.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    fn gone(&self) -> TransportError {
        TransportError::Gone { device: self.name.clone(), source: None }
    }

    fn timed_out(&self, cdb: &Cdb, after: Duration) -> TransportError {
        let command = opcode::name(cdb.opcode());
        TransportError::TimedOut { device: self.name.clone(), command, after }
    }

    fn cartridge(&self) -> Option<Arc<LoadedCartridge>> {
        match self.device {
            Device::Changer => None,
            Device::Drive(index) => self.library.drives[index].lock().cartridge(),
        }
    }

    /// Runs a command that has a number, with whatever is planned to happen to it.
    fn run(&self, command: Command<'_>) -> Result<Completion, TransportError> {
        let library = &self.library;
        if !library.has_power.load(Ordering::SeqCst) {
            return Err(self.gone());
        }
        let Command { cdb, mut data, timeout } = command;
        let effect = library.environment.faults.at_command(self.device, &cdb);
        let flip = match &effect {
            Some(Effect::FlippedBit { bit }) => Some(*bit),
            _ => None,
        };
        let course = effect.map_or_else(Course::default, |effect| self.prepare(effect));
        let flipped = match (&data, flip) {
            (Data::Out(bytes), Some(bit)) => {
                let mut flipped = bytes.to_vec();
                library.environment.faults.flip(bit, &mut flipped);
                Some(flipped)
            }
            _ => None,
        };
        let answer = match (course.is_executed, &flipped) {
            (false, _) => Some((Ok(Completion::good(0)), Duration::ZERO)),
            (true, Some(flipped)) => self.execute_on_device(&cdb, &mut Data::Out(flipped)),
            (true, None) => self.execute_on_device(&cdb, &mut data),
        };
        let (answer, cost) = answer.ok_or_else(|| self.gone())?;
        if cost > timeout {
            library.environment.clock.wait(timeout);
            return Err(self.timed_out(&cdb, timeout));
        }
        if cost > Duration::ZERO {
            library.environment.clock.wait(cost);
        }
        let completion = answer.unwrap_or_else(Refusal::completion);
        if let (Data::In(buffer), Some(bit)) = (&mut data, flip) {
            let count = completion.transferred.min(buffer.len());
            library.environment.faults.flip(bit, &mut buffer[..count]);
        }
        if course.power_fails {
            library.power_off();
        }
        match course.ending {
            Ending::Answer { missing } => Ok(with_residual(completion, missing)),
            Ending::Sense(sense) => Ok(Completion::check(sense, 0)),
            Ending::Status(status) => Ok(Completion { status, sense: None, transferred: 0 }),
            Ending::TimedOut => Err(self.timed_out(&cdb, timeout)),
            Ending::Gone => Err(self.gone()),
        }
    }

    /// What an effect does before the command, and what it makes of it.
    fn prepare(&self, effect: Effect) -> Course {
        let skipped = |ending| Course { is_executed: false, ending, power_fails: false };
        let after = |execution, ending| Course {
            is_executed: execution == Execution::Done,
            ending,
            power_fails: false,
        };
        match effect {
            Effect::Sense { sense, execution } => after(execution, Ending::Sense(sense.sense())),
            Effect::MediumError => skipped(Ending::Sense(super::senses::read_error(0))),
            Effect::Busy => skipped(Ending::Status(Status::Busy)),
            Effect::Ignored => skipped(Ending::Answer { missing: 0 }),
            Effect::ReservationConflict => skipped(Ending::Status(Status::ReservationConflict)),
            Effect::TransportTimeout { execution } => after(execution, Ending::TimedOut),
            Effect::TransportGone { execution } => after(execution, Ending::Gone),
            Effect::LyingResidual { missing } => {
                Course { ending: Ending::Answer { missing }, ..Course::default() }
            }
            Effect::PowerFailure { moment } => Course {
                is_executed: moment != PowerMoment::Before,
                ending: match moment {
                    PowerMoment::After => Ending::Answer { missing: 0 },
                    PowerMoment::Before | PowerMoment::During => Ending::Gone,
                },
                power_fails: true,
            },
            Effect::FlippedBit { .. } => Course::default(),
            Effect::DeferredError { sense, objects_kept } => match self.device {
                Device::Changer => skipped(Ending::Sense(sense.sense())),
                Device::Drive(index) => {
                    let mut drive = self.library.drives[index].lock();
                    skipped(Ending::Sense(drive.lose_buffer(objects_kept, sense.sense())))
                }
            },
            Effect::SilentRewind => {
                if let Device::Drive(index) = self.device {
                    self.library.drives[index].lock().rewind_silently();
                }
                Course::default()
            }
            Effect::Reset { unit_attention } => {
                match self.device {
                    Device::Changer => {
                        self.library.changer.lock().state.reset(unit_attention, false);
                    }
                    Device::Drive(index) => {
                        self.library.drives[index].lock().reset(unit_attention, false);
                    }
                }
                Course::default()
            }
            Effect::Move { ends, sense } => {
                if self.device == Device::Changer {
                    let sense = sense.map(super::faults::SensePlan::sense);
                    self.library.changer.lock().plan_end(ends, sense);
                }
                Course::default()
            }
        }
    }

    /// The device's own answer and the time that it took; nothing if the power failed before its turn.
    fn execute_on_device(&self, cdb: &Cdb, data: &mut Data<'_>) -> Option<(Answer, Duration)> {
        let request = Request { initiator: self.initiator, cdb: cdb.as_bytes(), data };
        let has_power = || self.library.has_power.load(Ordering::SeqCst);
        match self.device {
            Device::Changer => {
                let mut changer = self.library.changer.lock();
                let answer = has_power().then(|| changer.execute(request))?;
                Some((answer, changer.take_owed()))
            }
            Device::Drive(index) => {
                let mut drive = self.library.drives[index].lock();
                let answer = has_power().then(|| drive.execute(request))?;
                Some((answer, drive.motion_mut().take_owed()))
            }
        }
    }
}

impl Drop for VirtualTransport {
    fn drop(&mut self) {
        if let (true, Device::Drive(index)) = (self.is_opened, self.device) {
            self.library.opened.lock().remove(&index);
        }
    }
}

impl Transport for VirtualTransport {
    fn execute(&mut self, command: Command<'_>) -> Result<Completion, TransportError> {
        let started = self.library.log.start();
        if !started.is_logged {
            return self.run(command);
        }
        let (cdb, cartridge) = (command.cdb, self.cartridge());
        let data_bytes = match &command.data {
            Data::None => 0,
            Data::In(buffer) => buffer.len(),
            Data::Out(bytes) => bytes.len(),
        };
        let answer = self.run(command);
        self.library.log.finish(CommandRecord {
            number: started.number,
            device: self.device,
            initiator: self.initiator,
            cdb,
            data_bytes,
            cartridge,
            outcome: outcome_of(&answer),
            at: self.library.environment.clock.elapsed(),
        });
        answer
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn with_residual(completion: Completion, missing: i64) -> Completion {
    let transferred = i64::try_from(completion.transferred).unwrap_or(i64::MAX);
    let told = usize::try_from(transferred.saturating_sub(missing)).unwrap_or(0);
    Completion { transferred: told, ..completion }
}
