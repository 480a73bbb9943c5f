//! `fossilsafe bench`: what this machine can do, beside the tools people know.
//!
//! The cases run in processes of their own, of this program: `bench-case` does one and prints what it
//! cost. A signal ends the measurement after the present case, so that what was made is removed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde::Serialize;

use super::output::Output;
use super::size::parse_size;
use crate::app::bench::streaming::{self, StreamingPlan};
use crate::app::bench::{self, Caches, Case, Cost, LoadPlan, Plan, ScalePlan, Subject, TreePlan};
use crate::app::error::{AppError, Exit};
use crate::app::serve::Signals;
use crate::domain::{ByteCount, KIB, MIB};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct BenchArguments {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    /// How many large files; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = 2)]
    large_files: u64,
    /// Size of each large file
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_size)]
    large_bytes: ByteCount,
    /// How many small files; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    small_files: u64,
    /// Size of each small file
    #[arg(long, value_name = "SIZE", default_value = "4KiB", value_parser = parse_size)]
    small_bytes: ByteCount,
    /// Times that everything is run; the figures are medians
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// Folder in which a fresh folder is made, used and removed [default: $TMPDIR]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Empty the caches of this machine before each case, and compare with dd on the disk of the
    /// folder. For root
    #[arg(long)]
    cold: bool,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// What tape drives would do with slow, bursty and fast sources, and with restores of single
    /// files: whole cartridges played on a model of the drive, in seconds. Needs no drive
    Streaming(StreamingArguments),
    /// Measure a volume and a catalog of millions of files
    Scale(ScaleArguments),
    /// Measure how soon the API answers while a backup writes, in a catalog of millions of files
    Load(LoadArguments),
}

#[derive(Debug, Args)]
struct StreamingArguments {
    /// Folder for a picture (SVG) of each case
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What is written in each case
    #[arg(long, value_name = "SIZE", default_value = "1TB", value_parser = parse_size)]
    bytes: ByteCount,
}

#[derive(Debug, Args)]
struct ScaleArguments {
    /// How many files
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    files: u64,
    /// What is measured
    #[arg(long, value_enum, default_value_t)]
    only: Subject,
    /// Folder in which a fresh folder is made, used and removed [default: $TMPDIR]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct LoadArguments {
    /// How many files the catalog has before
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    files: u64,
    /// Questions a second
    #[arg(long, value_name = "N", default_value_t = 200)]
    per_second: u32,
    /// How many files of 12 MiB each backup writes to a drive that takes its time
    #[arg(long, value_name = "N", default_value_t = 250)]
    large_files: u64,
    /// How many files of 4 KiB each backup writes to a drive that takes none
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    small_files: u64,
    /// Pairs of backups, one alone and one under load; the figures are medians
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// Folder in which a fresh folder is made, used and removed [default: $TMPDIR]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CaseArguments {
    /// The case, as JSON
    #[arg(value_parser = parse_case)]
    case: Case,
}

/// Measures, and prints a Markdown table with what limits.
pub(super) fn run(arguments: BenchArguments, output: &Output) -> Result<Exit, AppError> {
    match arguments.command {
        Some(BenchCommand::Streaming(arguments)) => return run_streaming(arguments, output),
        Some(BenchCommand::Scale(arguments)) => return run_scale(arguments, output),
        Some(BenchCommand::Load(arguments)) => return run_load(arguments, output),
        None => {}
    }
    let tree = |files, size: ByteCount| TreePlan::of_noise(files, size.0);
    let plan = Plan {
        large: tree(arguments.large_files, arguments.large_bytes),
        small: tree(arguments.small_files, arguments.small_bytes),
        rounds: arguments.rounds,
        work: arguments.work.unwrap_or_else(std::env::temp_dir),
        caches: if arguments.cold { Caches::Cold } else { Caches::Warm },
    };
    let bar = ProgressBar::new_spinner();
    let report = bench::run(&plan, &launch, &|what| tell(&bar, what), &stop_on_signal())?;
    bar.finish_and_clear();
    print(output, &report, &report.markdown())
}

fn run_streaming(arguments: StreamingArguments, output: &Output) -> Result<Exit, AppError> {
    let plan = StreamingPlan { bytes: arguments.bytes, out: arguments.out };
    let report = streaming::run(&plan)?;
    print(output, &report, &report.markdown())
}

fn run_scale(arguments: ScaleArguments, output: &Output) -> Result<Exit, AppError> {
    let plan = ScalePlan {
        files: arguments.files,
        subject: arguments.only,
        work: arguments.work.unwrap_or_else(std::env::temp_dir),
    };
    let bar = ProgressBar::new_spinner();
    let report = bench::run_scale(&plan, &|what| tell(&bar, what), &stop_on_signal())?;
    bar.finish_and_clear();
    print(output, &report, &report.markdown())
}

fn run_load(arguments: LoadArguments, output: &Output) -> Result<Exit, AppError> {
    let plan = LoadPlan {
        files: arguments.files,
        per_second: arguments.per_second,
        large: TreePlan::of_noise(arguments.large_files, 12 * MIB),
        small: TreePlan::of_noise(arguments.small_files, 4 * KIB),
        rounds: arguments.rounds,
        work: arguments.work.unwrap_or_else(std::env::temp_dir),
    };
    let bar = ProgressBar::new_spinner();
    let report = bench::run_load(&plan, &|what| tell(&bar, what), &stop_on_signal())?;
    bar.finish_and_clear();
    print(output, &report, &report.markdown())
}

/// Says what is being done: on standard error, and there only on a terminal.
fn tell(bar: &ProgressBar, what: &str) {
    bar.set_message(what.to_owned());
    bar.tick();
}

fn print(output: &Output, report: &impl Serialize, markdown: &str) -> Result<Exit, AppError> {
    match output.is_json {
        true => output.json(report)?,
        false => output.line(markdown)?,
    }
    Ok(Exit::Done)
}

/// Does one case.
pub(super) fn run_case(arguments: &CaseArguments) -> Result<Exit, AppError> {
    let cost = arguments.case.run()?;
    Output::new(true).json(&cost)?;
    Ok(Exit::Done)
}

fn parse_case(text: &str) -> Result<Case, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Runs a case in a process of this program.
fn launch(case: &Case) -> Result<Cost, AppError> {
    const NEXT_STEP: &str = "Look at what it printed above.";
    let failed = |source| AppError::Io { what: "cannot start a case".to_owned(), source };
    let text = serde_json::to_string(case).map_err(std::io::Error::from).map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.arg("bench-case").arg(text).stderr(Stdio::inherit());
    let ended = command.output().map_err(failed)?;
    if !ended.status.success() {
        let message = format!("a case of the measurement failed: {}", ended.status);
        return Err(AppError::Offline { message, next_step: NEXT_STEP.to_owned() });
    }
    serde_json::from_slice(&ended.stdout)
        .map_err(|error| AppError::offline("a case said no cost", &error, NEXT_STEP))
}

/// A switch that SIGINT and SIGTERM turn on. If nobody can listen, they end the process as ever.
fn stop_on_signal() -> Arc<AtomicBool> {
    let switch = Arc::new(AtomicBool::new(false));
    let turned = Arc::clone(&switch);
    let listen = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(mut signals) = Signals::listen() else { return };
            signals.next().await;
            turned.store(true, Ordering::SeqCst);
        });
    };
    let started = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
    if let Err(error) = started {
        tracing::debug!(%error, "nobody listens to signals");
    }
    switch
}
