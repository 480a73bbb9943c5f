// How each state of the API looks: icon, word and colour. A state that the API gains does not compile
// until it stands here.
import type {
  ApprovalState,
  CartridgeState,
  CertificateOrigin,
  ChangeKind,
  CheckResult,
  CheckSubject,
  DriveState,
  Encryption,
  EvidenceState,
  InstallationStep,
  JobKind,
  JobState,
  LinkState,
  LogLevel,
  Priority,
  Role,
  RunState,
  ScheduleEventKind,
  ScheduleView,
  Severity,
  Signed,
  SlotCondition,
  SourceCondition,
  UpdateOutcome,
  UserView,
} from "../api/types";
import type { State } from "../ui/Lamp";

export const JOB_KIND: Record<JobKind, string> = {
  backup: "Backup",
  restore: "Restore",
  verify: "Verification",
  format: "Format",
  move: "Move",
  inventory: "Inventory",
  clean: "Cleaning",
  kit_drill: "Proof of a kit",
  self_test: "Self-test",
  calibrate: "Calibration",
  rebuild: "Reading cartridges",
  catalog_backup: "Backup of the catalog",
};

export const JOB_STATE: Record<JobState, State> = {
  queued: { tone: "idle", icon: "queued", text: "Queued" },
  running: { tone: "busy", icon: "busy", text: "Running" },
  paused: { tone: "warn", icon: "paused", text: "Paused" },
  waiting: { tone: "warn", icon: "warn", text: "Waits for a person" },
  completed: { tone: "good", icon: "good", text: "Completed" },
  incomplete: { tone: "bad", icon: "warn", text: "Incomplete" },
  failed: { tone: "bad", icon: "bad", text: "Failed" },
  cancelled: { tone: "idle", icon: "idle", text: "Cancelled" },
};

export const CARTRIDGE_STATE: Record<CartridgeState, State> = {
  unknown: { tone: "idle", icon: "unknown", text: "Not looked at" },
  blank: { tone: "idle", icon: "empty", text: "Blank" },
  open: { tone: "good", icon: "full", text: "Open" },
  closed: { tone: "idle", icon: "lock", text: "Closed" },
  foreign: { tone: "foreign", icon: "foreign", text: "Foreign" },
  needs_repair: { tone: "warn", icon: "warn", text: "Needs repair" },
  swapped: { tone: "bad", icon: "warn", text: "Swapped" },
  bad: { tone: "bad", icon: "bad", text: "Bad" },
  cleaning: { tone: "idle", icon: "clean", text: "Cleaning" },
};

export const CARTRIDGE_MEANING: Record<CartridgeState, string> = {
  unknown: "Never looked at: it has to be loaded once.",
  blank: "Nothing was ever written to it.",
  open: "A volume of ours that can be written.",
  closed: "A volume of ours that is full or closed; it is only read.",
  foreign: "Somebody else's volume, or one signed by a key that is not trusted; it is only read.",
  needs_repair: "A volume that must be checked or repaired before it is written.",
  swapped: "Not the cartridge that this barcode stood for before.",
  bad: "It failed and is not written any more.",
  cleaning: "Cleans drives.",
};

export const DRIVE_STATE: Record<DriveState, State> = {
  empty: { tone: "idle", icon: "empty", text: "Empty" },
  loaded: { tone: "good", icon: "full", text: "Loaded" },
  busy: { tone: "busy", icon: "busy", text: "Busy" },
  needs_cleaning: { tone: "warn", icon: "clean", text: "Needs cleaning" },
  failed: { tone: "bad", icon: "bad", text: "Failed" },
};

export const RUN_STATE: Record<RunState, State> = {
  open: { tone: "busy", icon: "busy", text: "Open" },
  complete: { tone: "good", icon: "good", text: "Complete" },
  incomplete: { tone: "bad", icon: "warn", text: "Incomplete" },
};

export const SEVERITY: Record<Severity, State> = {
  info: { tone: "idle", icon: "unknown", text: "Good to know" },
  warning: { tone: "warn", icon: "warn", text: "Soon" },
  critical: { tone: "bad", icon: "bad", text: "Now" },
};

