//! The upkeep of the engine in memory: nothing is served and nothing staged.

use super::{Memory, unknown};
use crate::api::engine::{EngineError, Upkeep};
use crate::api::types::{
    CalibrationView, CertificateState, NetworkState, Page, PageRequest, SelfTestView, StagingDisks,
    StreamingSettings, StreamingState, TimeState,
};
use crate::domain::{JobId, Timestamp};
use crate::system::certificate::CertificateOrder;
use crate::system::network::{NetworkOrder, TimeOrder};
use crate::system::staging::StagingDiskOrder;

impl Upkeep for Memory {
    fn self_tests(&self, _: &PageRequest) -> Result<Page<SelfTestView>, EngineError> {
        Ok(Page { items: Vec::new(), next: None })
    }

    fn self_test(&self, _: JobId) -> Result<SelfTestView, EngineError> {
        unknown("self-test")
    }

    fn calibrations(&self, _: &PageRequest) -> Result<Page<CalibrationView>, EngineError> {
        Ok(Page { items: Vec::new(), next: None })
    }

    fn streaming(&self) -> Result<StreamingState, EngineError> {
        unknown("stream")
    }

    fn set_streaming(&self, _: &StreamingSettings) -> Result<StreamingState, EngineError> {
        unknown("stream")
    }

    fn staging_disks(&self, order: &StagingDiskOrder) -> Result<StagingDisks, EngineError> {
        match order {
            StagingDiskOrder::List => Ok(StagingDisks::elsewhere("No disk is here.".to_owned())),
            StagingDiskOrder::Format { .. } => unknown("disk"),
        }
    }

    fn certificate(&self, order: &CertificateOrder) -> Result<CertificateState, EngineError> {
        match order {
            CertificateOrder::State => {
                Ok(CertificateState::elsewhere("Nothing is served here.".to_owned()))
            }
            _ => unknown("certificate"),
        }
    }

    fn network(&self, order: &NetworkOrder) -> Result<NetworkState, EngineError> {
        match order {
            NetworkOrder::State => Ok(NetworkState::elsewhere("Nothing is set here.".to_owned())),
            _ => unknown("port"),
        }
    }

    fn time(&self, order: &TimeOrder) -> Result<TimeState, EngineError> {
        match order {
            TimeOrder::State => {
                Ok(TimeState::elsewhere("Nothing is set here.".to_owned(), Timestamp::default()))
            }
            TimeOrder::Set(_) => unknown("clock"),
        }
    }
}
