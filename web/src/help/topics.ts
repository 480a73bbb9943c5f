// The parts of the handbook; each page of the console names its own. The texts are in handbook.tsx,
// which is loaded only when somebody reads.

export const TOPICS = {
  words: "Words",
  evidence: "What is proven",
  home: "Home",
  library: "Library map",
  scan: "Scanning labels",
  cartridges: "Cartridges",
  sets: "Sets and runs",
  backup: "Backing up",
  alerts: "Alerts and notifications",
  sources: "Sources of the network",
  schedules: "Schedules",
  keys: "Pools, keys and kits",
  jobs: "Jobs",
  restore: "Restoring",
  search: "Search",
  recovery: "Recovery",
  equipment: "Equipment",
  health: "Health",
  settings: "Settings and appearance",
  access: "Signing in and roles",
  approvals: "Approvals",
  network: "Network and time",
  updates: "Updates",
  kept: "Backups of the appliance",
  logs: "Logs",
  audit: "Audit",
  keyboard: "Keyboard",
} as const;

export type Topic = keyof typeof TOPICS;
