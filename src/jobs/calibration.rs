//! Calibration: how long this library takes to exchange a cartridge, measured at each drive with one cartridge.
//!
//! The robot takes it to a drive, the drive gets ready, goes to the end of what is on it and back, gives it out,
//! and the robot returns it. Nothing is written, so any data cartridge will do. Drives that a job has, or with
//! a cartridge in them, are left out and named. What was measured is kept with the job; [`exchanges`] is where
//! plans get their times from.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::context::{JobContext, Parts};
use super::equipment::{DriveBay, EquipmentError, Loaded};
use super::error::JobError;
use super::outcome::{Ending, Outcome};
use super::spec::CalibrateSpec;
use super::volume::look;
use crate::catalog::{CatalogError, EventLevel};
use crate::changer::{ElementKind, Inventory};
use crate::domain::{Barcode, DriveSerial, LibrarySerial, Timestamp};
use crate::ltfs::label::PartitionMap;
use crate::ltfs::mount::CheckEnds;

/// The kind of these jobs, by which they are found again.
pub const KIND: &str = "calibrate";
/// An exchange in a library that was not measured. Chosen, no data yet: rewinding, unloading and threading a tape take
/// about half a minute each, and a robot as long for each of its ways.
const EXCHANGE_ASSUMED: Duration = Duration::from_secs(150);

/// What one drive and the robot took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveTimes {
    /// The drive.
    pub drive: DriveSerial,
    /// From a slot to the drive.
    pub bring_ms: u64,
    /// Until the drive was ready.
    pub ready_ms: u64,
    /// From the beginning of the tape to the end of what is on it; absent if there is no volume on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locate_end_ms: Option<u64>,
    /// Back to its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewind_ms: Option<u64>,
    /// Until it was in its slot again.
    pub return_ms: u64,
}

/// A drive that was not measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveLeftOut {
    /// The drive.
    pub drive: DriveSerial,
    /// Why, as a sentence.
    pub reason: String,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// The library.
    pub library: LibrarySerial,
    /// The cartridge that it was measured with.
    pub cartridge: Barcode,
    /// Until the robot had looked at every element.
    pub inventory_ms: u64,
    /// Each drive that was measured.
    pub drives: Vec<DriveTimes>,
    /// Those that were not.
    pub left_out: Vec<DriveLeftOut>,
}

/// What exchanging cartridges costs a plan, beside reading and writing them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExchangeEstimate {
    /// How many cartridges have to be brought and taken back.
    pub exchanges: u64,
    /// How long one takes.
    pub seconds_each: u64,
    /// How long they take together, one after the other.
    pub seconds: u64,
    /// When this library was measured; absent if it never was, and the time is an assumption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Timestamp>,
}

impl DriveTimes {
    /// Bringing, getting ready, returning.
    #[must_use]
    pub fn exchange(&self) -> Duration {
        Duration::from_millis(self.bring_ms + self.ready_ms + self.return_ms)
    }
}

impl Calibration {
    /// How long an exchange takes, as the mean of the drives; nothing if none was measured.
    #[must_use]
    pub fn exchange(&self) -> Option<Duration> {
        let drives = u32::try_from(self.drives.len()).ok().filter(|drives| *drives > 0)?;
        let whole: Duration = self.drives.iter().map(DriveTimes::exchange).sum();
        Some(whole / drives)
    }
}

impl ExchangeEstimate {
    fn of(exchanges: u64, measured: Option<(Duration, Timestamp)>) -> Self {
        let each = measured.map_or(EXCHANGE_ASSUMED, |(each, _)| each);
        let seconds = |time: Duration| time.as_millis().div_ceil(1000);
        let whole = each.saturating_mul(u32::try_from(exchanges).unwrap_or(u32::MAX));
        Self {
            exchanges,
            seconds_each: u64::try_from(seconds(each)).unwrap_or(u64::MAX),
            seconds: u64::try_from(seconds(whole)).unwrap_or(u64::MAX),
            measured: measured.map(|(_, at)| at),
        }
    }
}

