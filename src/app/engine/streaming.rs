//! The data path's settings behind the API: kept in the settings' file, and taken by the next stream.
//!
//! A staging folder that cannot be used stops nothing: streams go through memory alone, an alert says so, and
//! it is used again as soon as it is back.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::watch::report;
use super::{Service, open};
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{
    GenerationRates, StagingDisks, StagingSettings, StagingState, StreamingSettings, StreamingState,
};
use crate::app::error::AppError;
use crate::app::settings::{
    RateSettings, STREAM_MEMORY_MIN, Settings, SettingsError, StreamSettings,
};
use crate::catalog::JobState;
use crate::catalog::alerts::AlertReport;
use crate::domain::{ByteCount, GIB, LtoGeneration};
use crate::health;
use crate::source::network::is_mounted;
use crate::system::staging::{
    STAGING_FOLDER, StagingDiskError, StagingDiskErrorKind, StagingDiskOrder, ask_staging_disk,
};
use crate::system::{Boot, SystemError};

const INSTEAD: &str =
    "Format and mount a disk with this machine's own tools, then name a folder of it.";
/// Less stages seconds of a drive.
const LIMIT_BYTES_MIN: u64 = 1_000_000_000;
/// What the catalog keeps for itself on the disk of the data folder.
const DATA_RESERVE_BYTES: u64 = 4 * GIB;
/// Of a new staging disk; the rest is what a file system needs to stay quick.
const DISK_PERCENT: u64 = 90;

/// Who makes a disk the staging disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum StagingDoor {
    /// The service that answers at this socket, if this machine was started from an image.
    Service(PathBuf),
    /// The machine's own tools.
    Nowhere,
}

/// The data path of an engine.
#[derive(Debug)]
pub(super) struct Streaming {
    /// The service for the staging disk, where there is one.
    service: Option<PathBuf>,
    /// As it is set now.
    settings: Mutex<StreamSettings>,
}

impl Streaming {
    pub(super) fn open(door: &StagingDoor, settings: &StreamSettings) -> Self {
        let is_image = || !matches!(Boot::read(Path::new("/")), Err(SystemError::NoSlots));
        let service = match door {
            StagingDoor::Service(socket) if is_image() => Some(socket.clone()),
            _ => None,
        };
        Self { service, settings: Mutex::new(settings.clone()) }
    }

    /// As it is set now.
    pub(super) fn settings(&self) -> StreamSettings {
        self.settings.lock().clone()
    }
}

impl Service {
    pub(super) fn streaming_state(&self) -> StreamingState {
        let wanted = self.streaming.settings();
        let staged_bytes = self.staged_on_disk();
        StreamingState {
            memory_bytes: wanted.memory_bytes.0,
            memory_least_bytes: STREAM_MEMORY_MIN.0,
            memory_most_bytes: self.memory_most_bytes(),
            staging: staging_state(&wanted, staged_bytes),
            rates: LtoGeneration::ALL.map(|generation| rates(&wanted, generation)).to_vec(),
        }
    }

    pub(super) fn changed_streaming(
        &self,
        asked: &StreamingSettings,
    ) -> Result<StreamingState, EngineError> {
        self.ensure_streamable(asked)?;
        let mut settings = Settings::load(&self.data).map_err(|error| unusable(&error))?;
        let stream = &mut settings.stream;
        stream.memory_bytes = ByteCount(asked.memory_bytes);
        let staging = asked.staging.as_ref();
        stream.staging_folder = staging.map(|staging| staging.folder.clone());
        stream.staging_needs_mount = staging.is_some_and(|staging| staging.needs_mount);
        if let Some(staging) = staging {
            stream.staging_bytes = ByteCount(staging.limit_bytes);
        }
        let of_generation = asked.rates.iter().map(|rates| {
            let kept = RateSettings {
                slowest_bytes_per_second: rates.slowest_bytes_per_second,
                fastest_bytes_per_second: rates.fastest_bytes_per_second,
            };
            (rates.generation, kept)
        });
        stream.rates = of_generation.collect();
        settings.ensure_usable().map_err(|error| malformed(AppError::chain_of(&error)))?;
        settings.save(&self.data).map_err(|error| unusable(&error))?;
        self.take_streaming(&settings.stream);
        Ok(self.streaming_state())
    }

    /// Has the streams to come begin with these settings.
    pub(super) fn take_streaming(&self, wanted: &StreamSettings) {
        let clock = &self.parts.clock;
        let config = open::stream_config(wanted, clock);
        self.parts.streaming.set(config, open::rate_limits(wanted));
        *self.streaming.settings.lock() = wanted.clone();
    }

    /// Lists the disks, or makes one the staging disk and stages on it from now on.
    pub(super) fn asked_staging_disks(
        &self,
        order: &StagingDiskOrder,
    ) -> Result<StagingDisks, EngineError> {
        let Some(socket) = &self.streaming.service else {
            return match order {
                StagingDiskOrder::List => Ok(StagingDisks::elsewhere(INSTEAD.to_owned())),
                StagingDiskOrder::Format { .. } => Err(EngineError::new(
                    Kind::Conflict,
                    "staging_disk_not_taken_here",
                    "This machine was not started from an image, so its disks are not FossilSafe's.",
                    INSTEAD,
                )),
            };
        };
        let disks = ask_staging_disk(socket, order).map_err(|error| refusal(&error))?;
        if matches!(order, StagingDiskOrder::Format { .. }) {
            self.stage_on_disk()?;
        }
        Ok(disks)
    }

