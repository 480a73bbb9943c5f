// Answers of the API, made for tests.
import type { JobState, JobView } from "../../src/api/types";

export function jobView(id: number, state: JobState): JobView {
  return {
    id,
    kind: "backup",
    state,
    title: "Back up set docs",
    spec: { kind: "backup", set: "docs", paths: ["/srv"] },
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
