//! `fossilsafe settings`: what was set, as a document without secrets, and back.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Context;
use super::audit::{read, write};
use super::output::{Table, or_dash};
use crate::api::types::{ChangeKind, SettingsDocument, SettingsImport};
use crate::app::error::{AppError, Exit};

const SETTINGS: &str = "/api/settings";
const IMPORT: &str = "/api/settings/import";

#[derive(Debug, Subcommand)]
pub(super) enum SettingsCommand {
    /// Write settings, pools, sources, channels, windows and schedules into a file, without secrets and users
    Export(ExportArguments),
    /// Merge such a file into what is set here; nothing that it does not name is changed
    Import(ImportArguments),
}

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// The file
    file: PathBuf,
    /// Change it; without this only what would change is shown
    #[arg(long)]
    apply: bool,
}

pub(super) fn run(command: &SettingsCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        SettingsCommand::Export(ExportArguments { to }) => {
            let document: SettingsDocument = context.client.get(SETTINGS)?;
            let mut text = serde_json::to_vec_pretty(&document).map_err(std::io::Error::from)?;
            text.push(b'\n');
            write(to, &text)?;
            context.done(&format!("The settings are in {}.", to.display()))
        }
        SettingsCommand::Import(arguments) => import(arguments, context),
    }
}

fn import(arguments: &ImportArguments, context: &Context) -> Result<Exit, AppError> {
    let document: SettingsDocument =
        serde_json::from_slice(&read(&arguments.file)?).map_err(|error| {
            let doing = format!("{} is no settings document", arguments.file.display());
            AppError::offline(&doing, &error, "Take what `fossilsafe settings export` wrote.")
        })?;
    let address =
        if arguments.apply { IMPORT.to_owned() } else { format!("{IMPORT}?dry_run=true") };
    let answer: SettingsImport = context.client.post(&address, &document)?;
    let is_refused = answer.changes.iter().any(|change| change.change == ChangeKind::Refused);
    let exit = if is_refused { Exit::Failed } else { Exit::Done };
    if context.output.is_json {
        context.output.json(&answer)?;
        return Ok(exit);
    }
    let mut table = Table::new(&["WHAT", "CHANGE", "NOTE"]);
    for change in answer.changes.iter().filter(|change| change.change != ChangeKind::Same) {
        let word = match change.change {
            ChangeKind::Add => "is new",
            ChangeKind::Change => "changes",
            ChangeKind::Same => "is the same",
            ChangeKind::Kept => "stays",
            ChangeKind::Refused => "CANNOT BE",
        };
        table.row(vec![change.subject.clone(), word.to_owned(), or_dash(change.note.as_ref())]);
    }
    context.output.table(&table, "Everything is as the document says.")?;
    if !answer.is_applied {
        context.output.line("Nothing was changed. --apply does it.")?;
    }
    Ok(exit)
}
