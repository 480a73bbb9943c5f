//! `fossilsafe schedule`: what is done by itself, and when.

use clap::{Args, Subcommand};

use super::Context;
use super::backup::BackupTask;
use super::catalog::BackupTask as CatalogTask;
use super::output::{Table, list, moment, moment_or_dash, or_dash};
use super::self_test::SelfTestTask;
use super::verify::VerifyTask;
use crate::api::types::{
    JobView, Page, ScheduleEventView, SchedulePlan, SchedulePreview, ScheduleRequest, ScheduleView,
    WindowView,
};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::jobs::JobSpec;
use crate::schedules::{MaintenanceWindow, Missed, Recurrence, Retries, Rule, ScheduleError};

const SCHEDULES: &str = "/api/schedules";
const WINDOWS: &str = "/api/maintenance-windows";
/// More than anybody makes.
const SCHEDULES_MAX: usize = 10_000;

const WRITTEN: &str = "\
A pattern has five fields: minute, hour, day of the month, month, day of the week; or six, with
seconds first. Each is a number, a list (1,15), a range (MON-FRI), a step (*/10) or *.
  \"30 2 * * *\"      half past two every night
  \"0 4 * * SUN\"     four o'clock on Sundays
  \"0 3 1 */3 *\"     three o'clock on the first of every third month";

#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// List schedules with their next moment and what became of the last
    List,
    /// Show one schedule and what became of its moments
    Show(NameArguments),
    /// Make a schedule
    #[command(after_help = WRITTEN)]
    Add(Box<AddArguments>),
    /// Switch a schedule on
    Enable(NameArguments),
    /// Switch a schedule off; what is missed meanwhile is not made up for
    Disable(NameArguments),
    /// Do now what the schedule does
    Run(NameArguments),
    /// Remove a schedule; its jobs stay
    Remove(NameArguments),
    /// Show when a pattern comes
    #[command(after_help = WRITTEN)]
    Preview(WhenArguments),
    /// Times at which nothing begins by itself
    #[command(subcommand)]
    Window(WindowCommand),
}

#[derive(Debug, Args)]
pub(super) struct NameArguments {
    /// Name of the schedule
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct WhenArguments {
    /// When: a cron pattern, see below
    #[arg(long, value_name = "PATTERN")]
    cron: String,
    /// Whose hours these are, as Europe/Berlin [default: the appliance's]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
}

impl WhenArguments {
    fn recurrence(&self) -> Result<Recurrence, AppError> {
        Recurrence::of_words(&self.cron, self.zone.as_deref()).map_err(usage)
    }
}

#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// Name of the schedule: letters, digits, '-', '_', '.'
    name: String,
    #[command(flatten)]
    when: WhenArguments,
    /// Do not make up for moments at which the appliance was off
    #[arg(long)]
    skip_missed: bool,
    /// Try a job that failed again, so many times
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    retries: u32,
    /// Minutes between the attempts
    #[arg(long, value_name = "MINUTES", default_value_t = 30)]
    retry_after: u32,
    #[command(subcommand)]
    task: TaskArguments,
}

#[derive(Debug, Subcommand)]
enum TaskArguments {
    /// Back up files and folders as one set
    Backup(BackupTask),
    /// Read copies again and compare their hashes
    Verify(VerifyTask),
    /// Look at every element of the library
    Inventory,
    /// Ask every part of the appliance to prove itself
    SelfTest(SelfTestTask),
    /// Write catalog, users, settings and keys into a folder, sealed for the recovery kits
    CatalogBackup(CatalogTask),
}

#[derive(Debug, Subcommand)]
pub(super) enum WindowCommand {
    /// List maintenance windows
    List,
    /// Set a maintenance window
    Set(WindowArguments),
    /// Take a maintenance window away
    Remove(NameArguments),
}

#[derive(Debug, Args)]
pub(super) struct WindowArguments {
    /// Name of the window
    name: String,
    #[command(flatten)]
    when: WhenArguments,
    /// How long it lasts
    #[arg(long)]
    minutes: u32,
}

pub(super) fn run(command: ScheduleCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        ScheduleCommand::List => list_schedules(context),
        ScheduleCommand::Show(NameArguments { name }) => show(&name, context),
        ScheduleCommand::Add(arguments) => add(*arguments, context),
        ScheduleCommand::Enable(name) => switch(&name.name, "enable", context),
        ScheduleCommand::Disable(name) => switch(&name.name, "disable", context),
        ScheduleCommand::Run(NameArguments { name }) => {
            let job: JobView = context.client.post_empty(address(&name, Some("run")).as_str())?;
            context.output.report(&job, &format!("job {} was started: {}", job.id, job.title))
        }
        ScheduleCommand::Remove(NameArguments { name }) => {
            let gone: serde_json::Value = context.client.delete(address(&name, None).as_str())?;
            context.output.report(&gone, &format!("schedule {name} is removed; its jobs stay"))
        }
        ScheduleCommand::Preview(when) => preview(&when, context),
        ScheduleCommand::Window(command) => window(command, context),
    }
}

fn address(name: &str, verb: Option<&str>) -> Address {
    let address = Address::new(SCHEDULES).part(name);
    match verb {
        Some(verb) => address.part(verb),
        None => address,
    }
}

