// Rates of running jobs as they came by, kept while the console is open: the API tells only the
// present ones. Whole runs are drawn from this, thinned so that an hour and a day take one room.
import type { JobView } from "../api/types";
import { createStore, useStore } from "./store";

export interface Sample {
  at: number;
  source: number;
  drive: number;
  bufferSeconds: number | null;
  bytesDone: number;
}

// Twice as many as a wide chart has pixels is never seen.
const SAMPLES_MAX = 1200;
// The engine sends at most five a second.
const APART_MS = 500;

type Samples = ReadonlyMap<number, Sample[]>;
const store = createStore<Samples>(new Map());

/** Halves the samples, so that room is made evenly over the whole run. */
export function thin(samples: Sample[]): Sample[] {
  return samples.length < SAMPLES_MAX ? samples : samples.filter((_, index) => index % 2 === 0);
}

export function recordSample(job: JobView, at: number): void {
  const stream = job.progress.stream;
  if (job.state !== "running" || !stream) return;
  const before = store.get().get(job.id) ?? [];
  const latest = before.at(-1);
  if (latest && at - latest.at < APART_MS) return;
  const sample: Sample = {
    at,
    source: stream.source_bytes_per_second,
    drive: stream.drives.reduce((sum, drive) => sum + drive.bytes_per_second, 0),
    bufferSeconds: stream.buffer_seconds,
    bytesDone: job.progress.bytes_done,
  };
  store.set(new Map(store.get()).set(job.id, thin([...before, sample])));
}

const NONE: Sample[] = [];

export function useSamples(job: number): Sample[] {
  return useStore(store).get(job) ?? NONE;
}

/** Seconds until a job is done at the pace of its last minute; null while that cannot be told. */
export function secondsLeft(job: JobView, samples: Sample[]): number | null {
  const { bytes_done: done, bytes_total: total } = job.progress;
  const latest = samples.at(-1);
  if (!latest || total <= done) return null;
  const earliest = samples.find((sample) => latest.at - sample.at <= 60_000);
  if (!earliest || latest.at - earliest.at < 3000) return null;
  const pace = ((latest.bytesDone - earliest.bytesDone) * 1000) / (latest.at - earliest.at);
  return pace > 0 ? (total - done) / pace : null;
}
