//! Reads what one cartridge says of itself: labels, index, `volume.json`, manifests. Writes nothing to it.
//!
//! What was found is kept as a file of the job, manifests beside it, so that a rebuild that is cut off
//! loads no cartridge twice, and so that runs can be put together once all cartridges were seen.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::facts::ManifestFacts;
use crate::catalog::{CartridgeId, IndexGeneration};
use crate::domain::{Barcode, BlockNumber, ByteCount, Partition, Position, Timestamp, VolumeUuid};
use crate::drive::DriveError;
use crate::durable::{self, ANYBODY};
use crate::jobs::context::{JobContext, make_folder};
use crate::jobs::equipment::Loaded;
use crate::jobs::error::JobError;
use crate::jobs::identity::Content;
use crate::jobs::verify::IndexedPlaces;
use crate::jobs::volume::{look, mounted_of};
use crate::jobs::volume_tree::{
    OwnFiles, distrust, read_text, read_to_file, tell_if_forged, walk_files,
};
use crate::keys::KeyFile;
use crate::keys::sealed::KeySource as _;
use crate::ltfs::mount::{CheckEnds, MountedVolume};
use crate::ltfs::reader::VolumeReader;
use crate::manifest::{Verdict, VolumeRecord, verify_manifest, verify_volume_record};

/// How the creator texts of our volumes begin.
const OUR_CREATOR: &str = "FossilSafe ";

/// What was found on a cartridge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Collected {
    /// Its label.
    pub(super) barcode: Barcode,
    /// What is on it, if that is no volume.
    pub(super) note: Option<String>,
    /// What is not as it should be.
    pub(super) problems: Vec<String>,
    /// The volume.
    pub(super) volume: Option<CollectedVolume>,
}

/// Whose a volume is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trust {
    /// A trusted key signed `volume.json`.
    Trusted,
    /// A key signed it that nobody here trusts.
    Foreign(String),
    /// It says it is ours, and that is not so.
    Bad(String),
    /// Formatted by this program and never written.
    Empty,
    /// Another LTFS program's.
    Nobodys,
}

/// A volume that was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CollectedVolume {
    pub(super) uuid: VolumeUuid,
    pub(super) cartridge: CartridgeId,
    pub(super) medium_serial: Option<String>,
    pub(super) name: String,
    pub(super) block_size: u32,
    pub(super) index_partition: Partition,
    /// The data partition's letter and number.
    pub(super) data: (char, Partition),
    pub(super) capacity: ByteCount,
    pub(super) used: ByteCount,
    pub(super) formatted: Timestamp,
    pub(super) generation: u64,
    pub(super) index_block: BlockNumber,
    pub(super) index_bytes: ByteCount,
    pub(super) index_files: u64,
    pub(super) updated: Timestamp,
    /// True if both partitions end in the same index.
    pub(super) is_on_both: bool,
    pub(super) trust: Trust,
    pub(super) record: Option<VolumeRecord>,
    pub(super) manifests: Vec<CollectedManifest>,
}

/// A manifest that was found whole and signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CollectedManifest {
    pub(super) facts: ManifestFacts,
    /// The unknown key that signed it, if it is not trusted.
    pub(super) foreign_key: Option<String>,
    pub(super) path: PathBuf,
}

impl CollectedVolume {
    /// The index it has, as the catalog keeps it.
    pub(super) fn index(&self) -> IndexGeneration {
        IndexGeneration {
            generation: self.generation,
            position: Position { partition: self.data.1, block: self.index_block },
            bytes: self.index_bytes,
            files: self.index_files,
            written: self.updated,
            copy: None,
        }
    }
}

/// Reads the loaded cartridge.
///
/// # Errors
/// If a device, the disk or the catalog fails. Whatever is on the tape is an answer.
pub(super) fn collect(context: &JobContext, loaded: &mut Loaded) -> Result<Collected, JobError> {
    make_folder(&context.parts.folders.job(context.id))?;
    let looked = look(context, loaded, None, CheckEnds::Always)?;
    let mut collected = Collected {
        barcode: loaded.barcode().clone(),
        note: None,
        problems: Vec::new(),
        volume: None,
    };
    if !matches!(looked.found.content, Content::Ltfs { .. }) {
        collected.note = Some(looked.found.content.to_string());
        return Ok(collected);
    }
    let (cartridge, medium_serial) = (looked.cartridge, looked.found.medium_serial.clone());
    let mounted = mounted_of(looked)?;
    let mut collector = Collector {
        context,
        mounted: &mounted,
        problems: &mut collected.problems,
        barcode: loaded.barcode().clone(),
    };
    let volume = collector.volume(loaded, cartridge, medium_serial)?;
    collected.volume = Some(volume);
    // Indexes can be gigabytes, and the next mount reads its own.
    if let Err(error) = std::fs::remove_file(mounted.index.file.path()) {
        tracing::warn!(%error, "an index was not removed");
    }
    Ok(collected)
}

