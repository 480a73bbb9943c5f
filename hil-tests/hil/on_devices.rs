//! The part that sends commands to the devices itself, beside no engine. It runs where they are: the program of the
//! tests is taken there and started with `--on-devices`. One line is printed a scenario, for who started it.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use fossilsafe::changer::Changer;
use fossilsafe::domain::{Clock, SystemClock};
use fossilsafe::drive::Drive;

use crate::conformance::{Cartridges, Equipment, run};
use crate::place::Place;
use crate::rig::{Erasable, Identity, Rig};
use crate::steps::{Failed, Steps, ensure};

pub(crate) const OPTION: &str = "--on-devices";
const PASSED: &str = "passed: ";
const FAILED: &str = "failed: ";

/// Does it and prints how each scenario ended; 0 if all went well.
pub(crate) fn here(rig: &Path) -> ExitCode {
    let equipment = Rig::read(rig).and_then(|rig| {
        let barcode = rig.erase.first().ok_or("the rig lets no cartridge be erased")?;
        open(&rig, &rig.erasable(barcode)?)
    });
    let mut equipment = match equipment {
        Ok(equipment) => equipment,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let mut code = ExitCode::SUCCESS;
    for (name, ended) in run(&mut equipment) {
        match ended {
            Ok(()) => println!("{PASSED}{name}"),
            Err(why) => {
                println!("{why}\n{FAILED}{name}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

/// Opens the rig's devices, and no other's.
fn open(rig: &Rig, cartridge: &Erasable<'_>) -> Result<Equipment, String> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let is = |vendor: &str, product: &str, identity: &Identity| {
        vendor.starts_with(&identity.vendor) && product.starts_with(&identity.product)
    };
    let wanted = rig.changer.as_ref().ok_or("the rig has no library")?;
    let changers = Changer::open_attached().map_err(|error| error.to_string())?;
    let mut changers = changers.into_iter().filter_map(Result::ok);
    let changer = changers.find(|it| is(&it.identity().vendor, &it.identity().product, wanted));
    let drives = Drive::open_attached(&clock).map_err(|error| error.to_string())?;
    let drives: Vec<_> = drives
        .into_iter()
        .filter_map(Result::ok)
        .filter(|it| is(&it.identity().vendor, &it.identity().product, &rig.drive))
        .collect();
    if drives.len() != rig.drives {
        return Err(format!("{} of the rig's {} drives can be opened", drives.len(), rig.drives));
    }
    let is_small = rig.has_small_cartridges;
    Ok(Equipment {
        changer: changer.ok_or("the rig's changer cannot be opened")?,
        drives,
        barcode: cartridge.barcode().parse().map_err(|error| format!("{error}"))?,
        cartridges: if is_small { Cartridges::Small } else { Cartridges::Large },
    })
}

/// Lets it be done where the devices are, and reports each scenario.
pub(crate) fn reported(steps: &mut Steps, place: &mut Place) -> Result<(), Failed> {
    let said = place.run(&format!("{} || true", place.program(OPTION)));
    let said = said.and_then(|said| ensure(said.contains(PASSED), || said.clone()).map(|()| said));
    let said = steps.step("commands are sent to the devices", said)?;
    let mut told = Vec::new();
    for line in said.lines() {
        if let Some(name) = line.strip_prefix(PASSED) {
            steps.step(name, Ok(()))?;
        } else if let Some(name) = line.strip_prefix(FAILED) {
            steps.step(name, Err::<(), _>(told.join("\n")))?;
        } else {
            println!("{line}");
            told.push(line);
        }
    }
    Ok(())
}
