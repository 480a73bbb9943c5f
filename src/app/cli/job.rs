//! `fossilsafe job`: list, show, follow, control.

use clap::{Args, Subcommand};

use super::Context;
use super::follow::{describe, exit_of, follow};
use super::output::{Output, Table, grouped, list, moment, moment_or_dash, size};
use crate::api::types::{JobAction, JobEvent, JobOutcome, JobView, Page, PriorityRequest};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::domain::JobId;
use crate::jobs::JobState;
use crate::jobs::spec::Priority;

/// Most events that `job show` prints; the newest are of interest, and they are few.
const EVENTS_SHOWN_MAX: usize = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum JobCommand {
    /// List jobs, newest first
    List(ListArguments),
    /// Show one job with its events; the exit code says how it stands
    Show(JobArgument),
    /// Follow a job to its end; the exit code says how it ended
    Follow(JobArgument),
    /// Stop a job at its next safe point for good
    Cancel(JobArgument),
    /// Say when a job has its turn among those that wait for a drive
    Priority(PriorityArguments),
    /// Stop a job at its next safe point and keep its place
    Pause(JobArgument),
    /// Let a job go on, after a pause or when what it needed has been done
    Resume(ResumeArguments),
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// Only jobs in this state
    #[arg(long)]
    state: Option<JobState>,
    /// Only jobs that have not ended
    #[arg(long)]
    active: bool,
    /// Only jobs of this kind, as backup or restore
    #[arg(long)]
    kind: Option<String>,
    /// Most jobs to list
    #[arg(long, default_value_t = 25)]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct JobArgument {
    /// Number of the job
    #[arg(value_name = "JOB")]
    id: i64,
}

#[derive(Debug, Args)]
pub(super) struct PriorityArguments {
    #[command(flatten)]
    job: JobArgument,
    /// high, normal or low
    priority: Priority,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArguments {
    #[command(flatten)]
    job: JobArgument,
    /// Wait for the end and show progress
    #[arg(long)]
    follow: bool,
}

pub(super) fn run(command: &JobCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        JobCommand::List(arguments) => list_jobs(arguments, context),
        JobCommand::Show(job) => show(job.id, context),
        JobCommand::Follow(job) => follow(JobId(job.id), context),
        JobCommand::Cancel(job) => control(job.id, JobAction::Cancel, context),
        JobCommand::Priority(arguments) => prioritise(arguments, context),
        JobCommand::Pause(job) => control(job.id, JobAction::Pause, context),
        JobCommand::Resume(arguments) => {
            let id = arguments.job.id;
            if arguments.follow {
                ask(id, JobAction::Resume, context)?;
                return follow(JobId(id), context);
            }
            control(id, JobAction::Resume, context)
        }
    }
}

fn list_jobs(arguments: &ListArguments, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/jobs")
        .query_if("state", arguments.state.as_ref())
        .query_if("active", arguments.active.then_some(&true))
        .query_if("kind", arguments.kind.as_ref());
    let jobs: Page<JobView> = context.client.list(&address, arguments.limit)?;
    if context.output.is_json {
        context.output.json(&jobs)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["JOB", "STATE", "CREATED", "WHAT", "HOW IT STANDS"]);
    for job in &jobs.items {
        table.row(vec![
            job.id.to_string(),
            job.state.to_string(),
            moment(job.created),
            job.title.clone(),
            standing(job),
        ]);
    }
    context.output.table(&table, "There are no jobs.")?;
    Ok(Exit::Done)
}

/// How a job stands, in the one sentence that matters most.
fn standing(job: &JobView) -> String {
    if let Some(need) = &job.need {
        return need.sentence.clone();
    }
    if let Some(error) = &job.error {
        return error.message.clone();
    }
    match &job.outcome {
        Some(outcome) => outcome.sentence.clone(),
        None => describe(&job.progress),
    }
}

fn show(id: i64, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/jobs").part(&id.to_string());
    let job: JobView = context.client.get(address.as_str())?;
    if context.output.is_json {
        context.output.json(&job)?;
        return Ok(exit_of(job.state));
    }
    print_job(&job, &context.output)?;
    let history = address.part("history");
    let events: Page<JobEvent> = context.client.list(&history, EVENTS_SHOWN_MAX)?;
    for event in events.items {
        context.output.line(&format!("  {}  {}", moment(event.at), event.message))?;
    }
    Ok(exit_of(job.state))
}

