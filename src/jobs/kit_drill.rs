//! A kit's drill on a tape: a file of an encrypted set is read and opened with the paper, the tape and nothing else.
//!
//! What the appliance would use, its own keys, is left aside: the data keys are taken from the tape and opened
//! with the kit that a person has just typed, and content that a drive has encrypted is read with these. The kit
//! is in memory for this one job and is never written down: after a restart it has to be typed again. What is
//! recorded is that it opened, when, on which cartridge.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::block_keys::DataKeys;
use super::context::JobContext;
use super::equipment::Loaded;
use super::error::JobError;
use super::outcome::{Ending, Outcome, grouped};
use super::pool::{is_encrypted, is_encrypted_by_drives};
use super::spec::KitDrillSpec;
use super::tape_blocks::{TapeBlocks, form_of, read_item, volume_lost};
use super::volume::{expected_of, mount_expected};
use super::volume_tree::{OwnFiles, read_text, walk_files};
use crate::catalog::{
    CartridgeRecord, EventLevel, FileKind, LocatedCopy, SegmentRecord, SetRecord, VolumeRecord,
    VolumeState,
};
use crate::domain::{ByteCount, MIB};
use crate::keys::sealed::{DataKey, KeySource};
use crate::keys::{KeyFile, KeyId, KeysError, Kit, TapeProof};
use crate::ltfs::mount::{CheckEnds, MountedVolume};
use crate::ltfs::reader::VolumeReader;
use crate::stream::{
    ItemOutcome, ReadEndReason, ReadItem, ReadRequest, StreamConfig, Target, restore,
};

/// Copies from which the sample is taken: another one each time.
const COPIES_LOOKED_AT: usize = 1000;
/// A sample is to prove the kit, not to read the tape.
const SAMPLE_BYTES_MAX: ByteCount = ByteCount(256 * MIB);

/// Where a sample can be taken.
struct Place {
    volume: VolumeRecord,
    cartridge: CartridgeRecord,
    segment: SegmentRecord,
    /// True if the drive has encrypted it.
    is_by_drive: bool,
}

/// The data keys that the kit opens, from the tape.
#[derive(Debug, Default)]
struct FromTape(BTreeMap<KeyId, Arc<DataKey>>);

impl KeySource for FromTape {
    fn data_key(&self, id: KeyId) -> Option<Arc<DataKey>> {
        self.0.get(&id).cloned()
    }
}

/// Runs a drill.
///
/// # Errors
/// If the kit has to be typed again, no such cartridge is in the library, or the kit does not open it.
pub(super) fn run(context: &JobContext, spec: &KitDrillSpec) -> Result<Ending, JobError> {
    let ring = context.parts.keys.ring();
    let kit = ring.take_for_drill(spec.kit).ok_or(KeysError::KitForgotten(spec.kit))?;
    let place = choose(context, spec)?;
    let barcode = place.cartridge.barcode.clone().ok_or_else(nowhere)?;
    context.stage("loading", Some(&barcode));
    let equipment = &context.parts.equipment;
    let mut loaded = equipment.load(&barcode, context, &mut |wait| context.tell_wait(wait))?;
    let drilled = drill(context, &mut loaded, &place, &kit);
    context.stage("putting the cartridge away", Some(&barcode));
    if let Err(error) = loaded.put_away() {
        let message = format!("cartridge {barcode} could not be put away: {error}");
        context.tell(EventLevel::Warning, "put_away", message);
    }
    let sample = drilled?;
    let (path, bytes) = (String::from_utf8_lossy(&sample.path), sample.version.size);
    let proof = TapeProof { at: context.parts.clock.now(), barcode: barcode.clone() };
    ring.note_tape_drill(spec.kit, proof)?;
    let sentence = format!(
        "kit {} alone opened {path} of set {} on {barcode}: {} bytes, as they were stored",
        spec.kit,
        sample.set,
        grouped(bytes.0)
    );
    let outcome = Outcome { sentence, files: 1, bytes: bytes.0, ..Outcome::default() };
    Ok(Ending::Completed(outcome))
}

fn nowhere() -> JobError {
    JobError::Unknown { what: "cartridge of an encrypted set in the library".to_owned() }
}

/// The newest segment of an encrypted set on a cartridge that is there.
fn choose(context: &JobContext, spec: &KitDrillSpec) -> Result<Place, JobError> {
    let catalog = &context.parts.catalog;
    let mut places = Vec::new();
    for volume in catalog.volumes()? {
        let is_usable = matches!(volume.volume.state, VolumeState::Open | VolumeState::Closed);
        let (Some(id), Some(set), true) = (volume.volume.cartridge, &volume.set, is_usable) else {
            continue;
        };
        let cartridge = catalog.cartridge(id)?;
        let is_asked = |barcode: &crate::domain::Barcode| {
            spec.cartridge.as_ref().is_none_or(|asked| asked.is_same_label(barcode))
        };
        if cartridge.place.is_none() || !cartridge.barcode.as_ref().is_some_and(is_asked) {
            continue;
        }
        let set: SetRecord = catalog.set(&set.set)?;
        if !is_encrypted(catalog, &set)? {
            continue;
        }
        let is_by_drive = is_encrypted_by_drives(catalog, &set)?;
        let segments = catalog.segments_of_volume(volume.volume.uuid)?.into_iter();
        for segment in segments.filter(|segment| segment.manifest_sha256.is_some()) {
            let (volume, cartridge) = (volume.clone(), cartridge.clone());
            places.push(Place { volume, cartridge, segment, is_by_drive });
        }
    }
    places.into_iter().max_by_key(|place| place.segment.id.0).ok_or_else(nowhere)
}

