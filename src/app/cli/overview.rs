//! `fossilsafe overview`: is my data safe, what needs me, what is the machine doing.

use super::Context;
use super::output::{Table, moment, size};
use crate::api::types::{Safety, StatusView};
use crate::app::error::{AppError, Exit};

/// Which look it shows.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct OverviewArguments {
    /// Look again first, instead of showing the last look
    #[arg(long)]
    fresh: bool,
}

pub(super) fn run(arguments: OverviewArguments, context: &Context) -> Result<Exit, AppError> {
    let status: StatusView = match arguments.fresh {
        true => context.client.post_empty("/api/status/look")?,
        false => context.client.get("/api/status")?,
    };
    if context.output.is_json {
        context.output.json(&status)?;
    } else {
        print(&status, context)?;
    }
    Ok(match status.safety {
        Safety::Safe | Safety::Empty | Safety::Unknown => Exit::Done,
        Safety::Attention => Exit::NeedsOperator,
        Safety::AtRisk => Exit::Failed,
    })
}

fn print(status: &StatusView, context: &Context) -> Result<(), AppError> {
    let output = &context.output;
    match status.looked {
        Some(at) => output.line(&format!("{} (as of {})", status.sentence, moment(at)))?,
        None => output.line(&status.sentence)?,
    }
    let StatusView { sets, library, .. } = status;
    output.line(&format!(
        "{} sets with {} files, {}; {} of the files were read back. {} of {} slots are full.",
        sets.total,
        sets.files,
        size(sets.bytes),
        sets.proven_files,
        library.slots_full,
        library.slots
    ))?;
    if let Some(next) = &status.next_scheduled {
        output.line(&format!("Next by itself: {} at {}.", next.schedule, moment(next.at)))?;
    }
    let mut table = Table::new(&["ALERT", "SEVERITY", "WHAT", "NEXT STEP"]);
    for alert in &status.alerts.items {
        let severity = alert.severity.name().to_owned();
        let (sentence, next_step) = (alert.sentence.clone(), alert.next_step.clone());
        table.row(vec![alert.id.to_string(), severity, sentence, next_step]);
    }
    output.table(&table, "Nothing needs a person.")?;
    let mut table = Table::new(&["JOB", "STATE", "WHAT", "DONE", "OF"]);
    for job in &status.jobs.items {
        table.row(vec![
            job.id.to_string(),
            job.state.to_string(),
            job.title.clone(),
            size(job.bytes_done),
            size(job.bytes_total),
        ]);
    }
    output.table(&table, "No job is at work.")
}
