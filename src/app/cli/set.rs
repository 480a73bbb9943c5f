//! `fossilsafe set`: sets and their runs.

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Table, grouped, list, moment, moment_or_dash, or_dash, size};
use crate::api::types::{Page, RunView, SetView};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::SetName;

/// More than anybody names.
const SETS_MAX: usize = 10_000;

#[derive(Debug, Subcommand)]
pub(super) enum SetCommand {
    /// List sets with their newest run
    List,
    /// List the runs of one set, newest first
    Show(ShowArguments),
}

#[derive(Debug, Args)]
pub(super) struct ShowArguments {
    set: SetName,
    /// Most runs to list
    #[arg(long, default_value_t = 25)]
    limit: usize,
}

pub(super) fn run(command: SetCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        SetCommand::List => list_sets(context),
        SetCommand::Show(arguments) => show(&arguments, context),
    }
}

fn list_sets(context: &Context) -> Result<Exit, AppError> {
    let sets: Page<SetView> = context.client.list(&Address::new("/api/sets"), SETS_MAX)?;
    if context.output.is_json {
        context.output.json(&sets)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[
        "SET",
        "COPIES",
        "RUNS",
        "NEWEST RUN",
        "STATE",
        "FILES",
        "SIZE",
        "CARTRIDGES",
        "PATHS",
    ]);
    for set in &sets.items {
        let run = set.newest_run.as_ref();
        let dash = || "-".to_owned();
        table.row(vec![
            set.name.to_string(),
            set.copies.to_string(),
            set.runs.to_string(),
            or_dash(run.map(|run| &run.run)),
            run.map_or("-", |run| run.state.name()).to_owned(),
            run.map_or_else(dash, |run| grouped(run.files)),
            run.map_or_else(dash, |run| size(run.bytes)),
            list(&set.cartridges),
            list(&set.paths),
        ]);
    }
    context.output.table(&table, "There are no sets.")?;
    Ok(Exit::Done)
}

fn show(arguments: &ShowArguments, context: &Context) -> Result<Exit, AppError> {
    // Asked first, so that a set that nobody knows is named as such.
    let set: SetView =
        context.client.get(Address::new("/api/sets").part(arguments.set.as_str()).as_str())?;
    let address = Address::new("/api/runs").query_if("set", Some(&set.name));
    let runs: Page<RunView> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&serde_json::json!({ "set": set, "runs": runs }))?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["RUN", "MODE", "STATE", "STARTED", "ENDED", "FILES", "SIZE", "CARTRIDGES"]);
    for run in &runs.items {
        table.row(vec![
            run.run.to_string(),
            match run.mode {
                crate::jobs::spec::BackupMode::Full => "full".to_owned(),
                crate::jobs::spec::BackupMode::Incremental => "incremental".to_owned(),
            },
            run.state.name().to_owned(),
            moment(run.started),
            moment_or_dash(run.ended),
            grouped(run.files),
            size(run.bytes),
            list(&run.cartridges),
        ]);
    }
    context.output.table(&table, "The set has no run yet.")?;
    Ok(Exit::Done)
}
