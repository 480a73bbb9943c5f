//! The machine's own upkeep behind the API: each is asked of whom it belongs to.

use super::Service;
use crate::api::engine::{EngineError, Upkeep};
use crate::api::types::{
    CalibrationView, CertificateState, NetworkState, Page, PageRequest, SelfTestView, StagingDisks,
    StreamingSettings, StreamingState, TimeState,
};
use crate::domain::JobId;
use crate::system::certificate::CertificateOrder;
use crate::system::network::{NetworkOrder, TimeOrder};
use crate::system::staging::StagingDiskOrder;

impl Upkeep for Service {
    fn self_tests(&self, page: &PageRequest) -> Result<Page<SelfTestView>, EngineError> {
        self.self_test_views(page)
    }

    fn self_test(&self, job: JobId) -> Result<SelfTestView, EngineError> {
        self.self_test_view(job)
    }

    fn calibrations(&self, page: &PageRequest) -> Result<Page<CalibrationView>, EngineError> {
        self.calibration_views(page)
    }

    fn streaming(&self) -> Result<StreamingState, EngineError> {
        Ok(self.streaming_state())
    }

    fn set_streaming(&self, asked: &StreamingSettings) -> Result<StreamingState, EngineError> {
        self.changed_streaming(asked)
    }

    fn staging_disks(&self, order: &StagingDiskOrder) -> Result<StagingDisks, EngineError> {
        self.asked_staging_disks(order)
    }

    fn certificate(&self, order: &CertificateOrder) -> Result<CertificateState, EngineError> {
        self.certificates.ask(order)
    }

    fn network(&self, order: &NetworkOrder) -> Result<NetworkState, EngineError> {
        self.network.ask(order)
    }

    fn time(&self, order: &TimeOrder) -> Result<TimeState, EngineError> {
        self.network.ask_time(order, self.present())
    }
}
