//! Formatting: an empty LTFS volume on one cartridge, after looking at what would be lost.

use super::context::JobContext;
use super::error::JobError;
use super::identity::{self, Content};
use super::outcome::{Ending, Outcome};
use super::spec::FormatSpec;
use super::volume::{current_volume, look};
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
    let note = parts.catalog.cartridge(looked.cartridge)?.note;
    identity::ensure_formattable(&looked.found, &spec.erase, &note, parts.clock.now())?;
    if context.is_stopped() {
        return Ok(Ending::Cancelled(Outcome::default()));
    }
    context.stage("formatting", Some(&spec.barcode));
    let name = spec.volume_name.as_deref();
    let uuid = make_volume(context, &spec.barcode, name, loaded, looked.cartridge)?;
    if let Some(erased) = expected {
        let message = format!("volume {} was erased", erased.volume.uuid);
        context.tell(EventLevel::Warning, "volume_erased", message);
    }
    let sentence = format!("cartridge {} holds the empty volume {}", spec.barcode, uuid);
    Ok(Ending::Completed(Outcome { sentence, ..Outcome::default() }))
}

/// Makes an empty volume on a cartridge that is blank, or has an empty volume of ours on it.
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
    let barcode = loaded.barcode().clone();
    let note = parts.catalog.cartridge(looked.cartridge)?.note;
    identity::ensure_scratch(&looked.found, is_empty, &note, parts.clock.now())?;
    make_volume(context, &barcode, None, loaded, looked.cartridge)?;
    Ok(looked.cartridge)
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
pub(super) fn make_volume(
    context: &JobContext,
    barcode: &Barcode,
    name: Option<&str>,
    loaded: &mut Loaded,
    cartridge: CartridgeId,
) -> Result<VolumeUuid, JobError> {
    let parts = &context.parts;
    let name = name.unwrap_or(barcode.as_str());
    let volume_name = FormatOptions::volume_name(name).map_err(|e| JobError::name(name, e))?;
    let clock = std::sync::Arc::clone(&parts.clock);
    let options = FormatOptions::usual(Some(barcode.clone()), volume_name, clock);
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
    parts.catalog.volume_formatted(&volume, parts.clock.now())?;
    Ok(label.uuid)
}
