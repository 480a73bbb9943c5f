//! The tape devices of this machine: found at the start, or whenever somebody switches the library on.
//!
//! An engine without them answers all the same: it says what is missing, shows what the catalog knows,
//! and its jobs wait. Looking opens nothing before there is a drive.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::app::error::AppError;
use crate::changer::Changer;
use crate::domain::Clock;
use crate::jobs::Parts;
use crate::jobs::equipment::{DriveBay, Equipment};
use crate::scsi::sg::{Node, NodeKind, SgDevice, find_nodes};
use crate::scsi::{Transport, TransportError};

/// A library that is switched on takes minutes to answer; a person who waits for it should not wait longer.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// The drives of a library appear one after the other: what was there for so long is all of it.
const SETTLE_TIME: Duration = Duration::from_secs(1);
/// Devices that come and go for longer are looked at again later.
const SETTLE_LOOKS_MAX: usize = 10;

/// The changer, if there is one, and the drives.
type Devices = (Option<Changer>, Vec<DriveBay>);

/// Looks once; what is found is taken over.
pub(super) fn look(equipment: &Equipment, clock: &Arc<dyn Clock>) {
    match find(clock) {
        Ok((changer, bays)) => equipment.arrive(changer, bays),
        Err(why) => {
            if equipment.sight().error.as_ref() != Some(&why) {
                tracing::warn!("waiting for tape devices: {why}");
            }
            equipment.explain_absence(why);
        }
    }
}

/// Looks again and again until there are devices, then calls `arrived` once.
///
/// # Errors
/// If no thread can be started.
pub(super) fn watch(
    parts: &Arc<Parts>,
    arrived: impl FnOnce(&Parts) + Send + 'static,
) -> io::Result<()> {
    if parts.equipment.is_there() {
        return Ok(());
    }
    // An engine that stops meanwhile is not kept open by this thread.
    let parts = Arc::downgrade(parts);
    let thread = std::thread::Builder::new().name("arrival".to_owned());
    let watching = move || {
        while let Some(parts) = parts.upgrade() {
            look(&parts.equipment, &parts.clock);
            if parts.equipment.is_there() {
                tracing::info!("tape devices are connected");
                return arrived(&parts);
            }
            let clock = Arc::clone(&parts.clock);
            drop(parts);
            clock.wait(LOOK_PAUSE);
        }
    };
    thread.spawn(watching).map(drop)
}

/// Opens what the kernel knows; the reason if that is no usable drive.
fn find(clock: &Arc<dyn Clock>) -> Result<Devices, String> {
    let nodes = settled(clock)?;
    let (mut changer, mut bays, mut refused) = (None, Vec::new(), Vec::new());
    let said = |path: &Path, error: &dyn Error| {
        format!("{} cannot be used: {}", path.display(), AppError::chain_of(error))
    };
    for Node { path, kind } in nodes {
        match kind {
            NodeKind::Changer if changer.is_none() => {
                let device = SgDevice::open(&path).map_err(|error| said(&path, &error))?;
                let opened = Changer::open(Box::new(device));
                changer = Some(opened.map_err(|error| said(&path, &error))?);
            }
            NodeKind::Changer => {
                tracing::warn!("{} is a second library; the first is used", path.display());
            }
            NodeKind::Drive => {
                let node = path.clone();
                let connect = Box::new(move || -> Result<Box<dyn Transport>, TransportError> {
                    Ok(Box::new(SgDevice::open(&node)?))
                });
                match DriveBay::discover(connect, clock) {
                    Ok(bay) => bays.push(bay),
                    Err(error) => refused.push(said(&path, &error)),
                }
            }
        }
    }
    if bays.is_empty() {
        return Err(refused.join("; "));
    }
    for why in refused {
        tracing::error!("{why}");
    }
    Ok((changer, bays))
}

/// The nodes of drives and changers once no more of them appear.
fn settled(clock: &Arc<dyn Clock>) -> Result<Vec<Node>, String> {
    let nodes = || find_nodes().map_err(|error| format!("cannot list the tape devices: {error}"));
    let mut seen = nodes()?;
    for _ in 0..SETTLE_LOOKS_MAX {
        if !seen.iter().any(|node| node.kind == NodeKind::Drive) {
            return Err("no tape drive is connected".to_owned());
        }
        clock.wait(SETTLE_TIME);
        let now = nodes()?;
        if now == seen {
            return Ok(now);
        }
        seen = now;
    }
    Err("tape devices come and go".to_owned())
}
