// What the API answers and takes, as in src/api/types of the engine.

export type Timestamp = string;

export type PlaceKind = "slot" | "mail_slot" | "drive";
export interface Place {
  place: PlaceKind;
  number: number;
}

export interface Page<T> {
  items: T[];
  next?: string;
}

export interface Problem {
  status: number;
  code: string;
  message: string;
  next_step: string;
  request_id: string;
}

export type ElementKind = "slot" | "mail_slot" | "drive" | "robot";
export interface ElementView {
  kind: ElementKind;
  number: number;
  address: number;
  is_full: boolean;
  barcode: string | null;
  is_accessible: boolean;
  exception?: string;
}

export type DriveState = "empty" | "loaded" | "busy" | "needs_cleaning" | "failed";
export interface DriveView {
  number: number | null;
  serial: string;
  vendor: string;
  product: string;
  revision: string;
  generation: string | null;
  state: DriveState;
  barcode: string | null;
  job: number | null;
  alerts?: string[];
}

export interface LibraryView {
  is_practice: boolean;
  changer: { serial: string; vendor: string; product: string; revision: string } | null;
  elements: ElementView[];
  drives: DriveView[];
  inventory_taken: Timestamp | null;
}

export interface ReservationView {
  drive: string;
  holder: "nobody" | "this_appliance" | "another_host";
  key?: string;
}

export type CartridgeState =
  | "unknown"
  | "blank"
  | "open"
  | "closed"
  | "foreign"
  | "needs_repair"
  | "swapped"
  | "bad"
  | "cleaning";

export interface VolumeView {
  uuid: string;
  name: string | null;
  set: string | null;
  copy: string | null;
  sequence: number | null;
  formatted: Timestamp | null;
  index_generation: number | null;
  capacity_bytes: number | null;
  remaining_bytes: number | null;
  files: number;
  bytes: number;
}

export interface CartridgeView {
  barcode: string;
  generation: string | null;
  place: Place | null;
  state: CartridgeState;
  sentence: string;
  is_worm: boolean;
  is_write_protected: boolean;
  volume: VolumeView | null;
  last_seen: Timestamp | null;
}

export type EvidenceState = "planned" | "written" | "flushed" | "indexed" | "read_back" | "proven";

export interface EvidenceRow {
  state: EvidenceState;
  files: number;
  bytes: number;
}
export interface LeftOutRow {
  reason: string;
  files: number;
  bytes: number;
}
export interface CopyEvidence {
  copy: string;
  is_complete: boolean;
  sentence: string;
  rows: EvidenceRow[];
  left_out: LeftOutRow[];
}
export interface CartridgeEvidence {
  barcode: string | null;
  volume: string;
  is_present: boolean;
  weakest: EvidenceState;
  files: number;
  bytes: number;
}
export interface EvidenceTable {
  scope: string;
  is_complete: boolean;
  sentence: string;
  files: number;
  bytes: number;
  rows: EvidenceRow[];
  left_out: LeftOutRow[];
  copies: CopyEvidence[];
  cartridges: CartridgeEvidence[];
}

export type RunState = "open" | "complete" | "incomplete";
export interface RunView {
  run: string;
  set: string;
  mode: "full" | "incremental";
  copies: number;
  parent: string | null;
  job: number | null;
  state: RunState;
  started: Timestamp;
  ended: Timestamp | null;
  files: number;
  bytes: number;
  cartridges: string[];
  evidence: EvidenceRow[];
}

export interface SetView {
  name: string;
  paths: string[];
  copies: number;
  runs: number;
  newest_run: RunView | null;
  newest_ended_run: string | null;
  newest_complete_run: string | null;
  cartridges: string[];
}

export interface FilePath {
  path: string;
  path_b64?: string;
}
export interface FileHit extends FilePath {
  set: string;
  run: string;
  size_bytes: number;
  modified: Timestamp;
  evidence: EvidenceState;
  copies: string[];
  cartridges: string[];
}
export interface CopyView {
  copy: string;
  barcode: string | null;
  volume: string;
  evidence: EvidenceState;
  part?: [number, number];
  failure?: string;
}
export interface FileVersion {
  set: string;
  run: string;
  stored: Timestamp;
  size_bytes: number;
  modified: Timestamp;
  sha256: string | null;
  copies: CopyView[];
}

