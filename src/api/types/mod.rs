//! What goes over the API: request and answer types, and nothing else is serialised outward.
//!
//! Requests that start a job are the job specifications themselves (`jobs::spec`), so there is one
//! definition of what a backup can be asked for. Answers are views: the engine fills them, the
//! command line and the console only show them. Sizes are bytes, times are UTC with nanoseconds, and
//! sentences for people stand beside the codes for programs.

mod alert;
mod cartridge;
mod cartridge_life;
mod catalog_backup;
mod diagnostics;
mod drive;
mod evidence;
mod file;
mod job;
mod keys;
mod kms;
mod library;
mod log;
mod oidc;
mod page;
mod passkey;
mod people;
mod restore;
mod schedule;
mod self_test;
mod set;
mod settings;
mod source;
mod status;
mod streaming;
mod system;
mod updates;

pub use crate::domain::Problem;
pub use crate::jobs::calibration::ExchangeEstimate;
pub use crate::system::certificate::{
    CertificateNames, CertificateOrigin, CertificateState, ReplaceCertificate, ServedCertificate,
    SigningRequest, WaitingRequest,
};
pub use crate::system::network::{
    ClockState, FixedAddress, HostNameSetting, LinkState, NetworkState, NetworkTrial, PortSetting,
    PortState, TimeSetting, TimeState, WentBack,
};
pub use crate::system::sources::{
    NfsExport, S3Bucket, SftpFolder, SmbShare, SourceCondition, SourcePlace, SourceSpec,
    SourceState,
};
pub use crate::system::staging::{StagingDisk, StagingDisks};
pub use crate::system::updates::{
    BundleState, ChannelState, Installation, InstallationStep, PastUpdate, Published,
    SlotCondition, SlotState, UpdateAction, UpdateOutcome, UpdatesState,
};
pub use alert::{
    AcknowledgeRequest, AlertFilter, AlertView, ChannelRequest, ChannelTest, ChannelView,
    DeliveryView,
};
pub use cartridge::{CartridgeFilter, CartridgeState, CartridgeView, FormatRequest, VolumeView};
pub use cartridge_life::{
    AliasRequest, CartridgeEventView, CartridgeLossView, ContentEntry, ContentKind,
    KeptUntilRequest, LocationRequest, LockRequest, LockView, LostFileView, ManifestView,
    OtherCopy,
};
pub use catalog_backup::{CatalogBackupView, Signed};
pub use diagnostics::{ChannelBrief, DiagnosticsBundle, MachineView};
pub use drive::{CartridgeCounters, DriveAlertView, DriveHealthView, ErrorCounters};
pub use evidence::{
    CartridgeEvidence, CopyEvidence, EvidenceRow, EvidenceScope, EvidenceState, EvidenceTable,
    LeftOutRow,
};
pub use file::{CopyView, FileHit, FilePath, FileVersion, SearchRequest, VersionsRequest};
pub use job::{
    Bottleneck, DriveRate, EventLevel, EventsRequest, FileProblem, JobAction, JobEvent, JobFailure,
    JobFilter, JobOutcome, JobView, NeedView, PriorityRequest, ProgressView, StreamFigures,
};
pub use keys::{
    ConfirmKitRequest, CreatePoolRequest, ExpiredRun, ExpiredView, KitRequest, KitView, KitsView,
    OpenedKeys, PoolView, PrintedKit, RetentionRequest, ReusableCartridge, TapeDrillRequest,
};
pub use kms::{KmsProof, KmsRewrapped, KmsState, KmsToken};
pub use library::{
    ChangerView, DriveState, DriveView, ElementKind, ElementView, LibraryView, ReservationHolder,
    ReservationView, TakeDriveRequest,
};
pub use log::{CleanUpRequest, CleanUpResult, LogLevel, LogLine, LogQuery, LogRetention};
pub use oidc::{
    OidcAnswer, OidcOffer, OidcSettings, OidcSettingsShown, OidcStart, OidcState, RoleValues,
};
pub use page::{LIMIT_DEFAULT, LIMIT_MAX, Page, PageRequest};
pub use passkey::{
    NewPasskey, PasskeyAnswer, PasskeyName, PasskeyOffer, PasskeyQuestion, PasskeyView,
};
pub use people::{
    ApiKeyView, ApprovalView, ConfirmTotpRequest, MadeApiKey, NewApiKeyRequest, NewUserRequest,
    OpenSessionView, PasswordOnly, PasswordRequest, RecoveryCodes, ResetPasswordRequest,
    SecondFactorNeeded, SecondFactorPolicy, SessionView, SetupRequest, SetupView, SignInRequest,
    SignInResult, TwoPersonRule, UserChange, UserView, UserWithPassword,
};
pub use restore::{MissingVolume, PlanStep, RestorePlan};
pub use schedule::{
    ScheduleEventView, SchedulePlan, SchedulePreview, ScheduleRequest, ScheduleView, WindowView,
};
pub use self_test::{
    CalibrationView, Check, CheckResult, CheckSubject, SelfTestBrief, SelfTestView,
};
pub use set::{RunFilter, RunState, RunView, SetView};
pub use settings::{
    ChangeKind, ChannelSetting, NamedPort, PoolSetting, SETTINGS_FORMAT, SETTINGS_VERSION,
    ScheduleSetting, SettingChange, SettingsDocument, SettingsImport, SourceSetting, WindowSetting,
};
pub use source::{FolderEntry, FolderEntryKind, SourceRequest};
pub use status::{
    AlertsSummary, JobBrief, JobsSummary, LibrarySummary, NextScheduled, Safety, SetsSummary,
    StatusView,
};
pub use streaming::{
    GenerationRates, RateSetting, StagingDiskRequest, StagingSettings, StagingState,
    StreamingSettings, StreamingState,
};
pub use system::{
    CatalogCheck, EngineFigures, FindingView, HealthStatus, HealthView, SetFigures, Severity,
    VersionFigures, VersionView,
};
pub use updates::{InstallUpdateRequest, RestartRequest, UpdateChannelRequest};
