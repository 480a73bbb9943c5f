//! `fossilsafe streaming`: memory, staging and rates of the data path; and the service for the staging disk.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{Output, Table};
use super::size::parse_size;
use super::{Context, service};
use crate::api::types::{
    RateSetting, StagingDiskRequest, StagingDisks, StagingSettings, StreamingSettings,
    StreamingState,
};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::app::{logging, serve};
use crate::domain::{ByteCount, LtoGeneration};

/// Where the service answers the engine.
pub(super) const STAGING_SOCKET: &str = "/run/fossilsafe-staging/staging.sock";
const STREAMING: &str = "/api/streaming";
const DISKS: &str = "/api/streaming/disks";

#[derive(Debug, Subcommand)]
pub(super) enum StreamingCommand {
    /// Show memory, the staging folder and what is in it, and the rates of the drives
    Show,
    /// Change some of it; it counts from the next job on
    Set(SetArguments),
    /// The disks of the appliance, and which can be taken for staging
    Disks,
    /// Erase a disk of the appliance and stage on it; asks which, and for what it erases
    TakeDisk(TakeArguments),
    /// Do what the engine asks for: it may open no disk itself
    #[command(hide = true)]
    Serve(ServeArguments),
}

#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// Memory for what waits between source and drive
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory: Option<ByteCount>,
    /// Folder on a fast disk that takes what the memory cannot
    #[arg(long, value_name = "DIR", conflicts_with = "no_staging")]
    staging: Option<PathBuf>,
    /// Space that is reserved in it while a backup writes
    #[arg(long, value_name = "SIZE", value_parser = parse_size, conflicts_with = "no_staging")]
    staging_size: Option<ByteCount>,
    /// Stage only while a disk is mounted at that folder
    #[arg(long, requires = "staging")]
    needs_mount: bool,
    /// Stage in memory alone
    #[arg(long)]
    no_staging: bool,
    /// Rates of the drives here for a generation, in MB/s, as LTO-8=112-300; LTO-8 alone: as published
    #[arg(long = "rates", value_name = "GENERATION[=SLOWEST-FASTEST]", value_parser = parse_rates)]
    rates: Vec<(LtoGeneration, Option<(u64, u64)>)>,
}

#[derive(Debug, Args)]
pub(super) struct TakeArguments {
    /// Name of the disk, as `streaming disks` has it; asked for without it
    disk: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The Unix socket on which the engine is answered
    #[arg(long, value_name = "PATH", default_value = STAGING_SOCKET)]
    socket: PathBuf,
}

/// Runs the service until a signal.
pub(super) fn serve(arguments: &ServeArguments) -> Result<Exit, AppError> {
    logging::start("info")?;
    service::runtime()?.block_on(serve::staging(&arguments.socket))?;
    Ok(Exit::Done)
}

pub(super) fn run(command: StreamingCommand, context: &Context) -> Result<Exit, AppError> {
    let Context { client, output } = context;
    match command {
        StreamingCommand::Set(arguments) => {
            let present: StreamingState = client.get(STREAMING)?;
            let state: StreamingState = client.put(STREAMING, &arguments.over(&present)?)?;
            show(&state, output)
        }
        StreamingCommand::Disks => show_disks(&client.get(DISKS)?, output),
        StreamingCommand::TakeDisk(TakeArguments { disk }) => take_disk(disk, context),
        StreamingCommand::Show | StreamingCommand::Serve(_) => {
            show(&client.get(STREAMING)?, output)
        }
    }
}

impl SetArguments {
    /// What is there, with what was given in its place.
    fn over(self, present: &StreamingState) -> Result<StreamingSettings, AppError> {
        let Self { memory, staging, staging_size, needs_mount, no_staging, rates } = self;
        let kept = present.staging.as_ref().filter(|_| !no_staging);
        let folder = staging.clone().or_else(|| kept.map(|kept| kept.folder.clone()));
        let limit = staging_size.map(|size| size.0).or_else(|| kept.map(|kept| kept.limit_bytes));
        if folder.is_none() && staging_size.is_some() {
            return Err(AppError::Usage("name the folder too: --staging DIR".to_owned()));
        }
        let missing = || AppError::Usage("say how much: --staging-size SIZE".to_owned());
        let staging = folder.map(|folder| {
            let limit_bytes = limit.ok_or_else(missing)?;
            let is_kept = staging.is_none() && kept.is_some_and(|kept| kept.needs_mount);
            let needs_mount = needs_mount || is_kept;
            Ok::<_, AppError>(StagingSettings { folder, limit_bytes, needs_mount })
        });
        let named = |generation| rates.iter().any(|(named, _)| *named == generation);
        let set = present.rates.iter().filter(|it| it.is_set && !named(it.generation));
        let set = set.map(|it| RateSetting {
            generation: it.generation,
            slowest_bytes_per_second: it.slowest_bytes_per_second,
            fastest_bytes_per_second: it.fastest_bytes_per_second,
        });
        let new = rates.iter().filter_map(|(generation, ends)| {
            ends.map(|(slowest, fastest)| RateSetting {
                generation: *generation,
                slowest_bytes_per_second: slowest,
                fastest_bytes_per_second: fastest,
            })
        });
        Ok(StreamingSettings {
            memory_bytes: memory.map_or(present.memory_bytes, |memory| memory.0),
            staging: staging.transpose()?,
            rates: set.chain(new).collect(),
        })
    }
}