export const EVIDENCE: Record<EvidenceState, State & { meaning: string }> = {
  planned: {
    tone: "warn",
    icon: "queued",
    text: "Planned",
    meaning: "Not on tape yet.",
  },
  written: {
    tone: "warn",
    icon: "warn",
    text: "Written",
    meaning: "Taken by the drive; may still be in its buffer.",
  },
  flushed: {
    tone: "warn",
    icon: "warn",
    text: "Flushed",
    meaning: "On the tape, not in an index yet.",
  },
  indexed: {
    tone: "good",
    icon: "full",
    text: "Indexed",
    meaning: "On the tape and in the index on both partitions.",
  },
  read_back: {
    tone: "good",
    icon: "good",
    text: "Read back",
    meaning: "Read again from the reloaded cartridge; the hash agrees.",
  },
  proven: {
    tone: "good",
    icon: "good",
    text: "Proven",
    meaning: "Restored by a drill.",
  },
};

/** Why a planned file has no copy. */
export const LEFT_OUT: Record<string, string> = {
  changed_while_read: "changed while it was read",
  vanished: "gone before it was read",
  unreadable: "could not be read",
  not_storable: "cannot be stored on LTFS",
  copy_failed: "its copy failed",
};

export const ROLE: Record<Role, { text: string; meaning: string }> = {
  viewer: { text: "Viewer", meaning: "Looks, searches and plans; starts and changes nothing." },
  operator: {
    text: "Operator",
    meaning: "Starts work that loses nothing: backups, restores, moves.",
  },
  admin: { text: "Admin", meaning: "May also destroy, and says who may do what." },
};

export const APPROVAL_STATE: Record<ApprovalState, State> = {
  pending: { tone: "warn", icon: "queued", text: "Waits" },
  approved: { tone: "busy", icon: "good", text: "Agreed, not used yet" },
  refused: { tone: "idle", icon: "idle", text: "Refused" },
  used: { tone: "good", icon: "good", text: "Agreed and done" },
};

export const USER_STATE: Record<"in" | "out" | "interim", State> = {
  in: { tone: "good", icon: "good", text: "May sign in" },
  interim: { tone: "warn", icon: "queued", text: "Has to choose a password" },
  out: { tone: "idle", icon: "lock", text: "Kept out" },
};

export function userState(user: UserView): keyof typeof USER_STATE {
  if (user.is_disabled) return "out";
  return user.is_password_interim ? "interim" : "in";
}

export const SCHEDULE_EVENT: Record<ScheduleEventKind, State> = {
  started: { tone: "good", icon: "good", text: "Started" },
  missed: { tone: "warn", icon: "warn", text: "Missed" },
  still_running: { tone: "warn", icon: "busy", text: "The one before still ran" },
  refused: { tone: "bad", icon: "bad", text: "Refused" },
};

export function scheduleState(schedule: ScheduleView): State {
  if (!schedule.is_enabled) return { tone: "idle", icon: "paused", text: "Paused" };
  if (schedule.last?.what === "refused") {
    return { tone: "bad", icon: "bad", text: "On; the last was refused" };
  }
  return { tone: "good", icon: "queued", text: "On" };
}

export const ENCRYPTION: Record<Encryption, State> = {
  sealed: { tone: "good", icon: "lock", text: "Sealed" },
  drive: { tone: "good", icon: "lock", text: "By the drive" },
  none: { tone: "idle", icon: "idle", text: "As they are" },
};

/** The states of a delivery are words in the API; a new one looks as if it waited. */
const DELIVERY = {
  waiting: { tone: "busy", icon: "queued", text: "Waits" },
  delivered: { tone: "good", icon: "good", text: "Delivered" },
  given_up: { tone: "bad", icon: "bad", text: "Given up" },
} as const satisfies Record<string, State>;

export function deliveryState(state: string): State {
  return state === "delivered" || state === "given_up" ? DELIVERY[state] : DELIVERY.waiting;
}

