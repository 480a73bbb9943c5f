//! Formatting: an empty LTFS volume on one cartridge, after looking at what would be lost.
//!
//! Which volume it will be is written down before the first label, so that a job that was cut off knows its own
//! beginnings when it is taken up, and asks nobody whether they may be erased.

use serde::{Deserialize, Serialize};

use super::context::JobContext;
use super::error::JobError;
use super::identity::{self, Content};
use super::outcome::{Ending, Outcome};
use super::spec::{EraseConsent, FormatSpec};
use super::volume::{Looked, current_volume, look};
use crate::catalog::{CartridgeId, EventLevel, NewVolume, VolumeState};
use crate::domain::{Barcode, ByteCount, VolumeUuid};
use crate::jobs::equipment::Loaded;
use crate::ltfs::format::{FIRST_GENERATION, FormatOptions, format};
use crate::ltfs::label::PartitionMap;
use crate::ltfs::mount::{CheckEnds, MountedVolume};

/// Formats the cartridge of the job, and no other.
///
/// # Errors
/// If the cartridge is not there, must not be erased, or the drive fails.
pub(super) fn run(context: &JobContext, spec: &FormatSpec) -> Result<Ending, JobError> {
    context.stage("loading", Some(&spec.barcode));
    let parts = &context.parts;
    if let Ok(inventory) = parts.equipment.inventory() {
        super::inventory::note(parts, &inventory)?;
    }
    let mut loaded =
        parts.equipment.load(&spec.barcode, context, &mut |wait| context.tell_wait(wait))?;
    let formatted = format_loaded(context, spec, &mut loaded);
    if let Err(error) = loaded.put_away() {
        let message = format!("cartridge {} could not be put away: {error}", spec.barcode);
        context.tell(EventLevel::Warning, "put_away", message);
    }
    formatted
}

fn format_loaded(
    context: &JobContext,
    spec: &FormatSpec,
    loaded: &mut Loaded,
) -> Result<Ending, JobError> {
    let parts = &context.parts;
    let looked = look(context, loaded, None, CheckEnds::WhenInDoubt)?;
    let expected = current_volume(parts, looked.cartridge)?;
    let begun = Begun::before(context)?;
    if let Some(made) = expected.as_ref().map(|it| it.volume.uuid)
        && begun.volumes.contains(&made)
    {
        return Ok(completed(&spec.barcode, made));
    }
    let note = parts.catalog.cartridge(looked.cartridge)?.note;
    let own = EraseConsent::Everything { typed_barcode: spec.barcode.clone() };
    let consent = if begun.is_on(&looked) { &own } else { &spec.erase };
    identity::ensure_formattable(&looked.found, consent, &note, parts.clock.now())?;
    if context.is_stopped() {
        return Ok(Ending::Cancelled(Outcome::default()));
    }
    context.stage("formatting", Some(&spec.barcode));
    let name = spec.volume_name.as_deref();
    let volume = begun.with_another(context)?;
    make_volume(context, &spec.barcode, name, volume, loaded, looked.cartridge)?;
    if let Some(erased) = expected {
        let message = format!("volume {} was erased", erased.volume.uuid);
        context.tell(EventLevel::Warning, "volume_erased", message);
    }
    Ok(completed(&spec.barcode, volume))
}

/// What a job that makes volumes keeps until it has ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Those that this life of it, or one before, was about to make.
    #[serde(default)]
    volumes: Vec<VolumeUuid>,
}

impl Begun {
    /// What an earlier life of the job was about to make.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub(super) fn before(context: &JobContext) -> Result<Self, JobError> {
        let checkpoint = context.parts.catalog.job(context.id)?.checkpoint;
        let begun = checkpoint.map(serde_json::from_value).transpose();
        Ok(begun.map_err(JobError::checkpoint)?.unwrap_or_default())
    }

    /// Writes down one more, before anything of it is on the cartridge.
    ///
    /// # Errors
    /// If the catalog cannot be written.
    pub(super) fn with_another(mut self, context: &JobContext) -> Result<VolumeUuid, JobError> {
        let volume = VolumeUuid::random();
        self.volumes.push(volume);
        context.checkpoint(&self)?;
        Ok(volume)
    }

    /// True if one of them is on the cartridge, half made or just made: no index was written since.
    fn is_on(&self, looked: &Looked) -> bool {
        match &looked.found.content {
            Content::NoIndex { volume } => self.volumes.contains(volume),
            Content::Ltfs { volume, .. } => {
                let is_first = |mounted: &MountedVolume| mounted.generation() == FIRST_GENERATION;
                self.volumes.contains(volume) && looked.mounted.as_ref().is_some_and(is_first)
            }
            Content::Blank | Content::Other { .. } => false,
        }
    }
}