fn list_schedules(context: &Context) -> Result<Exit, AppError> {
    let schedules: Page<ScheduleView> =
        context.client.list(&Address::new(SCHEDULES), SCHEDULES_MAX)?;
    if context.output.is_json {
        context.output.json(&schedules)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["SCHEDULE", "WHEN", "ZONE", "NEXT", "LAST", "DOES"]);
    for schedule in &schedules.items {
        let rule = &schedule.plan.rule.when;
        let next = match schedule.is_enabled {
            true => moment_or_dash(schedule.next.first().copied()),
            false => "off".to_owned(),
        };
        table.row(vec![
            schedule.name.clone(),
            rule.cron().to_owned(),
            rule.time_zone().to_owned(),
            next,
            schedule.last.as_ref().map_or_else(|| "-".to_owned(), describe),
            schedule.title.clone(),
        ]);
    }
    context.output.table(&table, "There are no schedules: `fossilsafe schedule add` makes one.")?;
    Ok(Exit::Done)
}

/// What became of a moment, in a cell.
fn describe(event: &ScheduleEventView) -> String {
    let what = event.what.as_str().replace('_', " ");
    match event.job {
        Some(job) => format!("{what} job {job} {}", moment(event.due)),
        None => format!("{what} {}", moment(event.due)),
    }
}

fn show(name: &str, context: &Context) -> Result<Exit, AppError> {
    let schedule: ScheduleView = context.client.get(address(name, None).as_str())?;
    let events: Page<ScheduleEventView> =
        context.client.list(&address(name, Some("events")), 25)?;
    if context.output.is_json {
        let both = serde_json::json!({ "schedule": schedule, "events": events });
        context.output.json(&both)?;
        return Ok(Exit::Done);
    }
    let next: Vec<String> = schedule.next.iter().copied().map(moment).collect();
    context.output.line(&format!("{}: {}", schedule.name, schedule.title))?;
    let rule = &schedule.plan.rule;
    let when = format!("when   {} ({})", rule.when.cron(), rule.when.time_zone());
    context.output.line(&when)?;
    context.output.line(&format!("next   {}", list(&next)))?;
    let mut table = Table::new(&["DUE", "WHAT", "ATTEMPT", "JOB", "WHY"]);
    for event in &events.items {
        table.row(vec![
            moment(event.due),
            event.what.as_str().replace('_', " "),
            event.attempt.to_string(),
            or_dash(event.job.as_ref()),
            or_dash(event.reason.as_ref()),
        ]);
    }
    context.output.table(&table, "None of its moments has come yet.")?;
    Ok(Exit::Done)
}

fn add(arguments: AddArguments, context: &Context) -> Result<Exit, AppError> {
    let AddArguments { name, when, skip_missed, retries, retry_after, task } = arguments;
    let rule = Rule {
        when: when.recurrence()?,
        missed: if skip_missed { Missed::Skip } else { Missed::RunOnce },
        retries: Retries { attempts: retries, after_minutes: retry_after },
    };
    let task = match task {
        TaskArguments::Backup(task) => JobSpec::Backup(task.spec()?),
        TaskArguments::Verify(task) => JobSpec::Verify(task.spec()?),
        TaskArguments::Inventory => JobSpec::Inventory,
        TaskArguments::SelfTest(task) => JobSpec::SelfTest(task.spec()),
        TaskArguments::CatalogBackup(task) => JobSpec::CatalogBackup(task.spec()?),
    };
    let request = ScheduleRequest { name, plan: SchedulePlan { rule, task } };
    let made: ScheduleView = context.client.post(SCHEDULES, &request)?;
    let next = moment_or_dash(made.next.first().copied());
    context.output.report(&made, &format!("schedule {} first comes on {next}", made.name))
}

fn switch(name: &str, verb: &str, context: &Context) -> Result<Exit, AppError> {
    let now: ScheduleView = context.client.post_empty(address(name, Some(verb)).as_str())?;
    let sentence = match now.next.first() {
        Some(next) => format!("schedule {name} comes on {}", moment(*next)),
        None => format!("schedule {name} is off"),
    };
    context.output.report(&now, &sentence)
}

fn preview(when: &WhenArguments, context: &Context) -> Result<Exit, AppError> {
    let recurrence = when.recurrence()?;
    let address = Address::new("/api/schedule-preview")
        .query_if("cron", Some(&recurrence.cron()))
        .query_if("time_zone", when.zone.as_ref());
    let preview: SchedulePreview = context.client.get(address.as_str())?;
    let next: Vec<String> = preview.next.iter().copied().map(moment).collect();
    context.output.report(&preview, &next.join("\n"))
}

fn window(command: WindowCommand, context: &Context) -> Result<Exit, AppError> {
    let windows: Page<WindowView> = match command {
        WindowCommand::List => context.client.get(WINDOWS)?,
        WindowCommand::Set(arguments) => {
            let begins = arguments.when.recurrence()?;
            let window = MaintenanceWindow { begins, minutes: arguments.minutes };
            window.ensure_sensible().map_err(usage)?;
            context.client.put(Address::new(WINDOWS).part(&arguments.name).as_str(), &window)?
        }
        WindowCommand::Remove(NameArguments { name }) => {
            context.client.delete(Address::new(WINDOWS).part(&name).as_str())?
        }
    };
    if context.output.is_json {
        context.output.json(&windows)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["WINDOW", "BEGINS", "ZONE", "MINUTES", "OPEN UNTIL"]);
    for WindowView { name, window, open_until } in &windows.items {
        table.row(vec![
            name.clone(),
            window.begins.cron().to_owned(),
            window.begins.time_zone().to_owned(),
            window.minutes.to_string(),
            moment_or_dash(*open_until),
        ]);
    }
    context.output.table(&table, "There are no maintenance windows.")?;
    Ok(Exit::Done)
}

fn usage(error: ScheduleError) -> AppError {
    AppError::Usage(error.to_string())
}
