// What needs somebody: jobs that wait and alerts that nobody has taken note of; each with the place where
// it is done.
import type { AlertView, JobBrief, StatusView } from "../api/types";
import type { Tone } from "../ui/Lamp";
import { to } from "./path-builder";

export interface NeedItem {
  key: string;
  tone: Tone;
  title: string;
  text: string;
  href: string;
  act: string;
}

function ofJob(job: JobBrief): NeedItem {
  const isPaused = job.state === "paused";
  return {
    key: `job-${job.id}`,
    tone: "warn",
    title: job.title,
    text: isPaused ? "It is paused." : "It waits for a person.",
    href: to.job(job.id),
    act: isPaused ? "Look and resume" : "See what it needs",
  };
}

/** Where something is done about an alert, by how its kind begins. */
const PLACES: readonly [string, (subject: string) => string, string][] = [
  ["job_", (subject) => to.job(Number(subject)), "Open the job"],
  ["set_", (subject) => to.set(subject), "Open the set"],
  ["evidence_", (subject) => to.set(subject), "Open the set"],
  ["schedule_", (subject) => to.schedule(subject), "Open the schedule"],
  ["cartridge_", (subject) => to.cartridge(subject), "Open the cartridge"],
  ["drive_", to.equipment, "Look at the drive"],
  ["cleaning_", to.equipment, "Look at the drive"],
  ["library_", to.equipment, "Look at the library"],
  ["pool_", to.pools, "Open pools and keys"],
  ["keys_", to.pools, "Open pools and keys"],
  ["audit_", to.audit, "Open the audit log"],
];

function ofAlert(alert: AlertView): NeedItem {
  const place = PLACES.find(([begin]) => alert.kind.startsWith(begin));
  return {
    key: `alert-${alert.id}`,
    tone: alert.severity === "critical" ? "bad" : "warn",
    title: alert.sentence,
    text: alert.next_step,
    href: place ? place[1](alert.subject) : to.alerts(),
    act: place ? place[2] : "Open alerts",
  };
}

const WEIGHT: Record<string, number> = { bad: 0, warn: 1 };

/** Worst first. A job that waits is said by itself, and its alert is not said too. */
export function gatherNeeds({ alerts, jobs }: StatusView): NeedItem[] {
  const stopped = jobs.items.filter((job) => job.state === "waiting" || job.state === "paused");
  const said = new Set(stopped.map((job) => String(job.id)));
  const items = [
    ...alerts.items
      .filter((alert) => alert.severity !== "info")
      .filter((alert) => alert.kind !== "job_waiting" || !said.has(alert.subject))
      .map(ofAlert),
    ...stopped.map(ofJob),
  ];
  return items.sort((a, b) => (WEIGHT[a.tone] ?? 2) - (WEIGHT[b.tone] ?? 2));
}
