//! Settings: one JSON file in the data folder, merged with the defaults at each start.
//!
//! What the operator set is kept, keys that are new in this release are added, and keys that this
//! release does not know are kept for the one that does. The file is replaced as a whole, so a power
//! failure leaves the old one or the new one. Options of the command line override for one start and
//! are not written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{ByteCount, GIB, LtoGeneration, MIB};
use crate::durable::{self, ANYBODY};

/// Name of the file in the data folder.
const FILE_NAME: &str = "settings.json";

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the API listens. Loopback only.
    pub listen: SocketAddr,
    /// Which devices are used.
    pub library: LibraryChoice,
    /// The practice library, made at the first start that uses it.
    pub practice: PracticeSettings,
    /// The data path.
    pub stream: StreamSettings,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub log: String,
    /// Keys of other releases.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Which devices are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LibraryChoice {
    /// A virtual library in the data folder.
    Practice,
    /// The tape devices of this machine.
    Devices,
}

/// The practice library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PracticeSettings {
    /// Capacity of each data cartridge.
    pub capacity_bytes: ByteCount,
    /// Data cartridges in the slots.
    pub cartridges: u16,
    /// What takes the time that it takes on iron.
    pub takes_time: PracticeTime,
    /// Keys of other releases.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// What takes as long with a practice library as with one of iron.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum PracticeTime {
    /// Nothing.
    None,
    /// Data: drives write and read at the rate of their generation
    Data,
    /// Data, winding, loads (40 minutes for the first of an LTO-9 cartridge) and the robot
    All,
}

/// The data path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamSettings {
    /// How files are read and staged.
    pub engine: StreamEngine,
    /// Memory for data between source and drive.
    pub memory_bytes: ByteCount,
    /// A folder on a fast disk that continues the memory; none if absent.
    pub staging_folder: Option<PathBuf>,
    /// Space that is reserved in that folder.
    pub staging_bytes: ByteCount,
    /// Whether a disk has to be mounted at that folder. Where it is away, nothing is staged.
    pub staging_needs_mount: bool,
    /// Rates of drives that are not the published ones of their generation.
    pub rates: BTreeMap<LtoGeneration, RateSettings>,
    /// Keys of other releases.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Between which rates the drives here stream a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateSettings {
    /// Below this the drive stops and repositions.
    pub slowest_bytes_per_second: u64,
    /// More it does not take.
    pub fastest_bytes_per_second: u64,
}

/// How files are read and staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamEngine {
    /// io_uring where the kernel allows it.
    Auto,
    /// io_uring, or fail.
    Ring,
    /// Blocking calls.
    Plain,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            library: LibraryChoice::Practice,
            practice: PracticeSettings::default(),
            stream: StreamSettings::default(),
            log: "info".to_owned(),
            unknown: Map::new(),
        }
    }
}

impl Default for PracticeSettings {
    fn default() -> Self {
        // Small enough to fill one in a minute and see what happens then.
        Self {
            capacity_bytes: ByteCount(4 * GIB),
            cartridges: 20,
            takes_time: PracticeTime::None,
            unknown: Map::new(),
        }
    }
}

impl Default for StreamSettings {
    fn default() -> Self {
        // Half a second of the fastest drive: enough for a source that stutters, and a machine of
        // 2 GiB still starts.
        Self {
            engine: StreamEngine::Auto,
            memory_bytes: ByteCount(256 * MIB),
            staging_folder: None,
            staging_bytes: ByteCount(64 * GIB),
            staging_needs_mount: false,
            rates: BTreeMap::new(),
            unknown: Map::new(),
        }
    }
}

/// Smallest practice cartridge: two partitions, labels, and room for something to back up.
const PRACTICE_CAPACITY_MIN: ByteCount = ByteCount(64 * MIB);
/// Slots of the practice library that may hold a data cartridge; one is kept for cleaning.
const PRACTICE_CARTRIDGES_MAX: u16 = 23;
/// Least memory of the data path: some tens of blocks in flight.
pub(super) const STREAM_MEMORY_MIN: ByteCount = ByteCount(32 * MIB);
/// Rates of a drive that can be meant: a tenth of the slowest and ten times the fastest that there are.
const RATE_BYTES_PER_SECOND: std::ops::RangeInclusive<u64> = 5_000_000..=4_000_000_000;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is not JSON, or a value is of the wrong kind.
    #[error("{} is not usable", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        #[source]
        source: serde_json::Error,
    },
    /// A value is out of its range.
    #[error("{key}: {why}")]
    Value {
        /// The key, with dots.
        key: &'static str,
        /// The value and its range.
        why: String,
    },
}

impl SettingsError {
    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::File { .. } => {
                "Give the data folder to the user that runs this, or name another with --data."
            }
            Self::Syntax { .. } => "Correct the file, or move it away to start with the defaults.",
            Self::Value { .. } => "Correct the value in settings.json or on the command line.",
        }
    }
}