/// Reads `LTO-8=112-300` or `LTO-8`.
fn parse_rates(text: &str) -> Result<(LtoGeneration, Option<(u64, u64)>), String> {
    let (name, ends) = text.split_once('=').map_or((text, None), |(name, ends)| (name, Some(ends)));
    let generation = LtoGeneration::from_name(name)
        .ok_or_else(|| format!("\"{name}\" is no generation: LTO-5 to LTO-10"))?;
    let rate = |text: &str| text.trim().parse::<u64>().ok()?.checked_mul(1_000_000);
    let ends = ends.map(|ends| {
        let (slowest, fastest) = ends.split_once('-')?;
        Some((rate(slowest)?, rate(fastest)?))
    });
    match ends {
        None => Ok((generation, None)),
        Some(Some(ends)) => Ok((generation, Some(ends))),
        Some(None) => Err(format!("\"{text}\": two rates in MB/s, as LTO-8=112-300")),
    }
}

fn show(state: &StreamingState, output: &Output) -> Result<Exit, AppError> {
    if output.is_json {
        output.json(state)?;
        return Ok(Exit::Done);
    }
    output.line(&format!("Memory: {}", ByteCount(state.memory_bytes)))?;
    match &state.staging {
        None => output.line("Staging: in memory alone")?,
        Some(staging) => {
            let (folder, limit) = (staging.folder.display(), ByteCount(staging.limit_bytes));
            output.line(&format!("Staging: up to {limit} in {folder}"))?;
            if let Some(trouble) = &staging.trouble {
                output.line(&format!("Not now: {trouble}"))?;
            }
            if let Some(staged) = staging.staged_bytes {
                output.line(&format!("There now: {}", ByteCount(staged)))?;
            }
        }
    }
    let mut table = Table::new(&["GENERATION", "SLOWEST", "FASTEST", ""]);
    for rates in &state.rates {
        let rate = |bytes: u64| format!("{} MB/s", bytes / 1_000_000);
        table.row(vec![
            rates.generation.name().to_owned(),
            rate(rates.slowest_bytes_per_second),
            rate(rates.fastest_bytes_per_second),
            if rates.is_set { "set here" } else { "as published" }.to_owned(),
        ]);
    }
    output.table(&table, "")?;
    Ok(Exit::Done)
}

fn show_disks(disks: &StagingDisks, output: &Output) -> Result<Exit, AppError> {
    if output.is_json {
        output.json(disks)?;
        return Ok(Exit::Done);
    }
    if let Some(instead) = &disks.instead {
        output.line(instead)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["DISK", "SIZE", "MODEL", "ON IT", "FOR STAGING"]);
    for disk in &disks.disks {
        table.row(vec![
            disk.name.clone(),
            ByteCount(disk.size_bytes).to_string(),
            disk.model.clone().unwrap_or_default(),
            disk.content.clone().unwrap_or_else(|| "nothing that is known".to_owned()),
            disk.why_not
                .clone()
                .map_or_else(|| "can be taken".to_owned(), |why| format!("no: {why}")),
        ]);
    }
    output.table(&table, "This machine has no disk.")?;
    Ok(Exit::Done)
}

fn take_disk(disk: Option<String>, context: &Context) -> Result<Exit, AppError> {
    let disks: StagingDisks = context.client.get(DISKS)?;
    show_disks(&disks, &context.output)?;
    if disks.instead.is_some() {
        return Ok(Exit::Failed);
    }
    if !disks.disks.iter().any(|disk| disk.why_not.is_none()) {
        context.output.line("No disk can be taken. Attach one and choose this again.")?;
        return Ok(Exit::Failed);
    }
    let disk = match disk {
        Some(disk) => disk,
        None => ask("Disk (empty: do nothing)")?,
    };
    if disk.is_empty() {
        return context.done("Nothing was done.");
    }
    let typed = ask(&format!("Everything on {disk} is erased. Type \"erase {disk}\" to do it"))?;
    let address = Address::new(DISKS).part(&disk).part("format");
    let done: StagingDisks =
        context.client.post(address.as_str(), &StagingDiskRequest { typed })?;
    show_disks(&done, &context.output)
}

fn ask(question: &str) -> Result<String, AppError> {
    let mut terminal = std::io::stdout().lock();
    write!(terminal, "{question}: ")?;
    terminal.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        let of = |text| parse_rates(text);
        assert_eq!(of("LTO-8"), Ok((LtoGeneration::Lto8, None)));
        let ends = Some((112_000_000, 300_000_000));
        assert_eq!(of("lto-8=112-300"), Ok((LtoGeneration::Lto8, ends)));
        for bad in ["LTO-4=1-2", "LTO-8=fast", "LTO-8=112", "LTO-8="] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_named_stays_and_a_new_folder_has_its_own_rule_for_mounts() {
        let staging = crate::api::types::StagingState {
            folder: "/srv/staging".into(),
            limit_bytes: 5_000_000_000,
            needs_mount: true,
            trouble: None,
            disk_bytes: None,
            free_bytes: None,
            staged_bytes: None,
        };
        let present = StreamingState {
            memory_bytes: 1,
            memory_least_bytes: 1,
            memory_most_bytes: 2,
            staging: Some(staging),
            rates: Vec::new(),
        };
        let nothing = || SetArguments {
            memory: None,
            staging: None,
            staging_size: None,
            needs_mount: false,
            no_staging: false,
            rates: vec![(LtoGeneration::Lto7, Some((1, 2)))],
        };
        let same = nothing().over(&present).unwrap();
        assert_eq!(same.memory_bytes, 1);
        assert!(same.staging.as_ref().unwrap().needs_mount);
        assert_eq!(same.rates.len(), 1);
        let other = SetArguments { staging: Some("/mnt/fast".into()), ..nothing() };
        assert!(!other.over(&present).unwrap().staging.unwrap().needs_mount);
        let none = SetArguments { no_staging: true, ..nothing() };
        assert_eq!(none.over(&present).unwrap().staging, None);
    }
}
