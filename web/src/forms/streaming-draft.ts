// How data goes to the drive, as a person writes it: memory in MiB, staging in GB, rates in MB/s.
import type { GenerationRates, StreamingState } from "../api/types";

export interface RatesDraft {
  generation: GenerationRates["generation"];
  slowest: string;
  fastest: string;
}

export interface StreamingDraft {
  memory: string;
  isStaging: boolean;
  folder: string;
  limit: string;
  needsMount: boolean;
  rates: RatesDraft[];
}

const MIB = 1024 * 1024;
const GB = 1e9;
const MB = 1e6;
/** As most disks that are bought for it have at the least. */
const LIMIT_GB = "200";

export function ofStreaming(state: StreamingState): StreamingDraft {
  const { staging } = state;
  return {
    memory: String(Math.round(state.memory_bytes / MIB)),
    isStaging: Boolean(staging),
    folder: staging?.folder ?? "",
    limit: staging ? String(Math.round(staging.limit_bytes / GB)) : LIMIT_GB,
    needsMount: staging?.needs_mount ?? false,
    rates: state.rates.map((rates) => ({
      generation: rates.generation,
      slowest: mbOf(rates.slowest_bytes_per_second),
      fastest: mbOf(rates.fastest_bytes_per_second),
    })),
  };
}

export function mbOf(bytesPerSecond: number): string {
  return String(Math.round(bytesPerSecond / 1e5) / 10);
}

/** Rates that are written as they are published are not set: a later release may know better ones. */
export function streamingBody(draft: StreamingDraft, state: StreamingState) {
  const published = new Map(
    state.rates.map(({ generation, published_bytes_per_second: steps }) => [
      generation,
      [mbOf(steps.at(-1) ?? 0), mbOf(steps[0] ?? 0)].join(),
    ]),
  );
  const set = draft.rates.filter(
    ({ generation, slowest, fastest }) =>
      published.get(generation) !== [slowest.trim(), fastest.trim()].join(),
  );
  return {
    memory_bytes: Number(draft.memory) * MIB,
    ...(draft.isStaging
      ? {
          staging: {
            folder: draft.folder.trim(),
            limit_bytes: Math.round(Number(draft.limit) * GB),
            needs_mount: draft.needsMount,
          },
        }
      : {}),
    rates: set.map(({ generation, slowest, fastest }) => ({
      generation,
      slowest_bytes_per_second: Math.round(Number(slowest) * MB),
      fastest_bytes_per_second: Math.round(Number(fastest) * MB),
    })),
  };
}

function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text)) && Number(text) > 0;
}

export function whyNotStreaming(draft: StreamingDraft, state: StreamingState) {
  const memory = Number(draft.memory) * MIB;
  if (!isNumber(draft.memory) || !Number.isInteger(Number(draft.memory))) {
    return "Memory is a whole number of MiB.";
  }
  if (memory < state.memory_least_bytes || memory > state.memory_most_bytes) {
    const most = Math.floor(state.memory_most_bytes / MIB);
    return `Memory is between ${state.memory_least_bytes / MIB} and ${most} MiB here.`;
  }
  if (draft.isStaging && !draft.folder.trim().startsWith("/")) {
    return "The staging folder is given from the top: it begins with a slash.";
  }
  if (draft.isStaging && !(isNumber(draft.limit) && Number(draft.limit) >= 1)) {
    return "At least 1 GB is reserved in the staging folder.";
  }
  const wrong = draft.rates.find(
    ({ slowest, fastest }) =>
      !isNumber(slowest) || !isNumber(fastest) || Number(slowest) > Number(fastest),
  );
  return wrong && `${wrong.generation}: two rates in MB/s, the slower one first.`;
}

/** For how long the drive goes on when the source stands, from full buffers, in seconds. */
export function bridgedSeconds(draft: StreamingDraft, slowest: string): number | undefined {
  const staging = draft.isStaging ? Number(draft.limit) * GB : 0;
  const seconds = (Number(draft.memory) * MIB + staging) / (Number(slowest) * MB);
  return Number.isFinite(seconds) ? seconds : undefined;
}
