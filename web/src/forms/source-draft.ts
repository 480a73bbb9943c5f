// A share of another machine as a person sets it.
import type { SourcePlace, SourceState } from "../api/types";

export interface SourceDraft {
  name: string;
  kind: SourcePlace["kind"];
  host: string;
  port: string;
  /** The share of SMB, the export of NFS. */
  what: string;
  user: string;
  domain: string;
  password: string;
  isEncrypted: boolean;
  isWritable: boolean;
}

export const EMPTY_SOURCE: SourceDraft = {
  name: "",
  kind: "smb",
  host: "",
  port: "",
  what: "",
  user: "",
  domain: "",
  password: "",
  isEncrypted: false,
  isWritable: false,
};

export function ofSource({ name, spec }: SourceState): SourceDraft {
  const { place } = spec;
  const common = {
    ...EMPTY_SOURCE,
    name,
    kind: place.kind,
    host: place.host,
    port: place.port ? String(place.port) : "",
    isWritable: spec.is_writable,
  };
  if (place.kind === "nfs") return { ...common, what: place.export };
  return {
    ...common,
    what: place.share,
    user: place.user ?? "",
    domain: place.domain ?? "",
    isEncrypted: place.is_encrypted,
  };
}

export function sourceBody(draft: SourceDraft) {
  const port = draft.port ? { port: Number(draft.port) } : {};
  const base = { host: draft.host.trim(), ...port };
  const place: SourcePlace =
    draft.kind === "nfs"
      ? { kind: "nfs", ...base, export: draft.what.trim() }
      : {
          kind: "smb",
          ...base,
          share: draft.what.trim(),
          is_encrypted: draft.isEncrypted,
          ...(draft.user ? { user: draft.user } : {}),
          ...(draft.domain ? { domain: draft.domain } : {}),
        };
  return {
    place,
    is_writable: draft.isWritable,
    ...(draft.kind === "smb" && draft.password ? { password: draft.password } : {}),
  };
}

export function whyNotSource(draft: SourceDraft): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(draft.name)) {
    return "It needs a name: letters, digits, dot, dash, underscore.";
  }
  if (draft.host.trim() === "") return "It needs a server.";
  if (draft.what.trim() === "") {
    return draft.kind === "nfs" ? "It needs the path of the export." : "It needs a share.";
  }
  return undefined;
}

/** Where it is, as people write it. */
export function shareOf(place: SourcePlace): string {
  const port = place.port ? `:${place.port}` : "";
  return place.kind === "nfs"
    ? `${place.host}${port}:${place.export}`
    : `//${place.host}${port}/${place.share}`;
}
