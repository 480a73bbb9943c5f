// Sizes, rates, counts and times as people read them; the only place that formats them.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const DECIMAL = ["B/s", "kB/s", "MB/s", "GB/s"] as const;
const count = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export interface Quantity {
  value: string;
  unit: string;
}

function scaled(amount: number, base: number, units: readonly string[]): Quantity {
  let value = amount;
  let index = 0;
  // 999.5 would be shown as 1,000 of the smaller unit.
  while (value >= base - 0.5 && index < units.length - 1) {
    value /= base;
    index += 1;
  }
  const digits = index === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return { value: value.toFixed(digits), unit: units[index] ?? "" };
}

/** Bytes as a figure and its unit. Binary, as the command line shows them. */
export function splitBytes(bytes: number): Quantity {
  return scaled(bytes, 1024, BINARY);
}

export function formatBytes(bytes: number): string {
  const { value, unit } = splitBytes(bytes);
  return `${value} ${unit}`;
}

/** Rates are decimal, as drive makers state them. */
export function splitRate(bytesPerSecond: number): Quantity {
  return scaled(bytesPerSecond, 1000, DECIMAL);
}

export function formatRate(bytesPerSecond: number): string {
  const { value, unit } = splitRate(bytesPerSecond);
  return `${value} ${unit}`;
}

export function formatCount(number: number): string {
  return count.format(number);
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${formatCount(number)} ${number === 1 ? one : many}`;
}

/** A share that is never rounded up to all or down to nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const percent = (part / whole) * 100;
  if (part >= whole) return "100 %";
  if (part > 0 && percent < 1) return "< 1 %";
  return `${Math.min(99, Math.floor(percent))} %`;
}

/** How long something takes, in its two largest units. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Seconds from one moment to another. */
export function secondsBetween(from: string, until: string | number): number {
  const end = typeof until === "number" ? until : Date.parse(until);
  return (end - Date.parse(from)) / 1000;
}

export function formatAgo(at: string, now: number): string {
  const seconds = secondsBetween(at, now);
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

const clock = new Intl.DateTimeFormat("sv", { timeStyle: "medium" });
const date = new Intl.DateTimeFormat("sv", { dateStyle: "short" });

/** The local date and time, always of one width: 2026-11-28 03:18:02. */
export function formatTime(at: string): string {
  const moment = new Date(at);
  return `${date.format(moment)} ${clock.format(moment)}`;
}

/** The local date: 2026-11-28. */
export function formatDay(at: Date): string {
  return date.format(at);
}

export function formatClock(at: string): string {
  return clock.format(new Date(at));
}

/** Of a day as a date field names it, here: its first moment, as the API takes moments. Nothing of none. */
export function dayBegins(day: string): string {
  return moment(day, "00:00:00.000");
}

/** Its last one: who names a day as the end means the whole of it. */
export function dayEnds(day: string): string {
  return moment(day, "23:59:59.999");
}

function moment(day: string, time: string): string {
  const at = new Date(`${day}T${time}`);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}
