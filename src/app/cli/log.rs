//! `fossilsafe log`: searches the log, and says how long it is kept.

use clap::{Args, Subcommand};

use super::Context;
use super::output::{Table, grouped, moment, or_dash};
use super::search::parse_date;
use crate::api::types::{CleanUpRequest, CleanUpResult, LogLevel, LogLine, LogRetention, Page};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::Timestamp;

const LOGS: &str = "/api/logs";

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// List lines, the newest first
    List(ListArguments),
    /// Show how long lines are kept, or change it
    Retention(KeepArguments),
    /// Take away what is old now
    Cleanup(KeepArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Words that stand in the line, case ignored
    text: Vec<String>,
    /// At least as grave: error, warning, info, debug or trace
    #[arg(long)]
    level: Option<LogLevel>,
    /// Only about this job
    #[arg(long)]
    job: Option<i64>,
    /// Not before this day, as 2026-03-31
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    since: Option<Timestamp>,
    /// Before this day
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    until: Option<Timestamp>,
    /// Most lines to list
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct KeepArguments {
    /// Lines of so many days
    #[arg(long)]
    days: Option<u32>,
    /// So many lines at most
    #[arg(long, value_name = "NUMBER")]
    lines: Option<u64>,
}

pub(super) fn run(command: &LogCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        LogCommand::List(arguments) => list(arguments, context),
        LogCommand::Retention(arguments) => retention(arguments, context),
        LogCommand::Cleanup(arguments) => {
            let request = CleanUpRequest { days: arguments.days, lines_max: arguments.lines };
            let done: CleanUpResult = context.client.post("/api/logs/cleanup", &request)?;
            let text =
                format!("{} lines are gone, {} left.", grouped(done.removed), grouped(done.left));
            context.output.report(&done, &text)
        }
    }
}

fn list(arguments: &ListArguments, context: &Context) -> Result<Exit, AppError> {
    let text = Some(arguments.text.join(" ")).filter(|text| !text.is_empty());
    let address = Address::new(LOGS)
        .query_if("q", text.as_ref())
        .query_if("level", arguments.level.map(LogLevel::name).as_ref())
        .query_if("job", arguments.job.as_ref())
        .query_if("since", arguments.since.as_ref())
        .query_if("until", arguments.until.as_ref());
    let lines: Page<LogLine> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&lines)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["TIME", "LEVEL", "JOB", "LINE"]);
    for line in lines.items {
        let level = line.level.name().to_owned();
        table.row(vec![moment(line.at), level, or_dash(line.job.as_ref()), line.message]);
    }
    context.output.table(&table, "Nothing is in the log.")?;
    Ok(Exit::Done)
}

fn retention(arguments: &KeepArguments, context: &Context) -> Result<Exit, AppError> {
    let address = "/api/logs/retention";
    let known: LogRetention = context.client.get(address)?;
    let wanted = LogRetention {
        days: arguments.days.unwrap_or(known.days),
        lines_max: arguments.lines.unwrap_or(known.lines_max),
    };
    let kept: LogRetention = match wanted == known {
        true => known,
        false => context.client.put(address, &wanted)?,
    };
    let text =
        format!("Lines are kept for {} days, {} at most.", kept.days, grouped(kept.lines_max));
    context.output.report(&kept, &text)
}
