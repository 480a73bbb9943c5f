// Sums over evidence: how many files reached at least a state.
import type { EvidenceRow, EvidenceState } from "../api/types";

/** Weakest first. */
export const EVIDENCE_ORDER: readonly EvidenceState[] = [
  "planned",
  "written",
  "flushed",
  "indexed",
  "read_back",
  "proven",
];

export interface Step {
  state: EvidenceState;
  /** Files at this state or a stronger one. */
  reached: number;
}

export function stepsOf(rows: readonly EvidenceRow[]): Step[] {
  const filesAt = new Map(rows.map((row) => [row.state, row.files]));
  return EVIDENCE_ORDER.map((state, index) => ({
    state,
    reached: EVIDENCE_ORDER.slice(index).reduce((sum, at) => sum + (filesAt.get(at) ?? 0), 0),
  }));
}

export function reachedAtLeast(rows: readonly EvidenceRow[], state: EvidenceState): number {
  return stepsOf(rows).find((step) => step.state === state)?.reached ?? 0;
}
