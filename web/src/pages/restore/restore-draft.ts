// What a person is about to restore. Kept by the wizard alone.
import type { RestoreSpec } from "../../api/types";

export interface RestoreDraft {
  run: string;
  /** Empty: the whole run. */
  paths: string[];
  destination: string;
  existing: "keep" | "replace";
  missing: "wait" | "skip";
}

export const EMPTY_RESTORE: RestoreDraft = {
  run: "",
  paths: [],
  destination: "",
  existing: "keep",
  missing: "wait",
};

export function wrongDestination(draft: RestoreDraft): string | undefined {
  if (draft.destination.startsWith("/")) return undefined;
  return "Name a folder, whole from the root, as /srv/restored.";
}

export function toSpec(draft: RestoreDraft): RestoreSpec {
  return {
    selection: { run: draft.run, paths: draft.paths },
    destination: draft.destination.trim(),
    existing: draft.existing,
    missing: draft.missing,
  };
}
