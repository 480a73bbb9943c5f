//! restore
use super::context::JobContext;
use super::error::JobError;
use super::outcome::Ending;
use super::spec::RestoreSpec;
pub(super) fn run(_context: &JobContext, _spec: &RestoreSpec) -> Result<Ending, JobError> {
    Err(JobError::Bug("later".into()))
}

#[cfg(test)]
mod tests;