/// What so many exchanges cost here: as measured last, or as assumed. Nothing where people load the drives by
/// hand.
///
/// # Errors
/// If the catalog cannot be read.
pub fn exchanges(parts: &Parts, count: u64) -> Result<Option<ExchangeEstimate>, CatalogError> {
    let Some(changer) = parts.equipment.changer_identity() else { return Ok(None) };
    let newest = parts.catalog.newest_done(KIND)?;
    let measured = newest.and_then(|job| {
        let kept: Calibration = serde_json::from_value(job.checkpoint?).ok()?;
        let is_it = kept.library == changer.serial;
        Some((kept.exchange().filter(|_| is_it)?, job.ended?))
    });
    Ok(Some(ExchangeEstimate::of(count, measured)))
}

/// Measures.
///
/// # Errors
/// If the cartridge is in no slot, no drive could be measured, or the library fails.
pub(super) fn run(context: &JobContext, spec: &CalibrateSpec) -> Result<Ending, JobError> {
    let barcode = &spec.cartridge;
    let (parts, equipment) = (&context.parts, &context.parts.equipment);
    context.stage("looking at every element", None);
    let changer = equipment.changer_identity().ok_or(EquipmentError::NoChanger)?;
    let (seen, inventory) = timed(context, || Ok(equipment.take_inventory()?))?;
    super::inventory::note(parts, &seen)?;
    let is_in_slot = seen.find_barcode(barcode).any(|element| element.kind == ElementKind::Slot);
    if !is_in_slot || barcode.is_cleaning() {
        return Err(JobError::Unknown { what: format!("data cartridge {barcode} in a slot") });
    }
    let mut found = Calibration {
        library: changer.serial,
        cartridge: barcode.clone(),
        inventory_ms: milliseconds(inventory),
        drives: Vec::new(),
        left_out: Vec::new(),
    };
    let mut failure = None;
    for bay in equipment.bays() {
        if context.is_stopped() {
            return Ok(stopped(context));
        }
        let drive = bay.serial.clone();
        let reason = match reason_against(bay, &seen, barcode) {
            Some(reason) => reason,
            None => match measure(context, barcode, &drive) {
                Ok(Some(times)) => {
                    found.drives.push(times);
                    continue;
                }
                Ok(None) => "A job has it, or the cartridge.".to_owned(),
                Err(error @ JobError::Equipment(EquipmentError::Stopped)) => return Err(error),
                Err(error) => {
                    let reason = format!("It failed: {}.", error.failure().message);
                    failure = Some(error);
                    reason
                }
            },
        };
        found.left_out.push(DriveLeftOut { drive, reason });
    }
    if found.drives.is_empty() {
        let none = || JobError::Unknown { what: format!("empty drive for cartridge {barcode}") };
        return Err(failure.unwrap_or_else(none));
    }
    context.checkpoint(&found)?;
    Ok(ending(&found))
}

/// Why a drive is not measured with that cartridge.
fn reason_against(bay: &DriveBay, seen: &Inventory, barcode: &Barcode) -> Option<String> {
    let reads = match (bay.generation, barcode.generation()) {
        (Some(drive), Some(medium)) => drive.can_read(medium),
        _ => true,
    };
    match seen.drive_by_serial(&bay.serial) {
        _ if !reads => Some(format!("It cannot read {barcode}.")),
        None => Some("The robot does not reach it.".to_owned()),
        Some(element) if element.is_full => Some("There is a cartridge in it.".to_owned()),
        Some(_) => None,
    }
}

fn measure(
    context: &JobContext,
    barcode: &Barcode,
    drive: &DriveSerial,
) -> Result<Option<DriveTimes>, JobError> {
    context.stage(&format!("measuring drive {drive}"), Some(barcode));
    let equipment = &context.parts.equipment;
    let wait = &mut |wait: &_| context.tell_wait(wait);
    let Some((mut loaded, times)) = equipment.load_timed(barcode, drive, context, wait)? else {
        return Ok(None);
    };
    let moved = to_its_end_and_back(context, &mut loaded);
    let returned = timed(context, || Ok(loaded.put_away()?));
    let (end, rewind) = match moved {
        Ok(Some((end, rewind))) => (Some(end), Some(rewind)),
        Ok(None) => (None, None),
        Err(error) => {
            if let Err(left) = returned {
                let message = format!("cartridge {barcode} could not be put away: {left}");
                context.tell(EventLevel::Warning, "put_away", message);
            }
            return Err(error);
        }
    };
    let ((), returned) = returned?;
    Ok(Some(DriveTimes {
        drive: drive.clone(),
        bring_ms: milliseconds(times.bring),
        ready_ms: milliseconds(times.ready),
        locate_end_ms: end.map(milliseconds),
        rewind_ms: rewind.map(milliseconds),
        return_ms: milliseconds(returned),
    }))
}

