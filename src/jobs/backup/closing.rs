//! The end of a segment: our own files, the index on both partitions, and what the catalog is told.
//!
//! The order is the order of evidence: manifest and signatures on tape, index on the data partition, then
//! on the index partition, the cartridge's memory, and only then the catalog's *indexed*.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::own_files::{ManifestPlan, append_file, manifest_path};
use super::segment::{Segment, SegmentEnd, StreamStop};
use super::sink::TapeSink;
use super::tree::OwnPlace;
use crate::catalog::{EventLevel, EvidenceState, IndexGeneration, SetPlace, VolumeState};
use crate::domain::{ByteCount, Position, Sha256Digest};
use crate::durable::{self, ANYBODY};
use crate::jobs::context::make_folder;
use crate::jobs::error::JobError;
use crate::jobs::pool::run_key;
use crate::jobs::spec::BackupMode;
use crate::keys::sealed::DataKey;
use crate::keys::{KeyId, Purpose, UNSEAL_PROGRAM};
use crate::ltfs::writer::{IndexPlacement, IndexWritten};
use crate::manifest::{ManifestHeader, PreviousVolume, RunKind, VolumeRecord, readme_text};
use crate::pools::PoolRefusal;

/// Off-tape copies of a volume's indexes that are kept: enough to go back a step after a mistake.
const INDEXES_KEPT: usize = 3;

