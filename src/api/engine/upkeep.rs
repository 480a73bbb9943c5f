//! What the API asks of the machine's own upkeep: network and time, how data goes to the drive, the certificate.

use super::EngineError;
use crate::api::types::{
    CalibrationView, CertificateState, NetworkState, Page, PageRequest, SelfTestView, StagingDisks,
    StreamingSettings, StreamingState, TimeState,
};
use crate::domain::JobId;
use crate::system::certificate::CertificateOrder;
use crate::system::network::{NetworkOrder, TimeOrder};
use crate::system::staging::StagingDiskOrder;

/// The part of [`Engine`](super::Engine) that is about the machine's own upkeep, under the same contract. Other
/// services are asked for what the engine may not do; that takes as long as it takes.
pub trait Upkeep {
    /// A page of self-tests, the newest first.
    fn self_tests(&self, page: &PageRequest) -> Result<Page<SelfTestView>, EngineError>;

    /// One self-test, by the number of its job.
    fn self_test(&self, job: JobId) -> Result<SelfTestView, EngineError>;

    /// A page of measurements of the library, the newest first.
    fn calibrations(&self, page: &PageRequest) -> Result<Page<CalibrationView>, EngineError>;

    /// The data path: memory, staging and what is in it, rates.
    fn streaming(&self) -> Result<StreamingState, EngineError>;

    /// Sets it for the jobs to come.
    fn set_streaming(&self, asked: &StreamingSettings) -> Result<StreamingState, EngineError>;

    /// Lists the disks of the machine, or makes one the staging disk and stages on it.
    fn staging_disks(&self, order: &StagingDiskOrder) -> Result<StagingDisks, EngineError>;

    /// Asks for the certificate of HTTPS: what is served, another one, a signing request. Answers how it
    /// stands then.
    fn certificate(&self, order: &CertificateOrder) -> Result<CertificateState, EngineError>;

    /// Asks for the network: how it stands, a setting on trial, confirmed or taken back. Answers how it
    /// stands then.
    fn network(&self, order: &NetworkOrder) -> Result<NetworkState, EngineError>;

    /// Asks for time zone, time servers and clock, or sets them. Answers how they stand then.
    fn time(&self, order: &TimeOrder) -> Result<TimeState, EngineError>;
}
