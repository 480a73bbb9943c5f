// Time zone and time servers, as a person writes them: servers as words, zones as this browser knows them.
import type { TimeSetting } from "../api/types";

export interface TimeDraft {
  zone: string;
  /** Separated by spaces or commas. */
  servers: string;
}

export const ofTime = (setting: TimeSetting): TimeDraft => ({
  zone: setting.time_zone,
  servers: (setting.time_servers ?? []).join(" "),
});

export const timeBody = (draft: TimeDraft): TimeSetting => ({
  time_zone: draft.zone,
  time_servers: draft.servers.split(/[\s,]+/).filter((word) => word !== ""),
});

/** What may be chosen: the browser's list, UTC, and the one that is set, whatever it is. */
export function zonesWith(present: string): string[] {
  return [...new Set(["UTC", present, ...Intl.supportedValuesOf("timeZone")])].sort();
}

/** How wrong a clock was, in the unit that says it best. */
export function offsetText(microseconds: number): string {
  const size = Math.abs(microseconds);
  if (size < 1) return "right to the microsecond";
  const [amount, unit] =
    size < 1_000 ? [size, "µs"] : size < 1_000_000 ? [size / 1_000, "ms"] : [size / 1_000_000, "s"];
  const text = amount >= 100 ? amount.toFixed(0) : amount.toFixed(1);
  return `${text} ${unit} ${microseconds > 0 ? "behind" : "ahead"}`;
}