impl Segment<'_> {
    /// Writes our own files and the index on both partitions, and tells the catalog.
    pub(super) fn close(
        &self,
        sink: &mut TapeSink<'_>,
        stop: StreamStop,
    ) -> Result<(SegmentEnd, Sha256Digest), JobError> {
        let parts = &self.context.parts;
        self.context.stage("closing the volume", Some(&self.state.barcode));
        if stop == StreamStop::PlanDone && !sink.recorder.mark.is_complete {
            sink.recorder.plan_done()?;
        }
        let (_, mark) = sink.recorder.prepare()?;
        let digest = self.append_own_files(sink)?;
        let (written, mark_written) = sink.write_index(IndexPlacement::Both)?;
        debug_assert_eq!(mark.ordinal, mark_written.ordinal, "nothing is noted while closing");
        if let Err(error) = &written.coherency {
            let message = format!("the cartridge's memory was not brought up to date: {error}");
            self.context.tell(EventLevel::Warning, "coherency", message);
        }
        let now = parts.clock.now();
        let until = sink.recorder.catalog.next_sequence();
        let job = Some(self.context.id);
        let indexed = EvidenceState::Indexed;
        parts.catalog.set_segment_manifest(self.state.id, digest)?;
        parts.catalog.say_evidence(self.state.id, indexed, 0..until, now, job)?;
        self.note_index(sink, &written)?;
        if stop == StreamStop::Full {
            let reason = Some("it is full");
            parts.catalog.set_volume_state(self.state.volume, VolumeState::Closed, reason, now)?;
        }
        let end = match stop {
            StreamStop::PlanDone => SegmentEnd::PlanDone,
            StreamStop::Full => SegmentEnd::VolumeFull,
            StreamStop::Between => SegmentEnd::Between,
            StreamStop::Stopped => SegmentEnd::Stopped,
        };
        Ok((end, digest))
    }

    fn note_index(&self, sink: &mut TapeSink<'_>, written: &IndexWritten) -> Result<(), JobError> {
        let parts = &self.context.parts;
        let volume = &mut sink.volume;
        let used = volume.drive_mut().partition_capacities().ok().and_then(|capacities| {
            let data = capacities.iter().find(|c| c.partition == volume.map().data.1)?;
            Some(ByteCount(data.maximum.0.saturating_sub(data.remaining.0)))
        });
        let generation = IndexGeneration {
            generation: written.generation,
            position: Position { partition: volume.map().data.1, block: written.on_data.block },
            bytes: written.bytes,
            files: written.file.counts().files,
            written: parts.clock.now(),
            copy: None,
        };
        parts.catalog.index_written(self.state.volume, &generation, used.unwrap_or_default())?;
        prune_indexes(&parts.folders.indexes(self.state.volume), written.file.path());
        Ok(())
    }

    fn append_own_files(&self, sink: &mut TapeSink<'_>) -> Result<Sha256Digest, JobError> {
        let parts = &self.context.parts;
        let now = parts.clock.now();
        let folder = parts.folders.manifests(&self.spec.set);
        make_folder(&folder)?;
        let path = manifest_path(&folder, &self.run.run, self.state.copy, self.state.number);
        let partial = path.with_extension("partial");
        let previous = self.previous_volume()?;
        let seal = run_key(parts, self.run.seal)?;
        let plan = self.manifest_plan(sink, previous.clone(), seal);
        let end = plan.write(&partial, now)?;
        let signature = parts.keys.sign(Purpose::Manifest, &end.sha256).to_json();
        let record = VolumeRecord {
            volume: self.state.volume,
            barcode: Some(self.state.barcode.clone()),
            set: self.spec.set.clone(),
            copy: self.state.copy,
            sequence: self.state.sequence,
            previous,
            block_size_bytes: sink.volume.label().block_size,
            written: now,
            host: parts.host.clone(),
            tool: tool(),
            key_id: parts.keys.key_id(),
            public_key_pem: parts.keys.public_key().to_pem(),
        };
        let json = record.to_json();
        let json_digest = Sha256Digest(<sha2::Sha256 as sha2::Digest>::digest(&json).into());
        let json_signature = parts.keys.sign(Purpose::Volume, &json_digest).to_json();
        let readme = readme_text(&record);
        let run = &self.run.run;
        let mut texts: Vec<(OwnPlace, String, &[u8])> = vec![
            (OwnPlace::Runs, format!("{run}.sig"), &signature),
            (OwnPlace::Top, "volume.json".to_owned(), &json),
            (OwnPlace::Top, "volume.sig".to_owned(), &json_signature),
            (OwnPlace::Top, "README.txt".to_owned(), readme.as_bytes()),
        ];
        let key_file = self.key_file()?;
        if let Some((id, key_file)) = &key_file {
            texts.push((OwnPlace::Keys, format!("{id}.json"), key_file));
            texts.push((OwnPlace::Top, "unseal.py".to_owned(), UNSEAL_PROGRAM.as_bytes()));
        }
        let mut file = std::fs::File::open(&partial).map_err(JobError::io("read", &partial))?;
        // Hashes of content stand in it: it is encrypted like the content. What follows must be readable to
        // come to the key at all.
        sink.encrypt()?;
        let (length, extents) = append_file(&mut sink.volume, &mut file, &partial)?;
        sink.end_encryption()?;
        sink.tree.put_own_file(OwnPlace::Runs, &format!("{run}.manifest"), length, extents)?;
        for (place, name, bytes) in texts {
            let mut bytes_left = bytes;
            let (length, extents) =
                append_file(&mut sink.volume, &mut bytes_left, Path::new(&name))?;
            sink.tree.put_own_file(place, &name, length, extents)?;
        }
        // The signature first: a manifest without one does not count.
        let signature_path = path.with_extension("sig");
        durable::replace(&signature_path, &signature, ANYBODY)
            .map_err(JobError::io("write", &signature_path))?;
        durable::put_in_place(&partial, &path).map_err(JobError::io("put in place", &path))?;
        Ok(end.sha256)
    }

    /// What opens the run's data key with a kit, if the run is encrypted.
    fn key_file(&self) -> Result<Option<(KeyId, Vec<u8>)>, JobError> {
        let Some(id) = self.run.data_key() else { return Ok(None) };
        let file = self.context.parts.keys.ring().key_file(id)?;
        // A tape that no kit opens must not come into being, whatever happened to the kits meanwhile.
        if file.recipients.is_empty() {
            return Err(PoolRefusal::NoKitFor(id.to_string()).into());
        }
        Ok(Some((id, file.to_json())))
    }

    fn manifest_plan<'p>(
        &'p self,
        sink: &TapeSink<'_>,
        previous: Option<PreviousVolume>,
        seal: Option<Arc<DataKey>>,
    ) -> ManifestPlan<'p> {
        let mut volumes = self.volumes.clone();
        volumes.truncate(usize::try_from(self.state.number).unwrap_or(usize::MAX));
        volumes.push((self.state.volume, self.state.sequence));
        ManifestPlan {
            header: ManifestHeader {
                set: self.spec.set.clone(),
                run: self.run.run.clone(),
                kind: match self.run.mode {
                    BackupMode::Full => RunKind::Full,
                    BackupMode::Incremental => RunKind::Incremental,
                },
                parent_run: self.run.parent.clone(),
                volume: self.state.volume,
                barcode: Some(self.state.barcode.clone()),
                copy: self.state.copy,
                copies: self.run.copies,
                sequence: self.state.sequence,
                previous,
                block_size_bytes: sink.volume.label().block_size,
                host: self.context.parts.host.clone(),
                pool: self.run.pool.clone(),
                key_id: self.run.data_key(),
                roots: self.spec.paths.iter().map(|p| p.display().to_string()).collect(),
                started: self.run.started,
                tool: tool(),
            },
            plan: self.files.plan(),
            totals: self.totals(),
            outcomes: self.files.outcomes(),
            segment: self.state.number,
            volumes,
            data_partition: sink.volume.map().data.0,
            seal,
        }
    }

    /// The volume before this one in its copy of the set, with the last manifest on it.
    fn previous_volume(&self) -> Result<Option<PreviousVolume>, JobError> {
        let Some(before) = self.state.sequence.checked_sub(1).filter(|number| *number > 0) else {
            return Ok(None);
        };
        let catalog = &self.context.parts.catalog;
        let volumes = catalog.volumes_of_set(&self.spec.set)?;
        let is_before = |place: &Option<SetPlace>| {
            let place = place.as_ref();
            place.is_some_and(|it| it.copy == self.state.copy && it.sequence == before)
        };
        let Some(record) = volumes.into_iter().find(|record| is_before(&record.set)) else {
            return Ok(None);
        };
        let segments = catalog.segments_of_volume(record.volume.uuid)?;
        let manifest = segments.into_iter().rev().find_map(|segment| segment.manifest_sha256);
        Ok(manifest.map(|manifest_sha256| PreviousVolume {
            volume: record.volume.uuid,
            barcode: record.volume.barcode,
            manifest_sha256,
        }))
    }
}

/// Program and release, as manifests say it.
fn tool() -> String {
    format!("fossilsafe {}", env!("CARGO_PKG_VERSION"))
}

/// Removes all but the newest indexes. What cannot be removed only takes room.
fn prune_indexes(folder: &Path, newest: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut indexes: Vec<(std::time::SystemTime, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "xml"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    indexes.sort();
    let excess = indexes.len().saturating_sub(INDEXES_KEPT);
    for (_, path) in indexes.into_iter().take(excess).filter(|(_, path)| path != newest) {
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(%error, "an old index was not removed: {}", path.display());
        }
    }
}
