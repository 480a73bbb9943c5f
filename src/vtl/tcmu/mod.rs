//! Serves a virtual library to this machine's kernel as real SCSI devices, through TCMU.
//!
//! The kernel's initiator, its `sg`, `st` and `ch` drivers and our own SG_IO then stand between the product
//! and the library, as they do on iron. A thread a device takes commands from the ring that it shares with
//! the kernel and gives them to the same [`Transport`] that tests and the practice library use.
//!
//! Not served by us: PERSISTENT RESERVE and REPORT LUNS, which the kernel's target answers itself. A read
//! that moves nothing (a filemark, the end of data) shows no residual: the sense says what happened.

mod error;
mod ring;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::VirtualLibrary;
use crate::scsi::{Cdb, Command, Completion, Data, Sense, SenseKey, Status, Transport, opcode};
pub use error::TcmuError;
use ring::{Entry, Ring};
use target::Target;

/// How often a thread without work looks whether it shall end.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// No command of a virtual device takes longer; the kernel has limits of its own.
const COMMAND_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// A library that the kernel sees. Dropping it takes the devices away.
#[derive(Debug)]
pub struct Served {
    // In this order: the kernel lets go of the devices while their rings are still served.
    target: Option<Target>,
    is_stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Serves the changer and all drives of `library`.
///
/// # Errors
/// Without the kernel's modules or the right to use them; nothing stays behind.
pub fn serve(library: &VirtualLibrary) -> Result<Served, TcmuError> {
    let serial = library.serial().0;
    let seed = crc32fast::hash(serial.as_bytes());
    let mut devices: Vec<(String, Box<dyn Transport>)> =
        vec![(format!("{seed:08x}-changer"), Box::new(library.changer()))];
    for index in 0..library.drive_count() {
        devices.push((format!("{seed:08x}-drive-{index}"), Box::new(library.drive(index))));
    }
    let mut served = Served {
        target: Some(Target::begin()?),
        is_stopping: Arc::new(AtomicBool::new(false)),
        threads: Vec::new(),
    };
    let mut backstores = Vec::new();
    for (name, transport) in devices {
        let Some(target) = &mut served.target else { break };
        let backstore = target.backstore(&name)?;
        let ring = Ring::open(&backstore.device, backstore.map_bytes)?;
        let is_stopping = Arc::clone(&served.is_stopping);
        let thread = std::thread::Builder::new()
            .name("tcmu".to_owned())
            .spawn(move || serve_device(&name, ring, transport, &is_stopping));
        served.threads.push(thread.map_err(TcmuError::file("serve", &backstore.device))?);
        backstores.push(backstore);
    }
    if let Some(target) = &mut served.target {
        target.link(seed, &backstores)?;
    }
    Ok(served)
}

impl Drop for Served {
    fn drop(&mut self) {
        self.target = None;
        self.is_stopping.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // One that panicked has said so, and its device is gone with the target.
            let _ = thread.join();
        }
    }
}

fn serve_device(
    name: &str,
    mut ring: Ring,
    mut transport: Box<dyn Transport>,
    is_stopping: &AtomicBool,
) {
    while !is_stopping.load(Ordering::Acquire) {
        let served = ring.wait(LOOK_INTERVAL).and_then(|has_work| {
            if !has_work {
                return Ok(());
            }
            while let Some(entry) = ring.next() {
                serve_command(&mut ring, &entry, transport.as_mut());
            }
            ring.notify()
        });
        if let Err(error) = served {
            tracing::error!(%error, "{name} is not served any more");
            return;
        }
    }
}

fn serve_command(ring: &mut Ring, entry: &Entry, transport: &mut dyn Transport) {
    let cdb = command_block(entry.block);
    let length = entry.data_bytes();
    let timeout = COMMAND_LIMIT;
    let (answer, read) = if length == 0 {
        (transport.execute(Command { cdb, data: Data::None, timeout }), None)
    } else if opcode::sends_data(cdb.opcode()) {
        let bytes = ring.take_data(entry);
        (transport.execute(Command { cdb, data: Data::Out(&bytes), timeout }), None)
    } else {
        let mut bytes = vec![0; length];
        let answer = transport.execute(Command { cdb, data: Data::In(&mut bytes), timeout });
        let read = answer.as_ref().map_or(0, |completion| completion.transferred.min(length));
        ring.put_data(entry, &bytes[..read]);
        (answer, Some(read))
    };
    // Nobody hears of a transport in the kernel: a device that does not answer has failed.
    let completion = answer.unwrap_or_else(|error| {
        tracing::warn!(%error, "a virtual device does not answer");
        Completion::check(Sense::new(SenseKey::HardwareError, 0x44, 0), 0)
    });
    let Completion { status, sense, .. } = completion;
    let status = if sense.is_some() { Status::CheckCondition } else { status };
    let read = read.filter(|read| *read < length).and_then(|read| u32::try_from(read).ok());
    ring.answer(entry, status.code(), sense.as_ref(), read);
}

/// The block as long as the group of its opcode says.
fn command_block(bytes: [u8; 16]) -> Cdb {
    fn first<const N: usize>(bytes: [u8; 16]) -> [u8; N] {
        std::array::from_fn(|at| bytes[at])
    }
    match bytes[0] >> 5 {
        0 => Cdb::from(first::<6>(bytes)),
        1 | 2 => Cdb::from(first::<10>(bytes)),
        5 => Cdb::from(first::<12>(bytes)),
        _ => Cdb::from(bytes),
    }
}
