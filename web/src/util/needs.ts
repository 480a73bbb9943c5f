// What needs somebody, gathered from health, jobs, drives and sets; each with the place where it is
// done.
import type { DriveView, FindingView, JobView, SetView } from "../api/types";
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

function ofJob(job: JobView): NeedItem {
  return {
    key: `job-${job.id}`,
    tone: "warn",
    title: job.title,
    text: job.need?.sentence ?? job.error?.message ?? "It is paused.",
    href: to.job(job.id),
    act: job.state === "paused" ? "Look and resume" : "See what it needs",
  };
}

function ofDrive(drive: DriveView): NeedItem {
  const isFailed = drive.state === "failed";
  return {
    key: `drive-${drive.serial}`,
    tone: isFailed ? "bad" : "warn",
    title: `Drive ${drive.number ?? drive.serial}`,
    text:
      drive.alerts?.[0] ?? (isFailed ? "It failed or does not answer." : "It asks to be cleaned."),
    href: to.equipment(),
    act: "Look at the drive",
  };
}

function ofSet(set: SetView): NeedItem {
  return {
    key: `set-${set.name}`,
    tone: "bad",
    title: `Set ${set.name}`,
    text: "Its newest run is incomplete: some files have no copy that is indexed.",
    href: to.run(set.newest_run?.run ?? ""),
    act: "See what is missing",
  };
}

function ofFinding(finding: FindingView): NeedItem {
  return {
    key: `finding-${finding.subject}-${finding.sentence}`,
    tone: finding.severity === "critical" ? "bad" : "warn",
    title: finding.sentence,
    text: finding.next_step,
    href: to.health(),
    act: "Open Health",
  };
}

interface Sources {
  findings: readonly FindingView[];
  jobs: readonly JobView[];
  drives: readonly DriveView[];
  sets: readonly SetView[];
}

const WEIGHT: Record<string, number> = { bad: 0, warn: 1 };

/** Worst first. Findings that only count jobs are left out where the jobs themselves stand. */
export function gatherNeeds({ findings, jobs, drives, sets }: Sources): NeedItem[] {
  const stopped = jobs.filter((job) => job.state === "waiting" || job.state === "paused");
  const items = [
    ...findings
      .filter((finding) => finding.severity !== "info")
      .filter((finding) => finding.subject !== "jobs" || stopped.length === 0)
      .map(ofFinding),
    ...stopped.map(ofJob),
    ...drives.filter((drive) => ["failed", "needs_cleaning"].includes(drive.state)).map(ofDrive),
    ...sets.filter((set) => set.newest_run?.state === "incomplete").map(ofSet),
  ];
  return items.sort((a, b) => (WEIGHT[a.tone] ?? 2) - (WEIGHT[b.tone] ?? 2));
}