    fn stage_on_disk(&self) -> Result<(), EngineError> {
        let folder = PathBuf::from(STAGING_FOLDER);
        let free_bytes = room(&folder).map_or(0, |(_, free)| free);
        let limit_bytes = (free_bytes / 100 * DISK_PERCENT).max(LIMIT_BYTES_MIN);
        let present = self.streaming_state();
        let set = present.rates.iter().filter(|rates| rates.is_set);
        let asked = StreamingSettings {
            memory_bytes: present.memory_bytes,
            staging: Some(StagingSettings { folder, limit_bytes, needs_mount: true }),
            rates: set
                .map(|rates| crate::api::types::RateSetting {
                    generation: rates.generation,
                    slowest_bytes_per_second: rates.slowest_bytes_per_second,
                    fastest_bytes_per_second: rates.fastest_bytes_per_second,
                })
                .collect(),
        };
        self.changed_streaming(&asked).map(drop)
    }

    /// Tells of a staging folder that cannot be used.
    pub(super) fn staging_report(&self) -> Option<AlertReport> {
        let wanted = self.streaming.settings();
        let staging = staging_state(&wanted, self.staged_on_disk())?;
        let trouble = staging.trouble?;
        let sentence =
            format!("Nothing is staged on disk: {trouble}. Jobs go through memory alone.");
        let next_step =
            "Connect the disk or make room on it, or choose another one: Settings, Streaming.";
        Some(report(health::Kind::StagingUnusable, "staging", sentence, next_step))
    }

    /// What lies in the staging folder now; nothing where no stream uses it.
    fn staged_on_disk(&self) -> Option<u64> {
        let running = self.parts.catalog.jobs_in_state(JobState::Running).ok()?;
        let figures = running.iter().filter_map(|job| self.runner.progress(job.id)?.stream);
        let active = figures.filter(|it| it["staging"]["state"] == "active");
        let staged = active.filter_map(|it| it["staged_on_disk_bytes"].as_u64());
        staged.reduce(|sum, bytes| sum.saturating_add(bytes))
    }

    fn memory_most_bytes(&self) -> u64 {
        self.machine().memory_bytes / 4 * 3
    }

    fn ensure_streamable(&self, asked: &StreamingSettings) -> Result<(), EngineError> {
        let most = self.memory_most_bytes();
        if asked.memory_bytes > most {
            let given = ByteCount(asked.memory_bytes);
            return Err(malformed(format!(
                "{given} is more than three quarters of this machine's memory, {}",
                ByteCount(most)
            )));
        }
        let Some(staging) = &asked.staging else { return Ok(()) };
        let folder = staging.folder.display();
        if !staging.folder.is_absolute() {
            return Err(malformed(format!(
                "the staging folder {folder} must be given from the top"
            )));
        }
        if staging.limit_bytes < LIMIT_BYTES_MIN {
            return Err(malformed("less than 1 GB stages seconds of a drive".to_owned()));
        }
        if let Some(trouble) = folder_trouble(&staging.folder, staging.needs_mount) {
            return Err(malformed(trouble));
        }
        let Some((size, free)) = room(&staging.folder) else { return Ok(()) };
        if staging.limit_bytes > size {
            let size = ByteCount(size);
            return Err(malformed(format!("the disk of {folder} has {size} in all")));
        }
        let is_of_data = device(&staging.folder) == device(&self.data);
        let held = self.staged_on_disk().map_or(0, |_| staging.limit_bytes);
        if is_of_data && staging.limit_bytes + DATA_RESERVE_BYTES > free + held {
            return Err(malformed(format!(
                "{folder} is on the disk of the catalog, which keeps {} for itself; {} are free",
                ByteCount(DATA_RESERVE_BYTES),
                ByteCount(free)
            )));
        }
        Ok(())
    }
}

fn staging_state(wanted: &StreamSettings, staged_bytes: Option<u64>) -> Option<StagingState> {
    let folder = wanted.staging_folder.clone()?;
    let limit_bytes = wanted.staging_bytes.0;
    let needs_mount = wanted.staging_needs_mount;
    let room = room(&folder);
    // While a stream holds its room, what is free says nothing of it.
    let is_short = |(size, free): (u64, u64)| {
        let room = if staged_bytes.is_some() { size } else { free };
        (limit_bytes > room).then(|| {
            let (limit, room) = (ByteCount(limit_bytes), ByteCount(room));
            format!("{} has room for {room}, and {limit} are to be reserved", folder.display())
        })
    };
    let trouble = folder_trouble(&folder, needs_mount).or_else(|| room.and_then(is_short));
    Some(StagingState {
        limit_bytes,
        needs_mount,
        trouble,
        disk_bytes: room.map(|(size, _)| size),
        free_bytes: room.map(|(_, free)| free),
        staged_bytes,
        folder,
    })
}

