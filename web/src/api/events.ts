// Live events of all jobs, into the query cache: one stream a window, not polling in components.
import type { QueryClient } from "@tanstack/react-query";
import { markAnswered } from "../stores/connection";
import { recordSample } from "../stores/throughput";
import { api } from "../util/path-builder";
import { get } from "./client";
import type { JobState, JobView, Page } from "./types";

/** After every number that the engine will ever give: views are wanted here, not kept events. */
const AFTER_ALL = Number.MAX_SAFE_INTEGER;
/** Changes that come together are answered by one round of questions. */
const GATHER_MS = 1000;

export const FINAL: Record<JobState, boolean> = {
  queued: false,
  running: false,
  paused: false,
  waiting: false,
  completed: true,
  incomplete: true,
  failed: true,
  cancelled: true,
};

/** What may look different after a job has ended or has begun to need somebody. */
const TOUCHED = [
  "status",
  "health",
  "library",
  "cartridges",
  "cartridge",
  "sets",
  "set",
  "runs",
  "run",
  "evidence",
  "jobs",
];

/** Puts a job's view where lists and pages show it. True if a list should be asked for again. */
export function applyJobView(client: QueryClient, view: JobView): boolean {
  const before = client.getQueryData<JobView>(["job", view.id]);
  client.setQueryData(["job", view.id], view);
  let isListed = false;
  let previous = before?.state;
  client.setQueriesData<Page<JobView>>({ queryKey: ["jobs"] }, (page) => {
    const index = page?.items.findIndex((item) => item.id === view.id) ?? -1;
    if (!page || index < 0) return page;
    isListed = true;
    previous = page.items[index]?.state ?? previous;
    return { ...page, items: page.items.with(index, view) };
  });
  return !isListed || previous !== view.state;
}

/** Follows the engine until the answer is called. */
export function followJobs(client: QueryClient, isLocked: () => boolean): () => void {
  const source = new EventSource(api.allEvents(AFTER_ALL));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refresh = () => {
    timer = undefined;
    // Under a lock they are only marked; each is asked for at its next interval after it.
    const refetchType = isLocked() ? "none" : "active";
    for (const key of TOUCHED) void client.invalidateQueries({ queryKey: [key], refetchType });
  };
  source.addEventListener("job", (event) => {
    markAnswered();
    const view = JSON.parse(event.data) as JobView;
    recordSample(view, Date.now());
    if (applyJobView(client, view)) timer ??= setTimeout(refresh, GATHER_MS);
  });
  // The stream breaks before any question fails: one probe tells whether the appliance is gone.
  source.addEventListener("error", () => void get(api.version()).catch(() => undefined));
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
