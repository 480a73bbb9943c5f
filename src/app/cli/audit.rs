//! `fossilsafe audit`: who did what; and the proof that the log is whole, also without an engine.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Output, Table, grouped, moment};
use super::search::parse_date;
use crate::api::types::Page;
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::audit::{Entry, Fault, Report, verify_export};
use crate::domain::Timestamp;
use crate::keys::{PinnedKey, PinnedKeys, PublicKey};

const AUDIT: &str = "/api/audit";

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List what was changed and who was refused, the newest first
    List(ListArguments),
    /// Check that nothing was changed, taken out, exchanged or cut off
    Verify(VerifyArguments),
    /// Take a signed copy of the whole log
    Export(ExportArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// By whom
    #[arg(long)]
    actor: Option<String>,
    /// What, as "POST /api/users"
    #[arg(long)]
    action: Option<String>,
    /// What came of it: ok, or the code of a refusal
    #[arg(long)]
    outcome: Option<String>,
    /// Not before this day, as 2026-03-31
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    since: Option<Timestamp>,
    /// Before this day
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    until: Option<Timestamp>,
    /// Most entries to list
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// An export to check without an engine; the engine's own log without this
    #[arg(requires = "key")]
    file: Option<PathBuf>,
    /// The public key of the appliance (PEM), from where it was kept before the export was made
    #[arg(long, value_name = "PEM", requires = "file")]
    key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Also write the public key that it can be checked with; keep it apart from the export
    #[arg(long, value_name = "PEM")]
    key_to: Option<PathBuf>,
}

/// Whether the command needs an engine.
pub(super) fn is_offline(command: &AuditCommand) -> bool {
    matches!(command, AuditCommand::Verify(VerifyArguments { file: Some(_), .. }))
}

/// A command that needs none.
pub(super) fn run_offline(command: &AuditCommand, output: &Output) -> Result<Exit, AppError> {
    let AuditCommand::Verify(VerifyArguments { file: Some(file), key: Some(key) }) = command else {
        return Err(AppError::Usage("name the export and its --key".to_owned()));
    };
    show(&verify_export(&read(file)?, &named_key(key)?), output)
}

pub(super) fn run(command: AuditCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        AuditCommand::List(arguments) => list(&arguments, context),
        AuditCommand::Verify(_) => show(&context.client.get("/api/audit/verify")?, &context.output),
        AuditCommand::Export(arguments) => export(&arguments, context),
    }
}

fn list(arguments: &ListArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new(AUDIT)
        .query_if("actor", arguments.actor.as_ref())
        .query_if("action", arguments.action.as_ref())
        .query_if("outcome", arguments.outcome.as_ref())
        .query_if("since", arguments.since.as_ref())
        .query_if("until", arguments.until.as_ref());
    let entries: Page<Entry> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&entries)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NUMBER", "WHEN", "WHO", "FROM", "ACTION", "ON", "OUTCOME"]);
    for entry in entries.items {
        table.row(vec![
            entry.number.to_string(),
            moment(entry.at),
            entry.actor,
            entry.address,
            entry.action,
            entry.object,
            entry.outcome,
        ]);
    }
    context.output.table(&table, "Nothing is in the log.")?;
    Ok(Exit::Done)
}

fn export(arguments: &ExportArguments, context: &Context) -> Result<Exit, AppError> {
    let bytes = context.client.bytes("/api/audit/export")?;
    if let Some(path) = &arguments.key_to {
        let last = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        let last: serde_json::Value =
            serde_json::from_slice(last.unwrap_or_default()).unwrap_or_default();
        let pem = last["signature"]["public_key_pem"].as_str().unwrap_or_default();
        write(path, pem.as_bytes())?;
    }
    write(&arguments.to, &bytes)?;
    context.done(&format!("The audit log is in {}.", arguments.to.display()))
}

fn show(report: &Report, output: &Output) -> Result<Exit, AppError> {
    let exit = if report.is_whole { Exit::Done } else { Exit::Failed };
    if output.is_json {
        output.json(report)?;
        return Ok(exit);
    }
    let (entries, head) = (grouped(report.entries), report.head);
    if report.is_whole {
        output.line(&format!("The log is whole: {entries} entries, the last with hash {head}."))?;
        return Ok(exit);
    }
    output.line(&format!("The log is NOT whole: {} faults.", grouped(report.findings_total)))?;
    for finding in &report.findings {
        let what = match finding.fault {
            Fault::OutOfOrder => "an entry before it is missing, or they were exchanged",
            Fault::Changed => "it is not what was written",
            Fault::BadSeal => "no trusted key has signed it",
            Fault::SealMissing => "its signature is missing; entries may be cut off after it",
            Fault::Cut => "the file ends too early, or is no export",
        };
        output.line(&format!("  entry {}: {what}", finding.number))?;
    }
    Ok(exit)
}

/// The one key that somebody trusts who checks something without an engine.
pub(super) fn named_key(path: &Path) -> Result<PinnedKeys, AppError> {
    let pem = String::from_utf8_lossy(&read(path)?).into_owned();
    let public_key = PublicKey::from_pem(&pem).map_err(|error| {
        AppError::offline(&path.display().to_string(), &error, "Name the key that was kept.")
    })?;
    let mut pinned = PinnedKeys::default();
    let label = "named on the command line".to_owned();
    pinned.pin(PinnedKey { public_key, label, since: Timestamp::default() });
    Ok(pinned)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, AppError> {
    let what = || format!("cannot read {}", path.display());
    std::fs::read(path).map_err(|source| AppError::Io { what: what(), source })
}

pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), AppError> {
    use std::io::Write as _;
    let what = || format!("cannot write {}", path.display());
    let written = std::fs::File::create_new(path).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.map_err(|source| AppError::Io { what: what(), source })
}
