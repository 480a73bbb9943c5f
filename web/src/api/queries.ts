// What pages ask for: one function a question, with its key and how often it is asked again.
//
// Jobs, drives and cartridges also change by live events (events.ts); the interval is what remains
// when an event was missed. Seconds, between 8 and 30: see hooks/useLockAwareQuery.
import { api } from "../util/path-builder";
import { get, getEvenIfFailing, post } from "./client";
import type {
  AlertView,
  ApiKeyView,
  ApprovalView,
  AuditEntry,
  CalibrationView,
  CartridgeEventView,
  CartridgeView,
  CatalogBackupView,
  CatalogCheck,
  CertificateState,
  ChannelView,
  DeliveryView,
  DriveHealthView,
  EvidenceTable,
  ExpiredView,
  FileHit,
  FileVersion,
  HealthView,
  JobView,
  KitsView,
  KmsState,
  LibraryView,
  LogRetention,
  ManifestView,
  NetworkState,
  OidcState,
  OpenSessionView,
  Page,
  PasskeyView,
  PoolView,
  RestorePlan,
  RestoreSpec,
  RunView,
  ScheduleEventView,
  SchedulePreview,
  ScheduleView,
  SecondFactorPolicy,
  SelfTestView,
  SetView,
  SourceState,
  StagingDisks,
  StatusView,
  StreamingState,
  TimeState,
  TwoPersonRule,
  UpdatesState,
  UserView,
  VersionView,
  WindowView,
} from "./types";

export interface Question<T> {
  queryKey: readonly unknown[];
  queryFn: (context: { signal: AbortSignal }) => Promise<T>;
  intervalSeconds: number;
}

function ask<T>(queryKey: readonly unknown[], path: string, intervalSeconds: number): Question<T> {
  return { queryKey, queryFn: ({ signal }) => get<T>(path, { signal }), intervalSeconds };
}

export const health = (): Question<HealthView> => ({
  queryKey: ["health"],
  queryFn: ({ signal }) => getEvenIfFailing<HealthView>(api.health(), { signal }),
  intervalSeconds: 10,
});
/** Home's answers, and the counts of the frame. */
export const status = () => ask<StatusView>(["status"], api.status(), 8);
export const preferences = () =>
  ask<Record<string, unknown>>(["preferences"], api.preferences(), 30);
export const version = () => ask<VersionView>(["version"], api.version(), 30);
export const library = () => ask<LibraryView>(["library"], api.library(), 10);

export const driveHealth = (serial: string) =>
  ask<DriveHealthView>(["drive-health", serial], api.driveHealth(serial), 30);

export interface CartridgeFilter {
  state?: string;
  set?: string;
  limit?: number;
}
export const cartridges = (filter: CartridgeFilter = {}) =>
  ask<Page<CartridgeView>>(["cartridges", filter], api.cartridges({ limit: 1000, ...filter }), 15);
export const cartridge = (barcode: string) =>
  ask<CartridgeView>(["cartridge", barcode], api.cartridge(barcode), 15);

export const cartridgeHistory = (barcode: string) =>
  ask<Page<CartridgeEventView>>(
    ["cartridge", barcode, "history"],
    api.cartridgeHistory(barcode),
    15,
  );
export const manifests = (barcode: string) =>
  ask<Page<ManifestView>>(["cartridge", barcode, "manifests"], api.manifests(barcode), 30);

export const sets = () => ask<Page<SetView>>(["sets"], api.sets({ limit: 1000 }), 20);
export const set = (name: string) => ask<SetView>(["set", name], api.set(name), 20);
export const runs = (filter: { set?: string; limit?: number } = {}) =>
  ask<Page<RunView>>(["runs", filter], api.runs({ limit: 200, ...filter }), 20);
export const run = (id: string) => ask<RunView>(["run", id], api.run(id), 20);
export const evidence = (scope: { set?: string; run?: string; cartridge?: string } = {}) =>
  ask<EvidenceTable>(["evidence", scope], api.evidence(scope), 25);

export interface JobFilter {
  state?: string;
  kind?: string;
  active?: boolean;
  limit?: number;
}
export const jobs = (filter: JobFilter = {}) =>
  ask<Page<JobView>>(["jobs", filter], api.jobs({ limit: 200, ...filter }), 10);
export const job = (id: number) => ask<JobView>(["job", id], api.job(id), 8);

export const search = (filter: Record<string, string>) =>
  ask<Page<FileHit>>(["search", filter], api.search({ limit: 200, ...filter }), 30);
export const versions = (path: string, setName?: string) =>
  ask<Page<FileVersion>>(
    ["versions", path, setName],
    api.versions({ path, ...(setName ? { set: setName } : {}) }),
    30,
  );
export const catalogCheck = () => ask<CatalogCheck>(["catalog-check"], api.check(), 30);
export const plan = (spec: RestoreSpec): Question<RestorePlan> => ({
  queryKey: ["plan", spec],
  queryFn: () => post<RestorePlan>(api.plan(), spec),
  intervalSeconds: 30,
});