/// Why a folder cannot be staged in, but for its room.
fn folder_trouble(folder: &Path, needs_mount: bool) -> Option<String> {
    let shown = folder.display();
    match std::fs::metadata(folder) {
        Err(error) => return Some(format!("the staging folder {shown} cannot be used: {error}")),
        Ok(found) if !found.is_dir() => return Some(format!("{shown} is no folder")),
        Ok(_) => {}
    }
    if needs_mount && !is_mounted(folder).unwrap_or(false) {
        return Some(format!("no disk is mounted at {shown}"));
    }
    // With the rights that it is written to with: the plain question leaves out what a service has of root's.
    let (access, with) = (rustix::fs::Access::WRITE_OK, rustix::fs::AtFlags::EACCESS);
    let asked = rustix::fs::accessat(rustix::fs::CWD, folder, access, with);
    asked.err().map(|_| format!("{shown} cannot be written to"))
}

/// Size of a folder's disk, and what is free.
fn room(folder: &Path) -> Option<(u64, u64)> {
    let said = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(said.f_frsize);
    Some((bytes(said.f_blocks), bytes(said.f_bavail)))
}

fn device(path: &Path) -> Option<u64> {
    std::os::unix::fs::MetadataExt::dev(&std::fs::metadata(path).ok()?).into()
}

fn rates(wanted: &StreamSettings, generation: LtoGeneration) -> GenerationRates {
    let published = generation.speed_bands_bytes_per_second();
    let set = wanted.rates.get(&generation);
    let ends = || RateSettings {
        slowest_bytes_per_second: published.last().copied().unwrap_or(0),
        fastest_bytes_per_second: published.first().copied().unwrap_or(0),
    };
    let present = set.copied().unwrap_or_else(ends);
    GenerationRates {
        generation,
        published_bytes_per_second: published.to_vec(),
        slowest_bytes_per_second: present.slowest_bytes_per_second,
        fastest_bytes_per_second: present.fastest_bytes_per_second,
        is_set: set.is_some(),
    }
}

fn malformed(why: String) -> EngineError {
    let next_step = "Correct it and send it again; nothing was changed.";
    EngineError::new(Kind::Invalid, "streaming_malformed", why, next_step)
}

fn unusable(error: &SettingsError) -> EngineError {
    let message = format!("The settings cannot be kept: {}.", AppError::chain_of(error));
    EngineError::new(Kind::Unavailable, "settings_unusable", message, error.next_step())
}

fn refusal(error: &StagingDiskError) -> EngineError {
    let (kind, code) = match error.kind() {
        StagingDiskErrorKind::Unknown => (Kind::NotFound, "staging_disk_unknown"),
        StagingDiskErrorKind::InUse => (Kind::Conflict, "staging_disk_in_use"),
        StagingDiskErrorKind::NotConfirmed => (Kind::Invalid, "staging_disk_not_confirmed"),
        StagingDiskErrorKind::Machine => (Kind::Unavailable, "staging_disk_unavailable"),
    };
    EngineError::new(kind, code, AppError::chain_of(error), error.next_step())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path) -> StreamSettings {
        StreamSettings {
            staging_folder: Some(folder.to_owned()),
            staging_bytes: ByteCount(LIMIT_BYTES_MIN),
            ..StreamSettings::default()
        }
    }

    #[test]
    fn a_staging_folder_that_is_away_too_small_or_not_mounted_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let state = |wanted: &StreamSettings| staging_state(wanted, None).unwrap();
        let there = state(&settings(folder.path()));
        assert_eq!(there.trouble, None);
        assert!(there.free_bytes.unwrap() <= there.disk_bytes.unwrap());
        let away = state(&settings(&folder.path().join("none"))).trouble.unwrap();
        assert!(away.contains("cannot be used"), "{away}");
        let huge = StreamSettings { staging_bytes: ByteCount(1 << 60), ..settings(folder.path()) };
        assert!(state(&huge).trouble.unwrap().contains("are to be reserved"));
        let unmounted = StreamSettings { staging_needs_mount: true, ..settings(folder.path()) };
        assert!(state(&unmounted).trouble.unwrap().contains("no disk is mounted"));
        assert_eq!(staging_state(&StreamSettings::default(), None), None);
    }

    #[test]
    fn rates_are_the_published_ones_until_a_person_sets_others() {
        let mut wanted = StreamSettings::default();
        let published = rates(&wanted, LtoGeneration::Lto6);
        assert_eq!(
            (published.slowest_bytes_per_second, published.fastest_bytes_per_second),
            (54_000_000, 160_000_000)
        );
        let set = RateSettings {
            slowest_bytes_per_second: 60_000_000,
            fastest_bytes_per_second: 120_000_000,
        };
        wanted.rates.insert(LtoGeneration::Lto6, set);
        let limited = rates(&wanted, LtoGeneration::Lto6);
        assert!(limited.is_set && limited.fastest_bytes_per_second == 120_000_000);
        assert!(!rates(&wanted, LtoGeneration::Lto7).is_set);
    }
}
