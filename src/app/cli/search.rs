//! `fossilsafe search` and `fossilsafe versions`: files in the catalog.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::Args;

use super::Context;
use super::output::{Table, list, moment, or_dash, size};
use super::size::parse_size;
use crate::api::types::{FileHit, FileVersion, Page};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::{ByteCount, SetName, Timestamp};

#[derive(Debug, Args)]
pub(super) struct SearchArguments {
    /// Parts of the path, case ignored
    text: Vec<String>,
    #[command(flatten)]
    filter: SearchFilter,
    /// Most files to list
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// Conditions besides the words.
#[derive(Debug, Args)]
pub(super) struct SearchFilter {
    /// Only in this set
    #[arg(long, value_name = "NAME")]
    set: Option<SetName>,
    /// Only in this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// Only names that end so, as jpg
    #[arg(long, value_name = "EXTENSION")]
    extension: Option<String>,
    /// Only below this folder
    #[arg(long, value_name = "DIR")]
    under: Option<PathBuf>,
    /// At least this large
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    larger: Option<ByteCount>,
    /// At most this large
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    smaller: Option<ByteCount>,
    /// Modified on or after this day, as 2026-03-31
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    newer: Option<Timestamp>,
    /// Modified before this day
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    older: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(super) struct VersionsArguments {
    /// The file, as it was backed up
    path: PathBuf,
    /// Only in this set
    #[arg(long, value_name = "NAME")]
    set: Option<SetName>,
    /// Most versions to list
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// A day in UTC, or a moment.
pub(super) fn parse_date(text: &str) -> Result<Timestamp, String> {
    let moment = match text.contains('T') {
        true => text.to_owned(),
        false => format!("{text}T00:00:00.0Z"),
    };
    moment.parse().map_err(|_| format!("\"{text}\" is no day: write it as 2026-03-31"))
}

pub(super) fn run(arguments: &SearchArguments, context: &Context) -> Result<Exit, AppError> {
    let filter = &arguments.filter;
    let mut address = Address::new("/api/files/search")
        .query("q", arguments.text.join(" ").as_bytes())
        .query_if("set", filter.set.as_ref())
        .query_if("run", filter.run.as_ref())
        .query_if("extension", filter.extension.as_ref())
        .query_if("size_bytes_min", filter.larger.map(|size| size.0).as_ref())
        .query_if("size_bytes_max", filter.smaller.map(|size| size.0).as_ref())
        .query_if("modified_after", filter.newer.as_ref())
        .query_if("modified_before", filter.older.as_ref());
    if let Some(under) = &filter.under {
        address = address.query("under", under.as_os_str().as_bytes());
    }
    let hits: Page<FileHit> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&hits)?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["SIZE", "MODIFIED", "SET", "RUN", "EVIDENCE", "COPIES", "CARTRIDGES", "PATH"]);
    for hit in &hits.items {
        table.row(vec![
            size(hit.size_bytes),
            moment(hit.modified),
            hit.set.to_string(),
            hit.run.to_string(),
            hit.evidence.name().replace('_', " "),
            list(&hit.copies),
            list(&hit.cartridges),
            hit.path.path.clone(),
        ]);
    }
    context.output.table(&table, "Nothing was found.")?;
    if hits.next.is_some() {
        context.output.line("There are more: ask for them with --limit.")?;
    }
    Ok(Exit::Done)
}

pub(super) fn versions(arguments: &VersionsArguments, context: &Context) -> Result<Exit, AppError> {
    let what = || format!("cannot use path \"{}\"", arguments.path.display());
    let path = std::path::absolute(&arguments.path)
        .map_err(|source| AppError::Io { what: what(), source })?;
    let address = Address::new("/api/files/versions")
        .query("path", path.as_os_str().as_bytes())
        .query_if("set", arguments.set.as_ref());
    let versions: Page<FileVersion> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&versions)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[
        "SET",
        "RUN",
        "SIZE",
        "MODIFIED",
        "COPY",
        "CARTRIDGE",
        "PART",
        "EVIDENCE",
        "REMARK",
    ]);
    for version in &versions.items {
        for copy in &version.copies {
            let part = copy.part.map(|(number, of)| format!("{number} of {of}"));
            table.row(vec![
                version.set.to_string(),
                version.run.to_string(),
                size(version.size_bytes),
                moment(version.modified),
                copy.copy.to_string(),
                or_dash(copy.barcode.as_ref()),
                part.unwrap_or_default(),
                copy.evidence.name().replace('_', " "),
                copy.failure.clone().unwrap_or_default(),
            ]);
        }
    }
    context.output.table(&table, "No version of this file is in the catalog.")?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let day = parse_date("2026-01-01").unwrap();
        assert_eq!(day.seconds, 1_767_225_600);
        assert_eq!(parse_date("2026-01-01T00:00:00.0Z"), Ok(day));
        assert!(parse_date("yesterday").is_err());
    }
}
