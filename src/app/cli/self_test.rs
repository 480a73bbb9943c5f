//! `fossilsafe self-test`: every part proves itself; and what earlier ones have found.

use clap::{Args, Subcommand};

use super::Context;
use super::follow::DetachOption;
use super::output::{Table, moment_or_dash};
use crate::api::types::{CheckResult, JobView, Page, SelfTestView};
use crate::app::error::{AppError, Exit};
use crate::domain::Barcode;
use crate::jobs::spec::SelfTestSpec;

const SELF_TESTS: &str = "/api/self-tests";

#[derive(Debug, Subcommand)]
pub(super) enum SelfTestCommand {
    /// Ask every part now, and say what was found
    Run(RunArguments),
    /// What the last one has found, part by part
    Show,
    /// When self-tests were done, and how they went
    List,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    task: SelfTestTask,
    #[command(flatten)]
    wait: DetachOption,
}

/// What a self-test is asked for.
#[derive(Debug, Args)]
pub(super) struct SelfTestTask {
    /// Also write to this cartridge and read it back; there must be nothing on it
    #[arg(long, value_name = "BARCODE")]
    cartridge: Option<Barcode>,
}

impl SelfTestTask {
    pub(super) fn spec(self) -> SelfTestSpec {
        SelfTestSpec { cartridge: self.cartridge }
    }
}

pub(super) fn run(command: SelfTestCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        SelfTestCommand::Run(RunArguments { task, wait }) => {
            let job: JobView = context.client.post(SELF_TESTS, &task.spec())?;
            wait.apply(&job, context)
        }
        SelfTestCommand::Show => show(context),
        SelfTestCommand::List => list(context),
    }
}

fn show(context: &Context) -> Result<Exit, AppError> {
    let page: Page<SelfTestView> = context.client.get(SELF_TESTS)?;
    let last = page.items.into_iter().find(|test| test.ended.is_some());
    if context.output.is_json {
        context.output.json(&last)?;
        return Ok(Exit::Done);
    }
    let Some(last) = last else {
        context.output.line("No self-test was done yet: fossilsafe self-test run")?;
        return Ok(Exit::Done);
    };
    let mut table = Table::new(&["PART", "OF", "RESULT", "FOUND", "TO DO"]);
    for check in &last.checks {
        table.row(vec![
            format!("{:?}", check.subject).to_lowercase(),
            check.about.clone().unwrap_or_default(),
            word(check.result).to_owned(),
            check.sentence.clone(),
            check.advice.clone().unwrap_or_default(),
        ]);
    }
    context.output.table(&table, "")?;
    let has_failed = last.checks.iter().any(|check| check.result == CheckResult::Failed);
    Ok(if has_failed { Exit::Failed } else { Exit::Done })
}

fn list(context: &Context) -> Result<Exit, AppError> {
    let page: Page<SelfTestView> = context.client.get(SELF_TESTS)?;
    if context.output.is_json {
        context.output.json(&page)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["JOB", "STATE", "ENDED", "PASSED", "WARNED", "FAILED"]);
    for test in &page.items {
        let count =
            |result| test.checks.iter().filter(|check| check.result == result).count().to_string();
        table.row(vec![
            test.job.to_string(),
            test.state.to_string(),
            moment_or_dash(test.ended),
            count(CheckResult::Passed),
            count(CheckResult::Warning),
            count(CheckResult::Failed),
        ]);
    }
    context.output.table(&table, "No self-test was done yet: fossilsafe self-test run")?;
    Ok(Exit::Done)
}

fn word(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Passed => "passed",
        CheckResult::Warning => "look",
        CheckResult::Failed => "FAILED",
        CheckResult::Skipped => "-",
    }
}
