// Names for the generated types of the API. Optional fields are absent or null alike.
import type { components } from "./__generated__/schema";

type Schemas = components["schemas"];

export type ElementKind = Schemas["ElementKind"];
export type ElementView = Schemas["ElementView"];
export type DriveState = Schemas["DriveState"];
export type DriveView = Schemas["DriveView"];
export type LibraryView = Schemas["LibraryView"];
export type ReservationView = Schemas["ReservationView"];
export type CartridgeState = Schemas["CartridgeState"];
export type VolumeView = Schemas["VolumeView"];
export type CartridgeView = Schemas["CartridgeView"];
export type EvidenceState = Schemas["EvidenceState"];
export type EvidenceRow = Schemas["EvidenceRow"];
export type LeftOutRow = Schemas["LeftOutRow"];
export type CopyEvidence = Schemas["CopyEvidence"];
export type CartridgeEvidence = Schemas["CartridgeEvidence"];
export type EvidenceTable = Schemas["EvidenceTable"];
export type RunState = Schemas["RunState"];
export type RunView = Schemas["RunView"];
export type SetView = Schemas["SetView"];
export type FileHit = Schemas["FileHit"];
export type CopyView = Schemas["CopyView"];
export type FileVersion = Schemas["FileVersion"];
export type JobState = Schemas["JobState"];
export type JobAction = Schemas["JobAction"];
/** What has a default may be left out of a request. */
export type BackupSpec = Pick<Schemas["BackupSpec"], "set" | "paths"> &
  Partial<Schemas["BackupSpec"]>;
export type RestoreSpec = Schemas["RestoreSpec"];
export type VerifyScope = Schemas["VerifyScope"];
/** As the description has it, told apart by its kind. */
export type JobSpec =
  | ({ kind: "format" } & Schemas["FormatSpec"])
  | { kind: "inventory" }
  | ({ kind: "move" } & Schemas["MoveSpec"])
  | ({ kind: "backup" } & BackupSpec)
  | ({ kind: "verify" } & Schemas["VerifySpec"])
  | ({ kind: "restore" } & RestoreSpec)
  | ({ kind: "rebuild" } & Schemas["RebuildSpec"])
  | ({ kind: "catalog_backup" } & Schemas["CatalogBackupSpec"])
  | ({ kind: "clean" } & Schemas["CleanSpec"])
  | ({ kind: "kit_drill" } & Schemas["KitDrillSpec"])
  | ({ kind: "self_test" } & Schemas["SelfTestSpec"])
  | ({ kind: "calibrate" } & Schemas["CalibrateSpec"]);
export type Bottleneck = Schemas["Bottleneck"];
export type DriveRate = Schemas["DriveRate"];
export type StreamFigures = Schemas["StreamFigures"];
export type ProgressView = Schemas["ProgressView"];
export type NeedView = Schemas["NeedView"];
export type FileProblem = Schemas["FileProblem"];
export type JobOutcome = Schemas["JobOutcome"];
export type JobFailure = Schemas["JobFailure"];
export type JobView = Omit<Schemas["JobView"], "kind" | "spec"> & {
  kind: JobKind;
  spec: JobSpec;
};
export type EventLevel = Schemas["EventLevel"];
export type JobEvent = Schemas["JobEvent"];
export type PlanStep = Schemas["PlanStep"];
export type MissingVolume = Schemas["MissingVolume"];
export type RestorePlan = Schemas["RestorePlan"];
export type Severity = Schemas["Severity"];
export type FindingView = Schemas["FindingView"];
export type HealthView = Schemas["HealthView"];
export type StatusView = Schemas["StatusView"];
export type ContentEntry = Schemas["ContentEntry"];
export type CartridgeEventView = Schemas["CartridgeEventView"];
export type CartridgeLossView = Schemas["CartridgeLossView"];
export type ManifestView = Schemas["ManifestView"];
export type DriveHealthView = Schemas["DriveHealthView"];
export type DriveAlertView = Schemas["DriveAlertView"];
export type FolderEntry = Schemas["FolderEntry"];
export type UpdatesState = Schemas["UpdatesState"];
export type StreamingState = Schemas["StreamingState"];
export type StagingState = Schemas["StagingState"];
export type GenerationRates = Schemas["GenerationRates"];
export type StagingDisk = Schemas["StagingDisk"];
export type StagingDisks = Schemas["StagingDisks"];
export type CertificateState = Schemas["CertificateState"];
export type ServedCertificate = Schemas["ServedCertificate"];
export type CertificateOrigin = Schemas["CertificateOrigin"];
export type WaitingRequest = Schemas["WaitingRequest"];
export type NetworkState = Schemas["NetworkState"];
export type TimeState = Schemas["TimeState"];
export type TimeSetting = Schemas["TimeSetting"];
export type PortState = Schemas["PortState"];
export type PortSetting = Schemas["PortSetting"];
export type LinkState = Schemas["LinkState"];
export type SlotCondition = Schemas["SlotCondition"];
export type InstallationStep = Schemas["InstallationStep"];
export type UpdateOutcome = Schemas["UpdateOutcome"];
export type CatalogBackupView = Schemas["CatalogBackupView"];
export type Signed = Schemas["Signed"];
export type SettingsImport = Schemas["SettingsImport"];
export type ChangeKind = Schemas["ChangeKind"];
export type Priority = Schemas["Priority"];
export type BackupEstimate = Schemas["BackupEstimate"];
export type CopyEstimate = Schemas["CopyEstimate"];
export type LogLevel = Schemas["LogLevel"];
export type LogLine = Schemas["LogLine"];
export type LogRetention = Schemas["LogRetention"];
export type JobBrief = Schemas["JobBrief"];
export type VersionView = Schemas["VersionView"];
export type CatalogCheck = Schemas["CatalogCheck"];
export type Place = Schemas["Place"];
export type Problem = Schemas["Problem"];