/// A job that has not ended, or the head of one that has.
pub(super) fn print_job(job: &JobView, output: &Output) -> Result<(), AppError> {
    output.line(&format!("Job {}: {}", job.id, job.title))?;
    output.line(&format!("State: {}", job.state))?;
    if !job.priority.is_usual() {
        output.line(&format!("Priority: {}", job.priority))?;
    }
    output.line(&format!("Created: {}", moment(job.created)))?;
    output.line(&format!("Started: {}", moment_or_dash(job.started)))?;
    output.line(&format!("Ended: {}", moment_or_dash(job.ended)))?;
    if !job.allowed_actions.is_empty() {
        let actions: Vec<&str> = job.allowed_actions.iter().map(|action| action.name()).collect();
        output.line(&format!("You can: {}", list(&actions)))?;
    }
    if !job.state.is_final() {
        output.line(&format!("Progress: {}", describe(&job.progress)))?;
    }
    print_outcome(job, output)
}

/// What came of a job, what is missing, what to do.
pub(super) fn print_outcome(job: &JobView, output: &Output) -> Result<(), AppError> {
    if let Some(outcome) = &job.outcome {
        print_figures(job, outcome, output)?;
    }
    if let Some(error) = &job.error {
        output.line(&format!("{}\n{}", error.message, error.next_step))?;
        for cause in &error.causes {
            output.line(&format!("  because: {cause}"))?;
        }
    }
    if let Some(need) = &job.need {
        output.line(&format!("Job {} waits: {}", job.id, need.sentence))?;
        output.line(&format!("Then: fossilsafe job resume {} --follow", job.id))?;
    }
    Ok(())
}

fn print_figures(job: &JobView, outcome: &JobOutcome, output: &Output) -> Result<(), AppError> {
    output.line(&format!("Job {} is {}: {}", job.id, job.state, outcome.sentence))?;
    if let Some(run) = &outcome.run {
        output.line(&format!("Run: {run}"))?;
    }
    if let Some(destination) = &outcome.destination {
        output.line(&format!("Files are in: {destination}"))?;
    }
    if outcome.files > 0 {
        let (files, bytes) = (grouped(outcome.files), size(outcome.bytes));
        output.line(&format!("Done as asked: {files} items, {bytes}"))?;
    }
    if outcome.problems_total > 0 {
        output.line(&format!("Not done as asked: {} files", grouped(outcome.problems_total)))?;
        let mut table = Table::new(&["STATE", "WHY", "PATH"]);
        for problem in &outcome.problems {
            let (state, reason) = (problem.state.clone(), problem.reason.clone());
            table.row(vec![state, reason, problem.path.path.clone()]);
        }
        output.table(&table, "")?;
    }
    Ok(())
}

fn prioritise(arguments: &PriorityArguments, context: &Context) -> Result<Exit, AppError> {
    let (id, priority) = (arguments.job.id, arguments.priority);
    let address = Address::new("/api/jobs").part(&id.to_string()).part("priority");
    let job: JobView = context.client.put(address.as_str(), &PriorityRequest { priority })?;
    context.output.report(&job, &format!("the priority of job {id} is {}", job.priority))
}

fn ask(id: i64, action: JobAction, context: &Context) -> Result<JobView, AppError> {
    let address = Address::new("/api/jobs").part(&id.to_string()).part(action.name());
    context.client.post_empty(address.as_str())
}

fn control(id: i64, action: JobAction, context: &Context) -> Result<Exit, AppError> {
    let job = ask(id, action, context)?;
    if context.output.is_json {
        context.output.json(&job)?;
    } else if job.state.is_final() || action == JobAction::Resume {
        context.output.line(&format!("Job {id} is {}.", job.state))?;
    } else {
        let verb = action.name();
        context.output.line(&format!("Job {id} will {verb} at its next safe point."))?;
    }
    Ok(Exit::Done)
}
