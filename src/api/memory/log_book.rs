//! The log of the engine in memory: empty, and kept for ever.

use super::Memory;
use crate::api::engine::{EngineError, LogBook};
use crate::api::types::{
    CleanUpRequest, CleanUpResult, LogLine, LogQuery, LogRetention, Page, PageRequest,
};

impl LogBook for Memory {
    fn log_lines(&self, _: &LogQuery, _: &PageRequest) -> Result<Page<LogLine>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn clean_logs(&self, _: &CleanUpRequest) -> Result<CleanUpResult, EngineError> {
        Ok(CleanUpResult { removed: 0, left: 0 })
    }

    fn log_retention(&self) -> Result<LogRetention, EngineError> {
        Ok(LogRetention { days: u32::MAX, lines_max: u64::MAX })
    }

    fn set_log_retention(&self, retention: &LogRetention) -> Result<LogRetention, EngineError> {
        Ok(*retention)
    }
}