export interface Page<T> {
  items: T[];
  next?: string | null;
}

export type JobKind = JobSpec["kind"];
export type PlaceKind = Place["place"];

export type ApprovalView = Schemas["ApprovalView"];
export type ScheduleView = Omit<Schemas["ScheduleView"], "task"> & { task: JobSpec };
export type ScheduleEventKind = Schemas["ScheduleEventKind"];
export type ScheduleEventView = Schemas["ScheduleEventView"];
export type SchedulePreview = Schemas["SchedulePreview"];
export type WindowView = Schemas["WindowView"];
export type Encryption = Schemas["Encryption"];
export type PoolView = Schemas["PoolView"];
export type KitView = Schemas["KitView"];
export type KitsView = Schemas["KitsView"];
export type PrintedKit = Schemas["PrintedKit"];
export type OpenedKeys = Schemas["OpenedKeys"];
export type AlertView = Schemas["AlertView"];
export type ChannelView = Schemas["ChannelView"];
export type ChannelTest = Schemas["ChannelTest"];
export type DeliveryView = Schemas["DeliveryView"];
export type Target = Schemas["Target"];
export type MailSecurity = Schemas["MailSecurity"];
export type SourceState = Schemas["SourceState"];
export type SourcePlace = Schemas["SourcePlace"];
export type SourceCondition = Schemas["SourceCondition"];
export type UserView = Schemas["UserView"];
export type UserWithPassword = Schemas["UserWithPassword"];
export type ApiKeyView = Schemas["ApiKeyView"];
export type MadeApiKey = Schemas["MadeApiKey"];
export type KeyPlace = Schemas["KeyPlace"];
export type KmsProof = Schemas["KmsProof"];
export type KmsRewrapped = Schemas["KmsRewrapped"];
export type KmsState = Schemas["KmsState"];
export type OidcOffer = Schemas["OidcOffer"];
export type ExpiredView = Schemas["ExpiredView"];
export type OidcSettingsShown = Schemas["OidcSettingsShown"];
export type OidcState = Schemas["OidcState"];
export type OidcStart = Schemas["OidcStart"];
export type VaultSettingsShown = Schemas["VaultSettingsShown"];
export type PasskeyOffer = Schemas["PasskeyOffer"];
export type PasskeyQuestion = Schemas["PasskeyQuestion"];
export type PasskeyView = Schemas["PasskeyView"];
export type OpenSessionView = Schemas["OpenSessionView"];
export type TotpProposal = Schemas["TotpProposal"];
export type RecoveryCodes = Schemas["RecoveryCodes"];
export type ApprovalState = Schemas["ApprovalState"];
export type TwoPersonRule = Schemas["TwoPersonRule"];
export type SecondFactorPolicy = Schemas["SecondFactorPolicy"];
export type SecondFactorRule = SecondFactorPolicy["required_for"];
export type AuditEntry = Schemas["Entry"];
export type AuditReport = Schemas["Report"];
export type Role = Schemas["Role"];
export type SessionView = Schemas["SessionView"];
export type SignInResult = Schemas["SignInResult"];
export type Check = Schemas["Check"];
export type CheckResult = Schemas["CheckResult"];
export type CheckSubject = Schemas["CheckSubject"];
export type SelfTestView = Schemas["SelfTestView"];
export type SelfTestBrief = Schemas["SelfTestBrief"];
export type CalibrationView = Schemas["CalibrationView"];
export type DriveTimes = Schemas["DriveTimes"];
export type ExchangeEstimate = Schemas["ExchangeEstimate"];
