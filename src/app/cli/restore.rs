//! `fossilsafe restore`: bring files back, by default into a folder of their own.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::Context;
use super::backup::absolute;
use super::follow::DetachOption;
use super::output::{Table, grouped, or_dash, size};
use crate::api::types::{FileHit, Page, RestorePlan, SetView};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::{RunId, SetName};
use crate::jobs::spec::{Existing, MissingCartridge, Priority, RestoreSelection, RestoreSpec};

/// Most files that a search selects. More are named by their folder.
const FOUND_MAX: usize = 10_000;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("origin").required(true).args(["set", "run"])))]
pub(super) struct RestoreArguments {
    /// Files and folders as they were backed up; without any, the whole run
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Restore the newest run of this set that has ended
    #[arg(long, value_name = "NAME")]
    set: Option<SetName>,
    /// Restore this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Restore what `fossilsafe search` finds in the run by these words
    #[arg(long, value_name = "TEXT", conflicts_with = "paths")]
    search: Option<String>,
    /// The folder they go to, under their paths [default: restored/RUN in the present folder]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Replace files that are already there; without this they are kept and listed
    #[arg(long)]
    overwrite: bool,
    /// Do not wait for cartridges that are not in the library: restore the rest and list what is missing
    #[arg(long)]
    without_missing: bool,
    /// Whose turn it is among jobs that wait for a drive: high, normal or low
    #[arg(long, value_name = "PRIORITY", default_value_t = Priority::default())]
    priority: Priority,
    /// Only say which cartridges would be read and what is missing
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    wait: DetachOption,
}

pub(super) fn run(arguments: RestoreArguments, context: &Context) -> Result<Exit, AppError> {
    let run = match (&arguments.run, &arguments.set) {
        (Some(run), _) => RunId(run.clone()),
        (None, Some(set)) => newest_run(set, context)?,
        (None, None) => return Err(AppError::Usage("name a set or a run".to_owned())),
    };
    let paths = match &arguments.search {
        Some(text) => found(text, &run, context)?,
        None => arguments.paths.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?,
    };
    let to = arguments.to.unwrap_or_else(|| Path::new("restored").join(&run.0));
    let spec = RestoreSpec {
        selection: RestoreSelection { run, paths },
        destination: absolute(&to)?,
        existing: if arguments.overwrite { Existing::Replace } else { Existing::Keep },
        missing: match arguments.without_missing {
            true => MissingCartridge::Skip,
            false => MissingCartridge::Wait,
        },
        priority: arguments.priority,
    };
    if arguments.plan {
        return plan(&spec, context);
    }
    let job = context.client.post("/api/restore", &spec)?;
    arguments.wait.apply(&job, context)
}

fn newest_run(set: &SetName, context: &Context) -> Result<RunId, AppError> {
    let address = Address::new("/api/sets").part(set.as_str());
    let view: SetView = context.client.get(address.as_str())?;
    let none = || AppError::Offline {
        message: format!("set {set} has no run that has ended"),
        next_step: "Back it up first, or wait for its job: `fossilsafe job list`.".to_owned(),
    };
    view.newest_ended_run.ok_or_else(none)
}

fn found(text: &str, run: &RunId, context: &Context) -> Result<Vec<PathBuf>, AppError> {
    let address =
        Address::new("/api/files/search").query("q", text.as_bytes()).query_if("run", Some(run));
    let hits: Page<FileHit> = context.client.list(&address, FOUND_MAX)?;
    let refuse = |message: String, next_step: &str| {
        Err(AppError::Offline { message, next_step: next_step.to_owned() })
    };
    if hits.items.is_empty() {
        return refuse(format!("nothing in run {run} matches \"{text}\""), "Try other words.");
    }
    if hits.next.is_some() {
        let message = format!("more than {FOUND_MAX} files of run {run} match \"{text}\"");
        return refuse(message, "Name their folder instead.");
    }
    if let Some(odd) = hits.items.iter().find(|hit| hit.path.path_b64.is_some()) {
        let message = format!("\"{}\" is not UTF-8 and cannot be named alone", odd.path.path);
        return refuse(message, "Name its folder instead.");
    }
    Ok(hits.items.into_iter().map(|hit| PathBuf::from(hit.path.path)).collect())
}

fn plan(spec: &RestoreSpec, context: &Context) -> Result<Exit, AppError> {
    let plan: RestorePlan = context.client.post("/api/restore/plan", spec)?;
    let output = &context.output;
    let is_whole = plan.missing.is_empty() && plan.files_without_copy == 0;
    let exit = if is_whole { Exit::Done } else { Exit::NeedsOperator };
    if output.is_json {
        output.json(&plan)?;
        return Ok(exit);
    }
    output.line(&plan.sentence)?;
    let mut table = Table::new(&["READ", "CARTRIDGE", "PLACE", "FILES", "SIZE"]);
    for (index, step) in plan.steps.iter().enumerate() {
        let place = step.place.map_or_else(|| "not here".to_owned(), |place| place.to_string());
        let (barcode, files) = (or_dash(step.barcode.as_ref()), grouped(step.files));
        table.row(vec![(index + 1).to_string(), barcode, place, files, size(step.bytes)]);
    }
    output.table(&table, "No cartridge has to be read.")?;
    output.exchange(plan.exchange.as_ref())?;
    for missing in &plan.missing {
        let (files, bytes) = (grouped(missing.files), size(missing.bytes));
        let name = or_dash(missing.barcode.as_ref());
        let uuid = missing.volume;
        output
            .line(&format!("Missing: cartridge {name} (volume {uuid}), {files} files, {bytes}"))?;
    }
    if plan.files_without_copy > 0 {
        let files = grouped(plan.files_without_copy);
        output.line(&format!("No readable copy is known of {files} files."))?;
    }
    Ok(exit)
}
