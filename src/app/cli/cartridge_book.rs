//! `fossilsafe cartridge contents|history|loss|manifest|name|put|lock|unlock|keep|release`: one cartridge.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::Context;
use super::output::{Table, moment, or_dash, size};
use super::search::parse_date;
use crate::api::types::{
    AliasRequest, CartridgeEventView, CartridgeLossView, CartridgeView, ContentEntry, ContentKind,
    KeptUntilRequest, LocationRequest, LockRequest, ManifestView, OtherCopy, Page,
};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::{Barcode, Timestamp};

#[derive(Debug, Args)]
pub(super) struct ContentsArguments {
    barcode: Barcode,
    /// The folder, as it was backed up
    #[arg(default_value = "/")]
    path: PathBuf,
    /// Most entries to list
    #[arg(long, default_value_t = 200)]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct HistoryArguments {
    barcode: Barcode,
    /// Most events to list
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct LossArguments {
    barcode: Barcode,
    /// Most files to list
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct ManifestArguments {
    barcode: Barcode,
    /// Save manifest and signature of this run; without it the runs are listed
    #[arg(long, value_name = "RUN", requires = "to")]
    run: Option<String>,
    /// The folder they go to
    #[arg(long, value_name = "DIR", requires = "run")]
    to: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct WordsArguments {
    barcode: Barcode,
    /// In words; without them they are taken back
    words: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct LockArguments {
    barcode: Barcode,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct KeepArguments {
    barcode: Barcode,
    /// Not formatted before this day, as 2036-12-31
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    until: Timestamp,
}

fn address(barcode: &Barcode, part: &str) -> Address {
    Address::new("/api/cartridges").part(barcode.as_str()).part(part)
}

pub(super) fn contents(arguments: &ContentsArguments, context: &Context) -> Result<Exit, AppError> {
    let address = address(&arguments.barcode, "contents")
        .query("path", arguments.path.as_os_str().as_bytes());
    let page: Page<ContentEntry> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&page)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["SIZE", "MODIFIED", "EVIDENCE", "ELSEWHERE", "NAME"]);
    for entry in &page.items {
        let slash = if entry.kind == ContentKind::Directory { "/" } else { "" };
        table.row(vec![
            entry.size_bytes.filter(|_| slash.is_empty()).map_or_else(|| "-".to_owned(), size),
            entry.modified.map_or_else(|| "-".to_owned(), moment),
            entry.evidence.map_or("-", |state| state.name()).replace('_', " "),
            elsewhere(&entry.other_copies),
            format!("{}{slash}", entry.name),
        ]);
    }
    context.output.table(&table, "Nothing is known to be there.")?;
    if page.next.is_some() {
        context.output.line("There are more: ask for them with --limit.")?;
    }
    Ok(Exit::Done)
}

/// Copies elsewhere with what is proven of them: "B FSP004L9 read back".
fn elsewhere(copies: &[OtherCopy]) -> String {
    let one = |copy: &OtherCopy| {
        let state = copy.failure.as_ref().map_or(copy.evidence.name(), |_| "failed");
        format!("{} {} {}", copy.copy, or_dash(copy.barcode.as_ref()), state.replace('_', " "))
    };
    match copies {
        [] => "-".to_owned(),
        copies => copies.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

pub(super) fn history(arguments: &HistoryArguments, context: &Context) -> Result<Exit, AppError> {
    let address = address(&arguments.barcode, "history");
    let page: Page<CartridgeEventView> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&page)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["TIME", "WHAT", "JOB", ""]);
    for event in &page.items {
        table.row(vec![
            moment(event.at),
            event.code.replace('_', " "),
            or_dash(event.job.as_ref()),
            event.message.clone(),
        ]);
    }
    context.output.table(&table, "Nothing is known of it.")?;
    Ok(Exit::Done)
}

pub(super) fn loss(arguments: &LossArguments, context: &Context) -> Result<Exit, AppError> {
    let address =
        address(&arguments.barcode, "loss").query_if("limit", Some(&arguments.limit.max(1)));
    let loss: CartridgeLossView = context.client.get(address.as_str())?;
    if context.output.is_json {
        context.output.json(&loss)?;
        return Ok(Exit::Done);
    }
    context.output.line(&loss.sentence)?;
    let mut table = Table::new(&["SIZE", "RUN", "ELSEWHERE", "PATH"]);
    for file in &loss.items {
        table.row(vec![
            size(file.size_bytes),
            file.run.to_string(),
            elsewhere(&file.other_copies),
            file.path.path.clone(),
        ]);
    }
    if !loss.items.is_empty() {
        context.output.table(&table, "")?;
    }
    Ok(Exit::Done)
}

pub(super) fn manifest(arguments: &ManifestArguments, context: &Context) -> Result<Exit, AppError> {
    let address = address(&arguments.barcode, "manifests");
    if let (Some(run), Some(to)) = (&arguments.run, &arguments.to) {
        let list = address.part(run);
        let name = |ending: &str| to.join(format!("{run}.{ending}"));
        save(context, &list, &name("manifest"))?;
        save(context, &list.part("signature"), &name("sig"))?;
        let saved = name("manifest");
        return context.done(&format!(
            "{} and its signature are saved. Check them with `fossilsafe manifest verify {} --key KEY`, \
             with a key that was kept elsewhere.",
            saved.display(),
            saved.display()
        ));
    }
    let page: Page<ManifestView> = context.client.get(address.as_str())?;
    if context.output.is_json {
        context.output.json(&page)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["RUN", "SET", "COPY", "SIZE", "SHA-256"]);
    for found in &page.items {
        table.row(vec![
            found.run.to_string(),
            found.set.to_string(),
            found.copy.to_string(),
            found.size_bytes.map_or_else(|| "only on tape".to_owned(), size),
            or_dash(found.sha256.as_ref()),
        ]);
    }
    context.output.table(&table, "No run has put anything on it.")?;
    Ok(Exit::Done)
}

fn save(context: &Context, from: &Address, to: &Path) -> Result<(), AppError> {
    let what = || format!("cannot write {}", to.display());
    let file = File::create_new(to).map_err(|source| AppError::Io { what: what(), source })?;
    context.client.download(from.as_str(), &file)?;
    file.sync_all().map_err(|source| AppError::Io { what: what(), source })
}

pub(super) fn name(arguments: WordsArguments, context: &Context) -> Result<Exit, AppError> {
    let request = AliasRequest { alias: arguments.words };
    say(&arguments.barcode, "alias", &request, context)
}

pub(super) fn put(arguments: WordsArguments, context: &Context) -> Result<Exit, AppError> {
    let request = LocationRequest { location: arguments.words };
    say(&arguments.barcode, "location", &request, context)
}

pub(super) fn lock(arguments: LockArguments, context: &Context) -> Result<Exit, AppError> {
    let request = LockRequest { reason: arguments.reason };
    say(&arguments.barcode, "lock", &request, context)
}

pub(super) fn keep(arguments: &KeepArguments, context: &Context) -> Result<Exit, AppError> {
    let request = KeptUntilRequest { until: arguments.until };
    say(&arguments.barcode, "retention", &request, context)
}

/// Takes an order back: `lock` or `retention`.
pub(super) fn take_back(
    barcode: &Barcode,
    what: &str,
    context: &Context,
) -> Result<Exit, AppError> {
    let cartridge = context.client.delete(address(barcode, what).as_str())?;
    show(&cartridge, context)
}

fn say<B: Serialize>(
    barcode: &Barcode,
    what: &str,
    request: &B,
    context: &Context,
) -> Result<Exit, AppError> {
    let cartridge = context.client.put(address(barcode, what).as_str(), request)?;
    show(&cartridge, context)
}

fn show(cartridge: &CartridgeView, context: &Context) -> Result<Exit, AppError> {
    let said = said(cartridge);
    let text = if said.is_empty() { "Nothing is said of it.".to_owned() } else { said.join("\n") };
    context.output.report(cartridge, &format!("Cartridge {}\n{text}", cartridge.barcode))
}

/// What people say of a cartridge, a line each.
pub(super) fn said(cartridge: &CartridgeView) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(cartridge.alias.as_ref().map(|alias| format!("Called: {alias}")));
    lines.extend(cartridge.location.as_ref().map(|place| format!("Put away: {place}")));
    lines.extend(cartridge.lock.as_ref().map(|lock| {
        let reason = lock.reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        format!("Locked by {} on {}{reason}", lock.by, moment(lock.at))
    }));
    let until = cartridge.retained_until.map(moment);
    lines.extend(until.map(|until| format!("Kept until {until}: not formatted before")));
    lines
}