fn completed(barcode: &Barcode, volume: VolumeUuid) -> Ending {
    let sentence = format!("cartridge {barcode} holds the empty volume {volume}");
    Ending::Completed(Outcome { sentence, ..Outcome::default() })
}

/// Makes an empty volume on a cartridge that is blank, or has an empty volume of ours on it, or what an earlier
/// life of the job has made there.
///
/// # Errors
/// If there is anything else on it, or the drive fails.
pub(super) fn empty(context: &JobContext, loaded: &mut Loaded) -> Result<CartridgeId, JobError> {
    let parts = &context.parts;
    let looked = look(context, loaded, None, CheckEnds::Always)?;
    let known = current_volume(parts, looked.cartridge)?.map(|record| record.volume);
    let is_empty = known.is_some_and(|known| {
        let is_it = |volume: &VolumeUuid| *volume == known.uuid;
        let Content::Ltfs { volume, .. } = &looked.found.content else { return false };
        let is_as_made = looked.mounted.as_ref().is_some_and(is_as_formatted);
        known.state == VolumeState::Blank && is_it(volume) && is_as_made
    });
    let begun = Begun::before(context)?;
    let is_unused = is_empty || begun.is_on(&looked);
    let note = parts.catalog.cartridge(looked.cartridge)?.note;
    identity::ensure_scratch(&looked.found, is_unused, &note, parts.clock.now())?;
    make_another(context, loaded, looked.cartridge)?;
    Ok(looked.cartridge)
}

/// Makes an empty volume in place of the one that the job has made before.
///
/// # Errors
/// If the drive or the catalog fails.
pub(super) fn make_another(
    context: &JobContext,
    loaded: &mut Loaded,
    cartridge: CartridgeId,
) -> Result<(), JobError> {
    let barcode = loaded.barcode().clone();
    let volume = Begun::before(context)?.with_another(context)?;
    make_volume(context, &barcode, None, volume, loaded, cartridge)
}

/// True if nothing was written after the format. Another system may have used the cartridge, of which the
/// catalog knows nothing.
fn is_as_formatted(mounted: &MountedVolume) -> bool {
    mounted.findings.is_empty() && mounted.index.file.header().generation == FIRST_GENERATION
}

/// Formats, whatever is on the cartridge, and notes the new volume.
///
/// # Errors
/// If the drive or the catalog fails.
fn make_volume(
    context: &JobContext,
    barcode: &Barcode,
    name: Option<&str>,
    uuid: VolumeUuid,
    loaded: &mut Loaded,
    cartridge: CartridgeId,
) -> Result<(), JobError> {
    let parts = &context.parts;
    let name = name.unwrap_or(barcode.as_str());
    let volume_name = FormatOptions::volume_name(name).map_err(|e| JobError::name(name, e))?;
    let clock = std::sync::Arc::clone(&parts.clock);
    let usual = FormatOptions::usual(Some(barcode.clone()), volume_name, clock);
    let options = FormatOptions { uuid, ..usual };
    let label = format(loaded.drive(), &options)?;
    let map = PartitionMap::FORMATTED;
    let capacities = loaded.drive().partition_capacities()?;
    let data = capacities.iter().find(|capacity| capacity.partition == map.data.1);
    let volume = NewVolume {
        uuid: label.uuid,
        cartridge: Some(cartridge),
        state: VolumeState::Blank,
        barcode: Some(barcode.clone()),
        name: name.to_owned(),
        block_size: label.block_size,
        index_partition: map.index.1,
        data_partition: map.data.1,
        capacity: data.map_or(ByteCount(0), |capacity| capacity.maximum),
        formatted: label.format_time,
    };
    Ok(parts.catalog.volume_formatted(&volume, parts.clock.now())?)
}