impl Settings {
    /// Reads the settings of a data folder and adds to the file what is new in this release.
    ///
    /// # Errors
    /// The file cannot be read, is no JSON, holds a value of the wrong kind, or cannot be written.
    pub fn load(data: &Path) -> Result<Self, SettingsError> {
        let path = data.join(FILE_NAME);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => b"{}".to_vec(),
            Err(source) => return Err(SettingsError::File { verb: "read", path, source }),
        };
        let settings: Self = serde_json::from_slice(&text)
            .map_err(|source| SettingsError::Syntax { path: path.clone(), source })?;
        if settings.text(&path)? != text {
            settings.save(data)?;
        }
        Ok(settings)
    }

    /// Writes the settings of a data folder.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, data: &Path) -> Result<(), SettingsError> {
        let path = data.join(FILE_NAME);
        let text = self.text(&path)?;
        let written =
            std::fs::create_dir_all(data).and_then(|()| durable::replace(&path, &text, ANYBODY));
        written.map_err(|source| SettingsError::File { verb: "write", path, source })
    }

    fn text(&self, path: &Path) -> Result<Vec<u8>, SettingsError> {
        let syntax = |source| SettingsError::Syntax { path: path.to_owned(), source };
        serde_json::to_vec_pretty(self).map_err(syntax)
    }

    /// Refuses values that cannot work, also those of the command line.
    ///
    /// # Errors
    /// Names the first key that is out of its range.
    pub fn ensure_usable(&self) -> Result<(), SettingsError> {
        let refuse = |key, why| Err(SettingsError::Value { key, why });
        if self.practice.capacity_bytes < PRACTICE_CAPACITY_MIN {
            let given = self.practice.capacity_bytes;
            let why = format!("{given} is too small: at least {PRACTICE_CAPACITY_MIN}");
            return refuse("practice.capacity_bytes", why);
        }
        if !(1..=PRACTICE_CARTRIDGES_MAX).contains(&self.practice.cartridges) {
            let given = self.practice.cartridges;
            let why = format!("{given} is not between 1 and {PRACTICE_CARTRIDGES_MAX}");
            return refuse("practice.cartridges", why);
        }
        if self.stream.memory_bytes < STREAM_MEMORY_MIN {
            let given = self.stream.memory_bytes;
            let why = format!("{given} is too little: at least {STREAM_MEMORY_MIN}");
            return refuse("stream.memory_bytes", why);
        }
        let folder = self.stream.staging_folder.as_deref();
        if folder.is_some_and(Path::is_relative) {
            return refuse("stream.staging_folder", "must be an absolute path".to_owned());
        }
        for (generation, rates) in &self.stream.rates {
            let RateSettings {
                slowest_bytes_per_second: slowest,
                fastest_bytes_per_second: fastest,
            } = *rates;
            let is_sensible = |rate| RATE_BYTES_PER_SECOND.contains(&rate);
            if !is_sensible(slowest) || !is_sensible(fastest) || slowest > fastest {
                let why = format!(
                    "{}: {slowest} to {fastest} bytes a second: from 5 to 4000 MB/s, the slower first",
                    generation.name()
                );
                return refuse("stream.rates", why);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_kept_new_keys_are_added_and_unknown_ones_survive() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE_NAME);
        let old = r#"{"log":"debug","practice":{"cartridges":3,"colour":"red"},"future":[1]}"#;
        fs::write(&path, old).unwrap();
        let settings = Settings::load(data.path()).unwrap();
        assert_eq!((settings.log.as_str(), settings.practice.cartridges), ("debug", 3));
        let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(written["practice"]["colour"], "red");
        assert_eq!(written["future"], serde_json::json!([1]));
        assert_eq!(written["listen"], "127.0.0.1:8080");
        assert_eq!(Settings::load(data.path()).unwrap(), settings);
    }

    #[test]
    fn numbers_that_are_not_known_are_written_as_they_were_read() {
        let data = tempfile::tempdir().unwrap();
        // Read less exactly than a number can be, it becomes another one each time.
        let number = format!("42949{}7276736", "6".repeat(91));
        fs::write(data.path().join(FILE_NAME), format!(r#"{{"future":{number}}}"#)).unwrap();
        let settings = Settings::load(data.path()).unwrap();
        assert_eq!(settings.unknown["future"].as_f64(), number.parse().ok());
        assert_eq!(Settings::load(data.path()).unwrap(), settings);
    }

    #[test]
    fn a_first_start_writes_the_defaults() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("new");
        assert_eq!(Settings::load(&folder).unwrap(), Settings::default());
        assert!(folder.join(FILE_NAME).exists());
    }

    #[test]
    fn a_damaged_file_is_named_and_left_as_it_is() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE_NAME);
        for bad in ["{", r#"{"listen":"here"}"#, r#"{"practice":{"cartridges":-1}}"#] {
            fs::write(&path, bad).unwrap();
            let error = Settings::load(data.path()).unwrap_err();
            assert!(error.to_string().contains(FILE_NAME), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), bad);
        }
    }

    #[test]
    fn values_out_of_range_are_refused_by_the_name_of_their_key() {
        let refused = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.ensure_usable().unwrap_err().to_string()
        };
        assert!(Settings::default().ensure_usable().is_ok());
        let small = refused(|settings| settings.practice.capacity_bytes = ByteCount(1));
        assert!(small.starts_with("practice.capacity_bytes: 1 B"), "{small}");
        assert!(refused(|settings| settings.practice.cartridges = 24).contains("1 and 23"));
        assert!(refused(|settings| settings.stream.memory_bytes = ByteCount(0)).contains("0 B"));
        let relative = |settings: &mut Settings| settings.stream.staging_folder = Some("x".into());
        assert!(refused(relative).contains("absolute"));
        let backwards = |settings: &mut Settings| {
            let rates = RateSettings {
                slowest_bytes_per_second: 200_000_000,
                fastest_bytes_per_second: 100_000_000,
            };
            settings.stream.rates.insert(LtoGeneration::Lto8, rates);
        };
        assert!(refused(backwards).contains("LTO-8: 200000000"));
    }
}