fn drill(
    context: &JobContext,
    loaded: &mut Loaded,
    place: &Place,
    kit: &Kit,
) -> Result<LocatedCopy, JobError> {
    let expected = expected_of(&place.cartridge, place.volume.volume.uuid);
    let mounted = mount_expected(context, loaded, &expected, CheckEnds::WhenInDoubt)?;
    let keys: Arc<dyn KeySource> = Arc::new(keys_on(loaded, &mounted, kit)?);
    // From here on the drive has no other keys either.
    loaded.drive().find_keys_in(Arc::new(DataKeys(Arc::clone(&keys))));
    let sample = sample_of(context, place)?;
    let item = read_item(&sample, &mounted.map, Target::Verify).ok_or_else(nowhere)?;
    context.stage("opening a sample", Some(loaded.barcode()));
    match read(context, loaded, &mounted, keys, item)? {
        ItemOutcome::Ok { .. } => Ok(sample),
        other => {
            let path = String::from_utf8_lossy(&sample.path).into_owned();
            Err(KeysError::SampleNotOpened { kit: kit.public().id(), path, why: why(&other) }
                .into())
        }
    }
}

/// The data keys on the volume that the kit opens.
fn keys_on(loaded: &mut Loaded, mounted: &MountedVolume, kit: &Kit) -> Result<FromTape, JobError> {
    let mut own = OwnFiles::default();
    walk_files(&mounted.index.file, &mut |folder, file| own.meet(folder, file))?;
    let mut reader = VolumeReader::new(loaded.drive(), mounted);
    let mut keys = FromTape::default();
    let mut refused = None;
    for entry in &own.keys {
        let text = read_text(&mut reader, Some(entry))?;
        // One that cannot be read is missed when the sample needs it.
        let Some(file) = text.ok().and_then(|json| KeyFile::parse(&json).ok()) else { continue };
        match file.open(kit) {
            Ok(key) => drop(keys.0.insert(key.id(), Arc::new(key))),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(source) if keys.0.is_empty() => {
            Err(KeysError::NotOpened { kit: kit.public().id(), source }.into())
        }
        _ => Ok(keys),
    }
}

/// A file on the volume, another one each time.
fn sample_of(context: &JobContext, place: &Place) -> Result<LocatedCopy, JobError> {
    let catalog = &context.parts.catalog;
    let mut from = 0;
    loop {
        let page = catalog.segment_copies(place.segment.id, from, COPIES_LOOKED_AT)?;
        let Some(last) = page.last() else { return Err(nowhere()) };
        from = last.copy.id.sequence() + 1;
        let is_encrypted = |located: &LocatedCopy| {
            let sealed = form_of(located).is_some_and(|form| form.sealed_by.is_some());
            sealed || place.is_by_drive
        };
        let mut fitting: Vec<LocatedCopy> = page
            .into_iter()
            .filter(|it| it.version.kind == FileKind::File && it.copy.part.is_none())
            .filter(|it| !it.copy.extents.is_empty() && it.version.size <= SAMPLE_BYTES_MAX)
            .filter(is_encrypted)
            .collect();
        if !fitting.is_empty() {
            let seconds = context.parts.clock.now().seconds.unsigned_abs();
            let count = u64::try_from(fitting.len()).unwrap_or(1);
            return Ok(fitting.swap_remove(usize::try_from(seconds % count).unwrap_or(0)));
        }
    }
}

fn read(
    context: &JobContext,
    loaded: &mut Loaded,
    mounted: &MountedVolume,
    keys: Arc<dyn KeySource>,
    item: ReadItem,
) -> Result<ItemOutcome, JobError> {
    let mut outcome = None;
    let mut blocks = TapeBlocks::new(loaded.drive(), mounted);
    let ended = restore(ReadRequest {
        items: Box::new(std::iter::once(item)),
        reader: &mut blocks,
        outs: None,
        on_result: &mut |result| outcome = Some(result.outcome),
        config: StreamConfig {
            block_bytes: mounted.label.block_size,
            keys: Some(keys),
            ..context.parts.streaming.config()
        },
        control: Arc::clone(&context.live.control),
        gauges: Arc::clone(&context.live.gauges),
    })?;
    if let Some(failure) = ended.failure {
        return Err(failure.into());
    }
    match ended.why {
        ReadEndReason::VolumeLost(error) => Err(volume_lost(error)),
        ReadEndReason::Finished | ReadEndReason::Cancelled => {
            Ok(outcome.unwrap_or(ItemOutcome::NotRead))
        }
    }
}

fn why(outcome: &ItemOutcome) -> String {
    match outcome {
        ItemOutcome::Mismatch { expected, got } => {
            format!("its SHA-256 is {got}, and was {expected}")
        }
        ItemOutcome::Unopened { key } => format!("its data key {key} is not opened by the kit"),
        ItemOutcome::Undecodable { reason } => reason.clone(),
        ItemOutcome::ReadError { error, .. } => error.to_string(),
        _ => "it was not read".to_owned(),
    }
}
