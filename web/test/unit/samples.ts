// Answers of the API, made for tests.
import type { JobState, JobView, StatusView } from "../../src/api/types";

export function jobView(id: number, state: JobState): JobView {
  return {
    id,
    kind: "backup",
    state,
    title: "Back up set docs",
    spec: { kind: "backup", set: "docs", paths: ["/srv"] },
    priority: "normal",
    created: "2026-11-28T03:18:02Z",
    started: "2026-11-28T03:18:02Z",
    ended: null,
    progress: { stage: "writing", files_done: 1, files_total: 2, bytes_done: 1, bytes_total: 2 },
    need: null,
    outcome: null,
    error: null,
    allowed_actions: [],
  };
}

export function statusView(
  safety: StatusView["safety"],
  sets: Partial<StatusView["sets"]> = {},
): StatusView {
  return {
    version: "0.1.0",
    host: "vault",
    safety,
    sentence: "as summed up",
    sets: {
      total: 1,
      complete: 1,
      never_proven: 0,
      files: 100,
      bytes: 0,
      proven_files: 0,
      oldest_proof: null,
      ...sets,
    },
    alerts: { critical: 0, warning: 0, info: 0, items: [] },
    jobs: { active: 0, waiting: 0, items: [] },
    library: {
      is_practice: true,
      is_reachable: true,
      slots: 8,
      slots_full: 4,
      mail_slots: 1,
      mail_slots_full: 0,
      drives: { empty: 2 },
      cartridges: {},
    },
    next_scheduled: null,
  };
}
