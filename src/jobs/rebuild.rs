//! rebuild
use super::context::JobContext;
use super::error::JobError;
use super::outcome::Ending;
use super::spec::RebuildSpec;
pub(super) fn run(_context: &JobContext, _spec: &RebuildSpec) -> Result<Ending, JobError> {
    Err(JobError::Bug("later".into()))
}