struct Collector<'a> {
    context: &'a JobContext,
    mounted: &'a MountedVolume,
    problems: &'a mut Vec<String>,
    barcode: Barcode,
}

impl Collector<'_> {
    fn volume(
        &mut self,
        loaded: &mut Loaded,
        cartridge: CartridgeId,
        medium_serial: Option<String>,
    ) -> Result<CollectedVolume, JobError> {
        let mounted = self.mounted;
        self.context.stage("reading the index", Some(&self.barcode));
        let mut own = OwnFiles::default();
        let name = walk_files(&mounted.index.file, &mut |folder, file| own.meet(folder, file))?;
        let folders = own.run_folders.iter();
        let folders: BTreeSet<_> = folders
            .filter(|(_, run)| own.manifests.contains_key(run))
            .map(|(set, run)| format!("{set}/{run}"))
            .collect();
        let mut places = IndexedPlaces::of(folders);
        walk_files(&mounted.index.file, &mut |folder, file| places.meet(folder, file))?;

        let capacities = loaded.drive().partition_capacities()?;
        let data = mounted.map.data;
        let capacity = capacities.iter().find(|capacity| capacity.partition == data.1);
        let (capacity, remaining) = capacity.map_or((0, 0), |c| (c.maximum.0, c.remaining.0));
        let ends = [&mounted.index_partition, &mounted.data_partition].map(|end| end.last_index);
        let is_on_both = ends
            .iter()
            .all(|end| end.is_some_and(|index| index.generation == mounted.generation()));
        let mut reader = VolumeReader::new(loaded.drive(), mounted);
        let (trust, record) = self.identity(&mut reader, &own)?;
        self.keys(&mut reader, &own)?;
        let manifests = self.manifests(&mut reader, &own, &mut places)?;
        self.tell_of_strays(&own, &manifests);
        let counts = mounted.index.file.counts();
        Ok(CollectedVolume {
            uuid: mounted.label.uuid,
            cartridge,
            medium_serial,
            name,
            block_size: mounted.label.block_size,
            index_partition: mounted.map.index.1,
            data: (char::from(data.0.letter()), data.1),
            capacity: ByteCount(capacity),
            used: ByteCount(capacity.saturating_sub(remaining)),
            formatted: mounted.label.format_time,
            generation: mounted.generation(),
            index_block: ends[1].map_or(mounted.index.location.block, |end| end.location.block),
            index_bytes: mounted.index.file.bytes(),
            index_files: counts.files,
            updated: mounted.header().update_time,
            is_on_both,
            trust,
            record,
            manifests,
        })
    }

    /// Whose the volume is.
    fn identity(
        &mut self,
        reader: &mut VolumeReader<'_>,
        own: &OwnFiles,
    ) -> Result<(Trust, Option<VolumeRecord>), JobError> {
        let mounted = self.mounted;
        if own.record.is_none() && own.manifests.is_empty() {
            let is_empty = mounted.index.file.counts().files == 0;
            let is_ours = mounted.label.creator.starts_with(OUR_CREATOR);
            let trust = if is_empty && is_ours { Trust::Empty } else { Trust::Nobodys };
            return Ok((trust, None));
        }
        let json = read_text(reader, own.record.as_ref())?;
        let signature = read_text(reader, own.record_signature.as_ref())?;
        let json = match json {
            Ok(json) => json,
            Err(problem) => return Ok((Trust::Bad(format!("volume.json: {problem}")), None)),
        };
        let pinned = self.context.parts.keys.pinned();
        let (verdict, record) = verify_volume_record(&json, signature.as_deref().ok(), pinned);
        tell_if_forged(self.context, &self.barcode, "volume.json", &verdict);
        let other =
            record.as_ref().map(|record| record.volume).filter(|v| *v != mounted.label.uuid);
        let trust = match (verdict, other) {
            (_, Some(other)) => Trust::Bad(format!("volume.json is about volume {other}")),
            (Verdict::Trusted { .. }, None) => Trust::Trusted,
            (Verdict::Foreign { key_id }, None) => Trust::Foreign(key_id.to_string()),
            (verdict, None) => {
                let reason = distrust(&verdict).unwrap_or_default();
                Trust::Bad(format!("volume.json: {reason}"))
            }
        };
        Ok((trust, record))
    }

    /// Keeps the wrapped data keys: a kit opens them later.
    fn keys(&mut self, reader: &mut VolumeReader<'_>, own: &OwnFiles) -> Result<(), JobError> {
        let ring = self.context.parts.keys.ring();
        for entry in &own.keys {
            let read = read_text(reader, Some(entry))?.map_err(|problem| problem.to_string());
            let file = read.and_then(|json| KeyFile::parse(&json).map_err(|e| e.to_string()));
            match file {
                Ok(file) => {
                    let id = file.key_id;
                    ring.learn(file)?;
                    if ring.data_key(id).is_none() {
                        self.problems.push(format!(
                            "data key {id} of {} is not here: type the recovery kit into \
                             `fossilsafe kit open`, then run this again",
                            self.barcode
                        ));
                    }
                }
                Err(reason) => {
                    let name = entry.name.as_str();
                    self.problems.push(format!("keys/{name} on {}: {reason}", self.barcode));
                }
            }
        }
        Ok(())
    }

    fn manifests(
        &mut self,
        reader: &mut VolumeReader<'_>,
        own: &OwnFiles,
        places: &mut IndexedPlaces,
    ) -> Result<Vec<CollectedManifest>, JobError> {
        let folder = self.context.parts.folders.job(self.context.id);
        let folder = folder.join(self.mounted.label.uuid.to_string());
        make_folder(&folder)?;
        let mut manifests = Vec::new();
        for (at, (run, entry)) in own.manifests.iter().enumerate() {
            self.context.safe_point();
            self.context.stage("reading manifests", Some(&self.barcode));
            let path = folder.join(format!("{at}.manifest"));
            let signature = read_text(reader, own.signatures.get(run))?;
            let read = match read_to_file(reader, entry, &path) {
                Ok(read) => read.map_err(|problem| problem.to_string()),
                // Encrypted by the drive; which key is needed was said when the keys were read.
                Err(error) if error.drive().is_some_and(DriveError::is_locked_content) => {
                    Err(error.chain())
                }
                Err(error) => return Err(error),
            };
            let taken = match read {
                Err(problem) => Err(problem),
                Ok(()) => self.judge(run, &path, signature.as_deref().ok(), places)?,
            };
            match taken {
                Ok(manifest) => {
                    // Before notes name it: they are believed after a power failure.
                    durable::sync(&path).map_err(JobError::io("write", &path))?;
                    if let Ok(signature) = &signature {
                        let path = path.with_extension("sig");
                        let written = durable::replace(&path, signature, ANYBODY);
                        written.map_err(JobError::io("write", &path))?;
                    }
                    manifests.push(manifest);
                }
                Err(reason) => self.problems.push(format!(
                    "the manifest of run {run} on {}: {reason}; its files are not in the catalog, \
                     `fossilsafe ltfs extract` reads them from the tape",
                    self.barcode
                )),
            }
        }
        Ok(manifests)
    }

    /// The manifest, or why it is not taken.
    fn judge(
        &self,
        run: &str,
        path: &Path,
        signature: Option<&[u8]>,
        places: &mut IndexedPlaces,
    ) -> Result<Result<CollectedManifest, String>, JobError> {
        let file = std::fs::File::open(path).map_err(JobError::io("read", path))?;
        let file = BufReader::with_capacity(1 << 20, file);
        let found = verify_manifest(file, signature, self.context.parts.keys.pinned())?;
        let what = format!("the manifest of run {run}");
        tell_if_forged(self.context, &self.barcode, &what, &found.verdict);
        let foreign_key = match found.verdict {
            Verdict::Trusted { .. } => None,
            Verdict::Foreign { key_id } => Some(key_id.to_string()),
            verdict => return Ok(Err(distrust(&verdict).unwrap_or_default())),
        };
        let is_this = found
            .header
            .is_some_and(|header| header.volume == self.mounted.label.uuid && header.run.0 == run);
        if !is_this {
            return Ok(Err("it is about another volume or run".to_owned()));
        }
        let facts = ManifestFacts::read(path, places)?;
        Ok(Ok(CollectedManifest { facts, foreign_key, path: path.to_owned() }))
    }

    /// Files of a run without a manifest are those of a backup that was cut off: nothing is known of them
    /// but what the index says.
    fn tell_of_strays(&mut self, own: &OwnFiles, manifests: &[CollectedManifest]) {
        if own.record.is_none() {
            return;
        }
        for (set, run) in &own.run_folders {
            let is_known = own.manifests.contains_key(run)
                || manifests.iter().any(|manifest| manifest.facts.header.run.0 == *run);
            if !is_known {
                self.problems.push(format!(
                    "run {run} of set {set} has files on {} and no manifest there: it was cut off; \
                     `fossilsafe ltfs extract` reads them from the tape",
                    self.barcode
                ));
            }
        }
    }
}
