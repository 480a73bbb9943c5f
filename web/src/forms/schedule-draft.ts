// A schedule as a person sets it: how often and at what time, made into the pattern that the API takes
// and, where the pattern is of such a form, out of it again.
import type { JobSpec, ScheduleView } from "../api/types";

export type Rhythm = "daily" | "weekdays" | "weekly" | "monthly" | "own";
/** `as_is` is a task that this form has no fields for; it stays what it is. */
export type TaskKind = "backup" | "verify" | "inventory" | "self_test" | "as_is";

export interface ScheduleDraft {
  name: string;
  rhythm: Rhythm;
  time: string;
  weekday: string;
  day: string;
  cron: string;
  /** Empty: the appliance's own, as it is now. */
  zone: string;
  task: TaskKind;
  set: string;
  missed: "run_once" | "skip";
  attempts: string;
  afterMinutes: string;
}

export const WEEKDAYS = [
  { value: "MON", text: "Monday" },
  { value: "TUE", text: "Tuesday" },
  { value: "WED", text: "Wednesday" },
  { value: "THU", text: "Thursday" },
  { value: "FRI", text: "Friday" },
  { value: "SAT", text: "Saturday" },
  { value: "SUN", text: "Sunday" },
] as const;

/** Every month has it. */
const DAY_MAX = 28;

export function emptySchedule(zone: string): ScheduleDraft {
  return {
    name: "",
    rhythm: "daily",
    time: "02:30",
    weekday: "SAT",
    day: "1",
    cron: "30 2 * * *",
    zone,
    task: "backup",
    set: "",
    missed: "run_once",
    attempts: "0",
    afterMinutes: "30",
  };
}

export function cronOf(draft: ScheduleDraft): string {
  const [hour, minute] = draft.time.split(":").map(Number);
  const at = `${minute ?? 0} ${hour ?? 0}`;
  switch (draft.rhythm) {
    case "daily":
      return `${at} * * *`;
    case "weekdays":
      return `${at} * * MON-FRI`;
    case "weekly":
      return `${at} * * ${draft.weekday}`;
    case "monthly":
      return `${at} ${draft.day} * *`;
    case "own":
      return draft.cron.trim();
  }
}

const PLAIN = /^(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|MON-FRI|MON|TUE|WED|THU|FRI|SAT|SUN)$/;

function rhythmOf(day: string, weekday: string): Rhythm {
  if (day !== "*") return weekday === "*" ? "monthly" : "own";
  if (weekday === "*") return "daily";
  return weekday === "MON-FRI" ? "weekdays" : "weekly";
}

/** The part of a draft that a pattern stands for. */
export function rhythmFrom(cron: string): Partial<ScheduleDraft> {
  const found = PLAIN.exec(cron);
  if (!found) return { rhythm: "own", cron };
  const [, minute = "0", hour = "0", day = "*", weekday = "*"] = found;
  return {
    rhythm: rhythmOf(day, weekday),
    time: `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`,
    cron,
    ...(day === "*" ? {} : { day }),
    ...(WEEKDAYS.some((each) => each.value === weekday) ? { weekday } : {}),
  };
}

function taskFrom(task: JobSpec): Pick<ScheduleDraft, "task" | "set"> {
  if (task.kind === "backup") return { task: "backup", set: task.set };
  if (task.kind === "verify" && "set" in task.scope) {
    return { task: "verify", set: task.scope.set };
  }
  if (task.kind === "inventory" || task.kind === "self_test") return { task: task.kind, set: "" };
  return { task: "as_is", set: "" };
}

export function ofSchedule(view: ScheduleView): ScheduleDraft {
  return {
    ...emptySchedule(view.time_zone ?? ""),
    ...rhythmFrom(view.cron),
    ...taskFrom(view.task),
    name: view.name,
    missed: view.missed,
    attempts: String(view.retries.attempts),
    afterMinutes: String(view.retries.after_minutes || 30),
  };
}

/** True if what it does, it does to a set. */
export function hasSet(draft: ScheduleDraft): boolean {
  return draft.task === "backup" || draft.task === "verify";
}

export function whyNotSchedule(draft: ScheduleDraft): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(draft.name)) {
    return "It needs a name: letters, digits, dot, dash, underscore.";
  }
  if (hasSet(draft) && draft.set === "") return "Choose a set.";
  const day = Number(draft.day);
  if (draft.rhythm === "monthly" && !(day >= 1 && day <= DAY_MAX)) {
    return `The day is one that every month has: 1 to ${DAY_MAX}.`;
  }
  if (!/^\d\d:\d\d$/.test(draft.time)) return "It needs a time.";
  return undefined;
}

/** What to do, as the API takes it: a backup keeps to the set's own paths and copies. What else was set of the
 * same task, by the command line, stays. */
export function taskOf(draft: ScheduleDraft, paths: readonly string[], old?: JobSpec): unknown {
  const before = old && taskFrom(old);
  if (before && before.task === draft.task && before.set === draft.set) return old;
  if (draft.task === "verify") return { kind: "verify", scope: { set: draft.set } };
  if (draft.task === "backup") return { kind: "backup", set: draft.set, paths };
  return { kind: draft.task };
}

export function planOf(draft: ScheduleDraft, task: unknown) {
  const attempts = Number(draft.attempts);
  return {
    cron: cronOf(draft),
    ...(draft.zone === "" ? {} : { time_zone: draft.zone }),
    task,
    missed: draft.missed,
    retries: { attempts, after_minutes: attempts > 0 ? Number(draft.afterMinutes) : 0 },
  };
}