export const users = () => ask<Page<UserView>>(["users"], api.users(), 20);
export const apiKeys = () => ask<Page<ApiKeyView>>(["api-keys"], api.apiKeys(), 20);
export const passkeys = () => ask<Page<PasskeyView>>(["passkeys"], api.passkeys(), 20);
export const sessions = () => ask<Page<OpenSessionView>>(["sessions"], api.sessions(), 20);
export const approvals = () => ask<Page<ApprovalView>>(["approvals"], api.approvals(), 10);
export const twoPersonRule = () => ask<TwoPersonRule>(["two-person-rule"], api.rule(), 30);
export const secondFactorPolicy = () =>
  ask<SecondFactorPolicy>(["second-factor-rule"], api.factorRule(), 30);
export const audit = (filter: Record<string, string>) =>
  ask<Page<AuditEntry>>(["audit", filter], api.audit({ limit: 100, ...filter }), 15);

export const schedules = () =>
  ask<Page<ScheduleView>>(["schedules"], api.schedules({ limit: 200 }), 15);
export const schedule = (name: string) =>
  ask<ScheduleView>(["schedule", name], api.schedule(name), 10);
export const scheduleEvents = (name: string) =>
  ask<Page<ScheduleEventView>>(["schedule", name, "events"], api.scheduleEvents(name), 15);
export const preview = (cron: string, zone: string, count: number) =>
  ask<SchedulePreview>(["preview", cron, zone, count], api.preview(cron, zone, count), 30);
export const windows = () => ask<Page<WindowView>>(["windows"], api.windows(), 20);

export interface Moment {
  schedule: string;
  at: string;
}
/** As many as two weeks of a schedule have that runs four times a day. */
const CALENDAR_COUNT = 56;
/** The moments of all that are switched on. */
export const calendar = (items: readonly ScheduleView[]): Question<Moment[]> => {
  const active = items.filter((item) => item.is_enabled);
  const of = async (item: ScheduleView, signal: AbortSignal) => {
    const path = api.preview(item.cron, item.time_zone ?? "", CALENDAR_COUNT);
    const { next } = await get<SchedulePreview>(path, { signal });
    return next.map((at) => ({ schedule: item.name, at }));
  };
  return {
    queryKey: ["calendar", active.map((item) => [item.name, item.cron, item.time_zone])],
    queryFn: async ({ signal }) =>
      (await Promise.all(active.map((item) => of(item, signal)))).flat(),
    intervalSeconds: 30,
  };
};

export const pools = () => ask<PoolView[]>(["pools"], api.pools(), 20);
/** Counts over whole sets: asked for while it is looked at, and seldom. */
export const expired = (pool: string) => ask<ExpiredView>(["expired", pool], api.expired(pool), 30);
export const kits = () => ask<KitsView>(["kits"], api.kits(), 20);

export const alerts = (isOpenOnly: boolean) =>
  ask<Page<AlertView>>(
    ["alerts", isOpenOnly],
    api.alerts({ limit: 200, open: isOpenOnly ? true : undefined }),
    10,
  );
export const channels = () => ask<Page<ChannelView>>(["channels"], api.channels(), 20);
export const deliveries = () =>
  ask<Page<DeliveryView>>(["deliveries"], api.deliveries({ limit: 100 }), 10);

/** A setting on trial is kept or goes back within minutes. */
export const network = () => ask<NetworkState>(["network"], api.network(), 8);

/** A clock is compared every minute at the most. */
export const time = () => ask<TimeState>(["time"], api.time(), 15);
/** What is staged changes while a backup writes. */
export const streaming = () => ask<StreamingState>(["streaming"], api.streaming(), 8);
export const stagingDisks = () => ask<StagingDisks>(["staging-disks"], api.stagingDisks(), 15);

export const certificate = () => ask<CertificateState>(["certificate"], api.certificate(), 30);

export const selfTests = () => ask<Page<SelfTestView>>(["self-tests"], api.selfTests(), 8);
export const calibrations = () => ask<Page<CalibrationView>>(["calibration"], api.calibration(), 8);

/** An installation is followed closely; nothing else of it changes by itself. */
export const updates = () => ask<UpdatesState>(["updates"], api.updates(), 8);

export const catalogBackups = (folder: string) =>
  ask<Page<CatalogBackupView>>(["catalog-backups", folder], api.catalogBackups(folder), 15);

export const logRetention = () => ask<LogRetention>(["log-retention"], api.logRetention(), 30);

export const keyServer = () => ask<KmsState>(["key-server"], api.keyServer(), 30);
export const identityProvider = () => ask<OidcState>(["oidc"], api.identityProvider(), 30);

export const sources = () => ask<Page<SourceState>>(["sources"], api.sources(), 15);