export type JobKind = "format" | "inventory" | "move" | "backup" | "verify" | "restore" | "rebuild";
export type JobState =
  | "queued"
  | "running"
  | "paused"
  | "waiting"
  | "completed"
  | "incomplete"
  | "failed"
  | "cancelled";
export type JobAction = "pause" | "resume" | "cancel";

export interface BackupSpec {
  set: string;
  paths: string[];
  mode?: "full" | "incremental";
  exclude?: string[];
  compression?: "none" | { zstd: { level: number } };
  cartridges?: string[];
  copies?: number | null;
}
export interface RestoreSpec {
  selection: { run: string; paths: string[] };
  destination: string;
  existing?: "keep" | "replace";
  missing?: "wait" | "skip";
}
export type VerifyScope = { run: string } | { set: string } | { cartridge: string };

export type JobSpec =
  | { kind: "format"; barcode: string }
  | { kind: "inventory" }
  | { kind: "move"; from: Place; to: Place }
  | ({ kind: "backup" } & BackupSpec)
  | { kind: "verify"; scope: VerifyScope }
  | ({ kind: "restore" } & RestoreSpec)
  | { kind: "rebuild"; barcodes: string[] };

export type Bottleneck = "source" | "processor" | "drive" | "other";
export interface DriveRate {
  bytes_per_second: number;
  underruns: number;
  back_hitches: number;
  is_running: boolean;
}
export interface StreamFigures {
  engine: string;
  source_bytes_per_second: number;
  staged_bytes: number;
  buffer_seconds: number | null;
  drives: DriveRate[];
  bottleneck: Bottleneck | null;
}
export interface ProgressView {
  stage: string;
  files_done: number;
  files_total: number;
  bytes_done: number;
  bytes_total: number;
  cartridge?: string;
  stream?: StreamFigures;
}

export type NeedView = { sentence: string } & (
  | { need: "cartridge"; barcode: string | null; volume: string }
  | {
      need: "formatted_cartridge";
      set: string;
      copy: string | null;
      remaining: number;
      passed_over: [string, string][];
    }
  | { need: "attention"; message: string }
);

export interface FileProblem extends FilePath {
  state: string;
  reason: string;
}
export interface JobOutcome {
  sentence: string;
  run?: string;
  destination?: string;
  files: number;
  bytes: number;
  problems_total: number;
  problems: FileProblem[];
}
export interface JobFailure {
  code: string;
  message: string;
  next_step: string;
  causes?: string[];
}
export interface JobView {
  id: number;
  kind: JobKind;
  state: JobState;
  title: string;
  spec: JobSpec;
  created: Timestamp;
  started: Timestamp | null;
  ended: Timestamp | null;
  progress: ProgressView;
  need: NeedView | null;
  outcome: JobOutcome | null;
  error: JobFailure | null;
  allowed_actions: JobAction[];
}

export type EventLevel = "info" | "warning" | "error";
export interface JobEvent {
  id: number;
  job: number;
  at: Timestamp;
  level: EventLevel;
  state?: JobState;
  message: string;
}

export interface PlanStep {
  barcode: string | null;
  volume: string;
  place: Place | null;
  files: number;
  bytes: number;
}
export interface MissingVolume {
  barcode: string | null;
  volume: string;
  files: number;
  bytes: number;
}
export interface RestorePlan {
  files: number;
  bytes: number;
  steps: PlanStep[];
  missing: MissingVolume[];
  files_without_copy: number;
  sentence: string;
}

export type Severity = "info" | "warning" | "critical";
export interface FindingView {
  severity: Severity;
  subject: string;
  sentence: string;
  next_step: string;
}
export interface HealthView {
  status: "ok" | "attention" | "failed";
  sentence: string;
  jobs_active: number;
  jobs_waiting: number;
  findings: FindingView[];
}
export interface VersionView {
  product: string;
  version: string;
  api_version: number;
}
export interface CatalogCheck {
  is_sound: boolean;
  sentence: string;
  problems: string[];
}

export type Role = "viewer" | "operator" | "admin";
export interface SessionView {
  user: string;
  role: Role;
  /** Only with a cookie, as the next two. */
  csrf?: string;
  idle_seconds?: number;
  expires_at?: Timestamp;
  second_factor_needed?: boolean;
}
