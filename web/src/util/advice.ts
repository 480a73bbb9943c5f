// What would make things safer, though nothing needs it now: the next step of the evidence.
import type { SetView } from "../api/types";
import { reachedAtLeast } from "./evidence";
import { to } from "./path-builder";
import { formatCount } from "./units";

export interface Advice {
  key: string;
  text: string;
  href: string;
  act: string;
}

function ofSet(set: SetView): Advice[] {
  const run = set.newest_run;
  if (run?.state !== "complete") return [];
  const back = reachedAtLeast(run.evidence, "read_back");
  const advice: Advice[] = [];
  if (back < run.files) {
    advice.push({
      key: `verify-${set.name}`,
      text: `${set.name}: ${formatCount(run.files - back)} files were never read back.`,
      href: to.set(set.name),
      act: "Verify it",
    });
  }
  if (set.copies < 2) {
    advice.push({
      key: `copies-${set.name}`,
      text: `${set.name}: there is one copy. A second one can be stored elsewhere.`,
      href: to.backup({ set: set.name }),
      act: "Make it two",
    });
  }
  return advice;
}

export function gatherAdvice(sets: readonly SetView[]): Advice[] {
  return sets.flatMap(ofSet);
}
