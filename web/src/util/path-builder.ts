// Every address of the console and of the API, in one place: no other file joins them from strings.

const part = encodeURIComponent;

type QueryValue = string | number | boolean | null | undefined;

function query(values: Record<string, QueryValue>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

// Pages of the console.
export const to = {
  home: () => "/",
  signInReturn: () => "/sign-in/return",
  library: () => "/library",
  cartridges: (filter: { state?: string; set?: string } = {}) => `/cartridges${query(filter)}`,
  cartridge: (barcode: string) => `/cartridges/${part(barcode)}`,
  labels: (barcodes: readonly string[] = []) =>
    `/cartridges/labels${query({ barcodes: barcodes.join(" ") })}`,
  jobs: (filter: { state?: string; kind?: string; active?: boolean } = {}) =>
    `/jobs${query(filter)}`,
  job: (id: number) => `/jobs/${id}`,
  backup: (given: { set?: string } = {}) => `/backup${query(given)}`,
  restore: (given: { q?: string; run?: string; path?: string } = {}) => `/restore${query(given)}`,
  proof: (job: number) => `/jobs/${job}/proof`,
  sets: () => "/sets",
  set: (name: string) => `/sets/${part(name)}`,
  runs: (filter: { set?: string } = {}) => `/runs${query(filter)}`,
  run: (run: string) => `/runs/${part(run)}`,
  search: (given: Record<string, QueryValue> = {}) => `/search${query(given)}`,
  contents: (barcode: string, path = "/") =>
    `/cartridges/${part(barcode)}/contents${query({ path: path === "/" ? "" : path })}`,
  file: (path: string, set?: string) => `/file${query({ path, set })}`,
  equipment: () => "/equipment",
  recovery: () => "/recovery",
  health: () => "/health",
  settings: () => "/settings",
  alerts: () => "/alerts",
  notifications: () => "/settings/notifications",
  sources: () => "/settings/sources",
  logs: (filter: { job?: number } = {}) => `/settings/logs${query(filter)}`,
  kept: () => "/settings/backups",
  network: () => "/settings/network",
  time: () => "/settings/time",
  certificate: () => "/settings/certificates",
  updates: () => "/settings/updates",
  schedules: () => "/schedules",
  schedule: (name: string) => `/schedules/${part(name)}`,
  pools: () => "/pools",
  kit: () => "/pools/kit",
  account: () => "/account",
  users: () => "/settings/users",
  apiKeys: () => "/settings/api-keys",
  provider: () => "/settings/sign-in",
  keyServer: () => "/settings/key-server",
  approvals: () => "/settings/approvals",
  scan: () => "/library/scan",
  audit: () => "/settings/audit",
  help: (topic?: string) => (topic ? `/help/${part(topic)}` : "/help"),
  errorHelp: (code: string) => `/help/errors/${part(code)}`,
  more: () => "/more",
} as const;

/** The address of a text that is here already, to be downloaded as a file. */
export const textFile = (text: string) => `data:text/plain;charset=utf-8,${part(text)}`;

// Addresses of the API.
export const api = {
  health: () => "/api/healthz",
  version: () => "/api/version",
  status: () => "/api/status",
  preferences: () => "/api/preferences",
  diagnostics: () => "/api/diagnostics/bundle",
  metrics: () => "/api/system/metrics/prometheus",
  library: () => "/api/library",
  inventory: () => "/api/library/inventory",
  moves: () => "/api/library/moves",
  driveHealth: (serial: string) => `/api/library/drives/${part(serial)}/health`,
  cleanDrive: (serial: string) => `/api/library/drives/${part(serial)}/clean`,
  reservation: (serial: string) => `/api/library/drives/${part(serial)}/reservation`,
  cartridges: (filter: { state?: string; set?: string; after?: string; limit?: number }) =>
    `/api/cartridges${query(filter)}`,
  cartridge: (barcode: string) => `/api/cartridges/${part(barcode)}`,
  contents: (barcode: string, page: { path: string; after?: string; limit?: number }) =>
    `/api/cartridges/${part(barcode)}/contents${query(page)}`,
  cartridgeHistory: (barcode: string) =>
    `/api/cartridges/${part(barcode)}/history${query({ limit: 200 })}`,
  loss: (barcode: string) => `/api/cartridges/${part(barcode)}/loss${query({ limit: 50 })}`,
  alias: (barcode: string) => `/api/cartridges/${part(barcode)}/alias`,
  location: (barcode: string) => `/api/cartridges/${part(barcode)}/location`,
  lock: (barcode: string) => `/api/cartridges/${part(barcode)}/lock`,
  retention: (barcode: string) => `/api/cartridges/${part(barcode)}/retention`,
  manifests: (barcode: string) => `/api/cartridges/${part(barcode)}/manifests`,
  manifest: (barcode: string, run: string) =>
    `/api/cartridges/${part(barcode)}/manifests/${part(run)}`,
  manifestSignature: (barcode: string, run: string) =>
    `/api/cartridges/${part(barcode)}/manifests/${part(run)}/signature`,
  format: (barcode: string) => `/api/cartridges/${part(barcode)}/format`,
  sets: (page: { after?: string; limit?: number } = {}) => `/api/sets${query(page)}`,
  set: (name: string) => `/api/sets/${part(name)}`,
  runs: (filter: { set?: string; after?: string; limit?: number }) => `/api/runs${query(filter)}`,
  run: (run: string) => `/api/runs/${part(run)}`,
  evidence: (scope: { set?: string; run?: string; cartridge?: string } = {}) =>
    `/api/evidence${query(scope)}`,
  backups: () => "/api/backups",
  backupEstimate: () => "/api/backups/estimate",
  verify: () => "/api/verify",
  plan: () => "/api/restore/plan",
  restore: () => "/api/restore",
  search: (filter: Record<string, QueryValue>) => `/api/files/search${query(filter)}`,
  versions: (filter: { path: string; set?: string; after?: string }) =>
    `/api/files/versions${query(filter)}`,
  jobs: (filter: {
    state?: string;
    kind?: string;
    active?: boolean;
    after?: string;
    limit?: number;
  }) => `/api/jobs${query(filter)}`,
  job: (id: number) => `/api/jobs/${id}`,
  jobEvents: (id: number) => `/api/jobs/${id}/events${query({ after: 0 })}`,
  allEvents: (after: number) => `/api/jobs/events${query({ after })}`,
  jobPriority: (id: number) => `/api/jobs/${id}/priority`,
  control: (id: number, action: string) => `/api/jobs/${id}/${action}`,
  schedules: (page: { limit?: number } = {}) => `/api/schedules${query(page)}`,
  schedule: (name: string) => `/api/schedules/${part(name)}`,
  turnSchedule: (name: string, isOn: boolean) =>
    `/api/schedules/${part(name)}/${isOn ? "disable" : "enable"}`,
  runSchedule: (name: string) => `/api/schedules/${part(name)}/run`,
  scheduleEvents: (name: string) => `/api/schedules/${part(name)}/events`,
  preview: (cron: string, zone: string, count: number) =>
    `/api/schedule-preview${query({ cron, time_zone: zone, count })}`,
  windows: () => "/api/maintenance-windows",
  window: (name: string) => `/api/maintenance-windows/${part(name)}`,
  pools: () => "/api/pools",
  poolRetention: (pool: string) => `/api/pools/${part(pool)}/retention`,
  expired: (pool: string) => `/api/pools/${part(pool)}/expired`,
  rotate: (pool: string) => `/api/pools/${part(pool)}/rotate`,
  kits: () => "/api/kits",
  printKit: () => "/api/kits/print",
  confirmKit: () => "/api/kits/confirm",
  drillKit: () => "/api/kits/drill",
  drillKitOnTape: () => "/api/kits/drill-on-tape",
  openKeys: () => "/api/kits/open",
  retireKit: (kit: string) => `/api/kits/${part(kit)}/retire`,
  alerts: (filter: { open?: boolean | undefined; limit?: number }) => `/api/alerts${query(filter)}`,
  acknowledge: (id: number) => `/api/alerts/${id}/acknowledge`,
  channels: () => "/api/notifications/channels",
  channel: (name: string) => `/api/notifications/channels/${part(name)}`,
  testChannel: (name: string) => `/api/notifications/channels/${part(name)}/test`,
  deliveries: (page: { limit?: number }) => `/api/notifications/deliveries${query(page)}`,
  folders: (page: { path: string; after?: string; limit?: number }) => `/api/folders${query(page)}`,
  network: () => "/api/network",
  networkPort: (port: string) => `/api/network/ports/${part(port)}`,
  confirmNetwork: () => "/api/network/confirm",
  networkBack: () => "/api/network/back",
  hostName: () => "/api/network/host-name",
  time: () => "/api/system/time",
  certificate: () => "/api/certificate",
  certificateSelfSigned: () => "/api/certificate/self-signed",
  certificateRequest: () => "/api/certificate/request",
  updates: () => "/api/updates",
  updateBundle: () => "/api/updates/bundle",
  checkUpdates: () => "/api/updates/check",
  installUpdate: () => "/api/updates/install",
  restartMachine: () => "/api/updates/restart",
  rollBack: () => "/api/updates/rollback",
  updateChannel: () => "/api/updates/channel",
  catalogBackups: (folder = "") => `/api/catalog/backups${query({ folder })}`,
  settings: () => "/api/settings",
  importSettings: (isTrial: boolean) => `/api/settings/import${query({ dry_run: isTrial })}`,
  logs: (filter: Record<string, QueryValue>) => `/api/logs${query(filter)}`,
  cleanLogs: () => "/api/logs/cleanup",
  logRetention: () => "/api/logs/retention",
  sources: () => "/api/sources",
  source: (name: string) => `/api/sources/${part(name)}`,
  mountSource: (name: string) => `/api/sources/${part(name)}/mount`,
  rebuild: () => "/api/catalog/rebuild",
  check: () => "/api/catalog/check",
  setup: () => "/api/setup",
  session: () => "/api/auth/session",
  identityProvider: () => "/api/oidc",
  keyServer: () => "/api/kms",
  testKeyServer: () => "/api/kms/test",
  rewrapKeys: () => "/api/kms/rewrap",
  oidcOffer: () => "/api/auth/oidc",
  oidcStart: () => "/api/auth/oidc/start",
  oidcFinish: () => "/api/auth/oidc/finish",
  passkeys: () => "/api/auth/passkeys",
  passkey: (id: number) => `/api/auth/passkeys/${id}`,
  passkeyStart: () => "/api/auth/passkeys/start",
  passkeySignIn: () => "/api/auth/passkeys/sign-in",
  passkeySignInStart: () => "/api/auth/passkeys/sign-in/start",
  password: () => "/api/auth/password",
  totp: () => "/api/auth/totp",
  confirmTotp: () => "/api/auth/totp/confirm",
  removeTotp: () => "/api/auth/totp/remove",
  recoveryCodes: () => "/api/auth/recovery-codes",
  factorRule: () => "/api/second-factor/rule",
  users: () => "/api/users",
  user: (name: string) => `/api/users/${part(name)}`,
  userPassword: (name: string) => `/api/users/${part(name)}/password`,
  apiKeys: () => "/api/keys",
  apiKey: (id: number) => `/api/keys/${id}`,
  sessions: () => "/api/sessions",
  endSession: (id: number) => `/api/sessions/${id}`,
  approvals: () => "/api/approvals",
  decide: (id: number, decision: string) => `/api/approvals/${id}/${decision}`,
  rule: () => "/api/approvals/rule",
  audit: (filter: Record<string, QueryValue>) => `/api/audit${query(filter)}`,
  auditVerify: () => "/api/audit/verify",
  auditExport: () => "/api/audit/export",
} as const;