/// How long both ways take; nothing if there is no volume on the tape.
fn to_its_end_and_back(
    context: &JobContext,
    loaded: &mut Loaded,
) -> Result<Option<(Duration, Duration)>, JobError> {
    if look(context, loaded, None, CheckEnds::WhenInDoubt)?.mounted.is_none() {
        return Ok(None);
    }
    let drive = loaded.drive();
    drive.rewind()?;
    let partition = PartitionMap::FORMATTED.data.1;
    let (_, end) = timed(context, || Ok(drive.locate_end_of_data(partition)?))?;
    let ((), rewind) = timed(context, || Ok(drive.rewind()?))?;
    Ok(Some((end, rewind)))
}

fn timed<T>(
    context: &JobContext,
    act: impl FnOnce() -> Result<T, JobError>,
) -> Result<(T, Duration), JobError> {
    let clock = &context.parts.clock;
    let began = clock.elapsed();
    let done = act()?;
    Ok((done, clock.elapsed().saturating_sub(began)))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn ending(found: &Calibration) -> Ending {
    let each = found.exchange().unwrap_or_default();
    let drives = found.drives.len();
    let mut sentence = format!(
        "an exchange takes {}.{} s, as the mean of {drives} drives, measured with {}",
        each.as_secs(),
        each.subsec_millis() / 100,
        found.cartridge
    );
    for DriveLeftOut { drive, reason } in &found.left_out {
        sentence
            .push_str(&format!("; drive {drive} was left out: {}", reason.trim_end_matches('.')));
    }
    Ending::Completed(Outcome { sentence, ..Outcome::default() })
}

fn stopped(context: &JobContext) -> Ending {
    if context.is_interrupted() {
        return Ending::Interrupted;
    }
    let sentence = "cancelled before every drive was measured".to_owned();
    Ending::Cancelled(Outcome { sentence, ..Outcome::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::test_support::{TestAppliance, barcode};
    use crate::jobs::{JobSpec, JobState};

    fn calibrate(number: u16) -> JobSpec {
        JobSpec::Calibrate(CalibrateSpec { cartridge: barcode(number) })
    }

    #[test]
    fn a_cartridge_is_taken_to_every_drive_and_is_where_it_was_afterwards() {
        let appliance = TestAppliance::formatted(3, 100);
        let parts = appliance.parts();
        let place = || {
            let seen = parts.equipment.inventory().unwrap();
            seen.find_barcode(&barcode(2)).next().unwrap().address
        };
        let before = place();
        assert_eq!(exchanges(parts, 2).unwrap().unwrap().measured, None);
        let id = appliance.submit(&calibrate(2));
        let (state, end) = appliance.wait(id);
        assert_eq!(state, JobState::Completed, "{end:#?}");
        let record = appliance.catalog().job(id).unwrap();
        let found: Calibration = serde_json::from_value(record.checkpoint.unwrap()).unwrap();
        assert_eq!(found.drives.len(), parts.equipment.bays().len(), "{found:#?}");
        assert!(found.drives.iter().all(|times| times.rewind_ms.is_some()), "{found:#?}");
        assert_eq!(place(), before);
        let estimate = exchanges(parts, 2).unwrap().unwrap();
        assert_eq!((estimate.exchanges, estimate.measured), (2, record.ended));
        let (state, end) = appliance.wait(appliance.submit(&calibrate(9)));
        assert_eq!(state, JobState::Failed);
        assert!(end.failure.unwrap().message.contains("FSP009L9"));
    }

    #[test]
    fn a_plan_says_what_was_assumed_and_uses_what_was_measured() {
        let assumed = ExchangeEstimate::of(3, None);
        assert_eq!((assumed.seconds_each, assumed.seconds, assumed.measured), (150, 450, None));
        let at = Timestamp { seconds: 1, nanoseconds: 0 };
        let measured = ExchangeEstimate::of(3, Some((Duration::from_millis(1500), at)));
        assert_eq!((measured.seconds_each, measured.seconds), (2, 5));
        assert_eq!(measured.measured, Some(at));
    }
}
