//! What the API asks of the log.

use super::EngineError;
use crate::api::types::{
    CleanUpRequest, CleanUpResult, LogLine, LogQuery, LogRetention, Page, PageRequest,
};

/// The part of [`Engine`](super::Engine) that is about the log, under the same contract.
pub trait LogBook {
    /// A page of lines, newest first.
    fn log_lines(&self, query: &LogQuery, page: &PageRequest)
    -> Result<Page<LogLine>, EngineError>;

    /// Takes away what is older or more than is asked for; by the standing order, if nothing is.
    fn clean_logs(&self, request: &CleanUpRequest) -> Result<CleanUpResult, EngineError>;

    /// How long lines are kept.
    fn log_retention(&self) -> Result<LogRetention, EngineError>;

    /// Changes that; what is older goes within the hour.
    fn set_log_retention(&self, retention: &LogRetention) -> Result<LogRetention, EngineError>;
}
