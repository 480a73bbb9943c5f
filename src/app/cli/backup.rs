//! `fossilsafe backup`: files and folders as one set.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use super::follow::DetachOption;
use super::output::list;
use super::size::parse_size;
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, ByteCount, PoolName, SetName};
use crate::jobs::backup::BackupEstimate;
use crate::jobs::spec::{BackupMode, BackupSpec, Compression, Hooks, Priority};

/// Level of zstd that keeps up with a drive on a few cores.
const ZSTD_LEVEL: i32 = 3;

#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    #[command(flatten)]
    task: BackupTask,
    /// Write nothing: say what would be written, to which cartridges, and what is safe already
    #[arg(long, conflicts_with = "detach")]
    dry_run: bool,
    #[command(flatten)]
    wait: DetachOption,
}

/// What is to be backed up, and how.
#[derive(Debug, Args)]
pub(super) struct BackupTask {
    /// Files and folders; folders with everything in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Name of the set: letters, digits, '-', '_', '.'
    #[arg(long, value_name = "NAME")]
    set: SetName,
    /// Write every file again
    #[arg(long, conflicts_with = "incremental")]
    full: bool,
    /// Skip files that already have a copy with evidence (the default)
    #[arg(long)]
    incremental: bool,
    /// Leave out what matches, in the syntax of .gitignore; may be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// How content is stored: none, zstd or zstd:LEVEL, which makes NAME.zst of files that become smaller
    #[arg(long, value_name = "CODEC", value_parser = parse_compression)]
    compression: Option<Compression>,
    /// Write only this cartridge; may be repeated
    #[arg(long = "cartridge", value_name = "BARCODE")]
    cartridges: Vec<Barcode>,
    /// How many copies, each on cartridges of its own: 1 to 4. As many as the set has, if not given
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=4))]
    copies: Option<u8>,
    /// The pool of a new set, made by `fossilsafe pool create`; a set stays in the one it has
    #[arg(long, value_name = "NAME")]
    pool: Option<PoolName>,
    /// A script in the folder `hooks` of the data folder that runs before anything is read; if it fails, the
    /// backup does not begin
    #[arg(long, value_name = "SCRIPT")]
    before: Option<String>,
    /// The same after the backup has ended, however that was
    #[arg(long, value_name = "SCRIPT")]
    after: Option<String>,
    /// How long each of these scripts may take
    #[arg(long, value_name = "SECONDS", default_value_t = Hooks::default().seconds_max,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Hooks::SECONDS_MAX)))]
    hook_seconds: u32,
    /// Whose turn it is among jobs that wait for a drive: high, normal or low
    #[arg(long, value_name = "PRIORITY", default_value_t = Priority::default())]
    priority: Priority,
    /// Write an index after so many bytes: what a power failure can cost
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    index_interval: Option<ByteCount>,
}

pub(super) fn run(arguments: BackupArguments, context: &Context) -> Result<Exit, AppError> {
    let spec = arguments.task.spec()?;
    if arguments.dry_run {
        return estimate(&spec, context);
    }
    let job = context.client.post("/api/backups", &spec)?;
    arguments.wait.apply(&job, context)
}

fn estimate(spec: &BackupSpec, context: &Context) -> Result<Exit, AppError> {
    let found: BackupEstimate = context.client.post("/api/backups/estimate", spec)?;
    let output = &context.output;
    if output.is_json {
        output.json(&found)?;
    } else {
        output.line(&format!("Set {}: {}.", spec.set, found.sentence))?;
        for copy in &found.copies {
            output.line(&format!("Copy {}: {}", copy.copy, list(&copy.cartridges)))?;
            for passed_over in &copy.passed_over {
                output.line(&format!("  {passed_over}"))?;
            }
        }
        let minutes = found.seconds_at_best.div_ceil(60);
        output.line(&format!("At the drives' best rate: {minutes} minutes."))?;
        output.exchange(found.exchange.as_ref())?;
        for problem in &found.first_problems {
            output.line(&format!("Cannot be read: {problem}"))?;
        }
    }
    let is_enough = found.copies.iter().all(|copy| copy.bytes_without_room == 0);
    Ok(if is_enough { Exit::Done } else { Exit::NeedsOperator })
}

impl BackupTask {
    /// As the engine is asked for it.
    pub(super) fn spec(self) -> Result<BackupSpec, AppError> {
        let paths: Result<Vec<PathBuf>, AppError> =
            self.paths.iter().map(|path| absolute(path)).collect();
        Ok(BackupSpec {
            set: self.set,
            paths: paths?,
            mode: if self.full { BackupMode::Full } else { BackupMode::Incremental },
            exclude: self.exclude,
            compression: self.compression.unwrap_or_default(),
            cartridges: self.cartridges,
            copies: self.copies,
            pool: self.pool,
            index_interval: self.index_interval.unwrap_or_else(BackupSpec::default_index_interval),
            hooks: Hooks { before: self.before, after: self.after, seconds_max: self.hook_seconds },
            priority: self.priority,
        })
    }
}

/// `none`, `zstd`, `zstd:9`. Which levels there are is the engine's to say.
fn parse_compression(text: &str) -> Result<Compression, String> {
    let refuse = || format!("\"{text}\" is no codec: write none, zstd or zstd:LEVEL");
    let level = match text.split_once(':') {
        None if text == "none" => return Ok(Compression::None),
        None if text == "zstd" => ZSTD_LEVEL,
        Some(("zstd", level)) => level.parse().map_err(|_| refuse())?,
        _ => return Err(refuse()),
    };
    Ok(Compression::Zstd { level })
}

/// A path as the engine needs it. The engine looks whether it exists, on its own machine; links on
/// the way are not followed here.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, AppError> {
    let what = || format!("cannot use path \"{}\"", path.display());
    let absolute =
        std::path::absolute(path).map_err(|source| AppError::Io { what: what(), source })?;
    // The request is JSON. Names below a path may be any bytes; the path itself may not.
    if absolute.to_str().is_none() {
        let shown = path.display();
        return Err(AppError::Usage(format!(
            "\"{shown}\" is not UTF-8 and cannot be sent to the engine: name the folder above it"
        )));
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_codec_is_named_with_or_without_its_level() {
        assert_eq!(parse_compression("none"), Ok(Compression::None));
        assert_eq!(parse_compression("zstd"), Ok(Compression::Zstd { level: ZSTD_LEVEL }));
        assert_eq!(parse_compression("zstd:9"), Ok(Compression::Zstd { level: 9 }));
        for bad in ["", "gzip", "zstd:", "zstd:high", "none:1"] {
            assert!(parse_compression(bad).is_err(), "{bad}");
        }
    }
}
