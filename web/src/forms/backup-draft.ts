// What a person is about to back up, and what is wrong with it. Kept by the wizard alone.
import type { BackupSpec, CartridgeView, Priority, SetView } from "../api/types";

export interface BackupDraft {
  set: string;
  paths: string;
  exclude: string;
  mode: "incremental" | "full";
  copies: "1" | "2";
  compression: "none" | "zstd";
  priority: Priority;
  /** Scripts of the appliance; empty: none. */
  before: string;
  after: string;
  /** Empty: the one that the set has, or none. */
  pool: string;
}

export const EMPTY_DRAFT: BackupDraft = {
  set: "",
  paths: "",
  exclude: "",
  mode: "incremental",
  copies: "1",
  compression: "none",
  priority: "normal",
  before: "",
  after: "",
  pool: "",
};

/** As the engine takes set names: they are names of folders on the tape. */
const SET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** As long as the engine gives a script that names no limit. */
const HOOK_SECONDS_MAX = 600;

export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

export function wrongPaths(draft: BackupDraft): string | undefined {
  const paths = linesOf(draft.paths);
  if (paths.length === 0) return "Name at least one folder or file.";
  const relative = paths.find((path) => !path.startsWith("/"));
  return relative
    ? `${relative} does not begin with a slash: paths are whole, from the root.`
    : undefined;
}

export function wrongSet(draft: BackupDraft): string | undefined {
  if (draft.set === "") return "Give it a name.";
  if (SET_NAME.test(draft.set)) return undefined;
  return "Letters, digits, dot, dash and underscore, and no blank: it is a folder's name on the tape.";
}

function hooksOf({ before, after }: BackupDraft): Pick<BackupSpec, "hooks"> {
  if (!before && !after) return {};
  return {
    hooks: {
      seconds_max: HOOK_SECONDS_MAX,
      ...(before ? { before } : {}),
      ...(after ? { after } : {}),
    },
  };
}

export function toSpec(draft: BackupDraft): BackupSpec {
  return {
    set: draft.set,
    paths: linesOf(draft.paths),
    mode: draft.mode,
    exclude: linesOf(draft.exclude),
    compression: draft.compression === "zstd" ? { zstd: { level: 3 } } : "none",
    copies: Number(draft.copies),
    priority: draft.priority,
    ...hooksOf(draft),
    ...(draft.pool ? { pool: draft.pool } : {}),
  };
}

export function ofSet(set: SetView): BackupDraft {
  return {
    ...EMPTY_DRAFT,
    set: set.name,
    paths: set.paths.join("\n"),
    copies: set.copies >= 2 ? "2" : "1",
  };
}

export interface Preflight {
  /** Volumes here that this set may be written to. */
  usable: CartridgeView[];
  free: number;
  /** Cartridges here that a format would make usable. */
  fresh: CartridgeView[];
  /** Why the backup would stop and wait; nothing if it can begin. */
  concern: string | undefined;
}

/** What the cartridges that are here mean for this backup. */
export function preflight(draft: BackupDraft, items: readonly CartridgeView[]): Preflight {
  const here = items.filter((item) => item.place !== null && !item.is_write_protected);
  const usable = here.filter(
    (item) =>
      item.state === "open" && (item.volume?.set === draft.set || item.volume?.set === null),
  );
  const fresh = here.filter((item) => item.state === "blank" || item.state === "unknown");
  const free = usable.reduce((sum, item) => sum + (item.volume?.remaining_bytes ?? 0), 0);
  const copies = Number(draft.copies);
  const concern =
    usable.length < copies
      ? `${copies === 1 ? "It needs one formatted cartridge" : `${copies} copies need ${copies} formatted cartridges`}, and ${usable.length} can be written by this set. The job would wait for you.`
      : undefined;
  return { usable, free, fresh, concern };
}
