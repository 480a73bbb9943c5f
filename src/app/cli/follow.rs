//! Following a job to its end: a progress bar on a terminal, its events as lines elsewhere.
//!
//! The job does not depend on us: when the connection breaks or the follower is interrupted, it goes
//! on. A job that waits for a person ends the following with its own exit code, so that a script does
//! not hang on a cartridge in a cupboard.

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Context;
use super::job::{print_job, print_outcome};
use super::output::grouped;
use crate::api::types::{Bottleneck, JobEvent, JobView, ProgressView, StreamFigures};
use crate::app::client::{Follow, LiveEvent};
use crate::app::error::{AppError, Exit};
use crate::domain::{ByteCount, JobId};
use crate::jobs::JobState;

/// A command that starts a job follows it to its end, unless told not to.
#[derive(Debug, Args)]
pub(super) struct DetachOption {
    /// Return at once; the job goes on by itself
    #[arg(long)]
    detach: bool,
}

impl DetachOption {
    /// Follows the accepted job, or prints it.
    pub(super) fn apply(&self, job: &JobView, context: &Context) -> Result<Exit, AppError> {
        if self.detach { accepted(job, context) } else { follow(job.id, context) }
    }
}

fn accepted(job: &JobView, context: &Context) -> Result<Exit, AppError> {
    if context.output.is_json {
        context.output.json(job)?;
    } else {
        let (id, title) = (job.id, &job.title);
        let line = format!("Job {id} accepted: {title}. See it with `fossilsafe job follow {id}`.");
        context.output.line(&line)?;
    }
    Ok(Exit::Done)
}

/// Follows a job until it ends or waits for a person.
pub(super) fn follow(id: JobId, context: &Context) -> Result<Exit, AppError> {
    let screen = Screen::new(context);
    let mut newest: Option<JobView> = None;
    context.client.follow(&format!("/api/jobs/{id}/events?after=0"), |event: &LiveEvent| {
        match event.kind.as_str() {
            "message" => screen.event(&read(&event.data)?)?,
            "job" => {
                let job: JobView = read(&event.data)?;
                screen.progress(&job);
                let is_waiting = job.state == JobState::Waiting;
                newest = Some(job);
                if is_waiting {
                    return Ok(Follow::Enough);
                }
            }
            "error" => return Err(broken(id, &read::<String>(&event.data)?)),
            _ => {}
        }
        Ok(Follow::On)
    })?;
    screen.close();
    let job = newest.ok_or_else(|| broken(id, "nothing was heard of it"))?;
    if !job.state.is_final() && job.state != JobState::Waiting {
        return Err(broken(id, "the engine is stopping; the job goes on when it starts again"));
    }
    if context.output.is_json {
        context.output.json(&job)?;
    } else if job.state.is_final() {
        print_outcome(&job, &context.output)?;
    } else {
        print_job(&job, &context.output)?;
    }
    Ok(exit_of(job.state))
}

/// The exit code that a job's state stands for.
pub(super) fn exit_of(state: JobState) -> Exit {
    match state {
        JobState::Incomplete | JobState::Failed | JobState::Cancelled => Exit::Failed,
        JobState::Waiting => Exit::NeedsOperator,
        JobState::Queued | JobState::Running | JobState::Paused | JobState::Completed => Exit::Done,
    }
}

fn read<T: serde::de::DeserializeOwned>(data: &str) -> Result<T, AppError> {
    serde_json::from_str(data).map_err(|error| AppError::Protocol {
        server: "the engine".to_owned(),
        why: error.to_string(),
    })
}

fn broken(id: JobId, why: &str) -> AppError {
    AppError::Offline {
        message: format!("cannot follow job {id} to its end: {why}"),
        next_step: format!("Follow it again with `fossilsafe job follow {id}`."),
    }
}

/// Where a job is shown while it runs.
struct Screen<'a> {
    context: &'a Context,
    bar: Option<ProgressBar>,
}

impl<'a> Screen<'a> {
    fn new(context: &'a Context) -> Self {
        let is_watched = context.output.is_terminal && !context.output.is_json;
        let bar = is_watched.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
            let style =
                ProgressStyle::with_template("{spinner} {wide_msg}\n  {wide_bar} {percent:>3} %");
            // The template is a literal; without it the default style serves as well.
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { context, bar }
    }

    fn event(&self, event: &JobEvent) -> Result<(), AppError> {
        match &self.bar {
            Some(bar) => bar.println(&event.message),
            None if self.context.output.is_json => {}
            None => self.context.output.line(&event.message)?,
        }
        Ok(())
    }

    fn progress(&self, job: &JobView) {
        if let Some(bar) = &self.bar {
            // A job without bytes is shown by its files.
            let progress = &job.progress;
            let (done, total) = match progress.bytes_total {
                0 => (progress.files_done, progress.files_total),
                bytes => (progress.bytes_done, bytes),
            };
            bar.set_length(total.max(1));
            bar.set_position(done);
            bar.set_message(describe(progress));
        }
    }

    fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Progress as one line.
pub(super) fn describe(progress: &ProgressView) -> String {
    let mut parts = vec![progress.stage.clone()];
    parts.extend(progress.cartridge.as_ref().map(|barcode| format!("on {barcode}")));
    if progress.files_total > 0 {
        let (done, total) = (grouped(progress.files_done), grouped(progress.files_total));
        parts.push(format!("{done} of {total} files"));
    }
    if progress.bytes_total > 0 {
        let (done, total) = (ByteCount(progress.bytes_done), ByteCount(progress.bytes_total));
        parts.push(format!("{done} of {total}"));
    }
    parts.extend(progress.stream.as_ref().map(describe_stream));
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn describe_stream(stream: &StreamFigures) -> String {
    let rate = ByteCount(stream.drive_bytes_per_second());
    let buffered = stream.buffer_seconds.map(|seconds| format!(", {seconds} s buffered"));
    let limit = match stream.bottleneck {
        Some(Bottleneck::Source) => ", limited by the source",
        Some(Bottleneck::Processor) => ", limited by the processor",
        Some(Bottleneck::Drive) => ", limited by the drive",
        Some(Bottleneck::Other) | None => "",
    };
    format!("{rate}/s{}{limit}", buffered.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::DriveRate;

    #[test]
    fn progress_is_one_line_of_what_is_known() {
        let mut progress = ProgressView { stage: "listing".to_owned(), ..ProgressView::default() };
        assert_eq!(describe(&progress), "listing");
        progress.stage = "writing".to_owned();
        progress.cartridge = "FSP001L9".parse().ok();
        (progress.files_done, progress.files_total) = (1_234, 41_230);
        (progress.bytes_done, progress.bytes_total) = (1 << 30, 8 << 30);
        progress.stream = Some(StreamFigures {
            drives: vec![DriveRate { bytes_per_second: 300 << 20, ..DriveRate::default() }],
            buffer_seconds: Some(2),
            bottleneck: Some(Bottleneck::Source),
            ..StreamFigures::default()
        });
        assert_eq!(
            describe(&progress),
            "writing, on FSP001L9, 1,234 of 41,230 files, 1.0 GiB of 8.0 GiB, \
             300.0 MiB/s, 2 s buffered, limited by the source"
        );
    }
}