export const SLOT_CONDITION: Record<SlotCondition, State> = {
  good: { tone: "good", icon: "good", text: "Good" },
  on_trial: { tone: "busy", icon: "queued", text: "On trial" },
  being_written: { tone: "busy", icon: "busy", text: "Being written" },
  bad: { tone: "bad", icon: "bad", text: "Bad: nothing starts it" },
};

export const LINK_STATE: Record<LinkState, State> = {
  up: { tone: "good", icon: "good", text: "Connected" },
  no_carrier: { tone: "idle", icon: "disconnected", text: "No cable" },
  off: { tone: "idle", icon: "idle", text: "Switched off" },
};

export const CERTIFICATE_ORIGIN: Record<CertificateOrigin, State> = {
  self_made: { tone: "idle", icon: "lock", text: "Made here" },
  given: { tone: "good", icon: "good", text: "Given" },
};

export const INSTALLATION_STEP: Record<InstallationStep, State> = {
  fetching: { tone: "busy", icon: "restore", text: "Fetched" },
  writing: { tone: "busy", icon: "busy", text: "Written and checked" },
  done: { tone: "good", icon: "good", text: "Installed: a restart uses it" },
  failed: { tone: "bad", icon: "bad", text: "Failed" },
};

export const UPDATE_OUTCOME: Record<UpdateOutcome, State> = {
  good: { tone: "good", icon: "good", text: "Good" },
  went_back: { tone: "warn", icon: "warn", text: "Went back by itself" },
  interrupted: { tone: "warn", icon: "warn", text: "Interrupted" },
  rolled_back: { tone: "idle", icon: "idle", text: "Taken back by a person" },
};

export const SIGNED: Record<Signed, State> = {
  own: { tone: "good", icon: "good", text: "By this appliance" },
  trusted: { tone: "good", icon: "good", text: "By one that is trusted" },
  foreign: { tone: "foreign", icon: "foreign", text: "By a key that nobody here trusts" },
  bad: { tone: "bad", icon: "bad", text: "It was changed" },
};

export const SETTING_CHANGE: Record<ChangeKind, State> = {
  add: { tone: "busy", icon: "full", text: "New" },
  change: { tone: "busy", icon: "move", text: "Changed" },
  same: { tone: "idle", icon: "good", text: "The same" },
  kept: { tone: "idle", icon: "idle", text: "Stays: the file does not name it" },
  refused: { tone: "warn", icon: "warn", text: "Cannot be" },
};

/** Whose turn it is among jobs that wait for a drive. */
export const PRIORITY: Record<Priority, string> = {
  high: "Before others",
  normal: "In its turn",
  low: "After all others",
};

export const LOG_LEVEL: Record<LogLevel, State> = {
  error: { tone: "bad", icon: "bad", text: "Error" },
  warning: { tone: "warn", icon: "warn", text: "Warning" },
  info: { tone: "idle", icon: "idle", text: "Info" },
  debug: { tone: "idle", icon: "unknown", text: "Debug" },
  trace: { tone: "idle", icon: "unknown", text: "Trace" },
};

export const SOURCE_STATE: Record<SourceCondition, State> = {
  mounted: { tone: "good", icon: "good", text: "Mounted" },
  away: { tone: "bad", icon: "disconnected", text: "Away" },
};

export const CHECK_RESULT: Record<CheckResult, State> = {
  passed: { tone: "good", icon: "good", text: "Passed" },
  warning: { tone: "warn", icon: "warn", text: "Look at it" },
  failed: { tone: "bad", icon: "bad", text: "Failed" },
  skipped: { tone: "idle", icon: "idle", text: "Not asked" },
};

export const CHECK_SUBJECT: Record<CheckSubject, string> = {
  catalog: "Catalog",
  keys: "Signing key",
  kits: "Recovery kits",
  audit: "Audit log",
  library: "Library",
  inventory: "Inventory",
  drive: "Drive",
  cartridge: "Write and read",
  disk: "Disk",
  staging: "Staging",
  clock: "Clock",
  certificate: "Certificate",
  source: "Source",
};
