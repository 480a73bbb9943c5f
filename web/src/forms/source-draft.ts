// A share, a folder or a bucket of another machine as a person sets it.
import type { SourcePlace, SourceState } from "../api/types";

export interface SourceDraft {
  name: string;
  kind: SourcePlace["kind"];
  host: string;
  port: string;
  /** The share of SMB, the export of NFS, the folder of SFTP, the bucket of S3 with its folder. */
  what: string;
  /** Of S3, the name of the access key. */
  user: string;
  /** Of S3. */
  region: string;
  ca: string;
  /** Of SFTP: the server's key that was compared. */
  hostKey: string;
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
  region: "",
  ca: "",
  hostKey: "",
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
    isWritable: spec.is_writable,
  };
  if (place.kind === "s3") {
    const { endpoint, bucket, prefix, access_key, region, ca_pem } = place;
    return {
      ...common,
      host: endpoint,
      what: prefix ? `${bucket}/${prefix}` : bucket,
      user: access_key ?? "",
      region: region ?? "",
      ca: ca_pem ?? "",
    };
  }
  const server = { ...common, host: place.host, port: place.port ? String(place.port) : "" };
  switch (place.kind) {
    case "nfs":
      return { ...server, what: place.export };
    case "sftp":
      return { ...server, what: place.folder, user: place.user, hostKey: place.host_key ?? "" };
    case "smb":
      return {
        ...server,
        what: place.share,
        user: place.user ?? "",
        domain: place.domain ?? "",
        isEncrypted: place.is_encrypted ?? false,
      };
  }
}

function placeOf(draft: SourceDraft): SourcePlace {
  const port = draft.port ? { port: Number(draft.port) } : {};
  const server = { host: draft.host.trim(), ...port };
  const what = draft.what.trim();
  const given = (name: string, text: string) => (text.trim() ? { [name]: text.trim() } : {});
  switch (draft.kind) {
    case "nfs":
      return { kind: "nfs", ...server, export: what };
    case "sftp":
      return {
        kind: "sftp",
        ...server,
        user: draft.user.trim(),
        folder: what,
        ...given("host_key", draft.hostKey),
      };
    case "s3": {
      const [bucket = "", ...folders] = what.replace(/^\/+|\/+$/g, "").split("/");
      return {
        kind: "s3",
        endpoint: draft.host.trim(),
        bucket,
        ...given("prefix", folders.join("/")),
        ...given("access_key", draft.user),
        ...given("region", draft.region),
        ...given("ca_pem", draft.ca),
      };
    }
    case "smb":
      return {
        kind: "smb",
        ...server,
        share: what,
        is_encrypted: draft.isEncrypted,
        ...given("user", draft.user),
        ...given("domain", draft.domain),
      };
  }
}

export function sourceBody(draft: SourceDraft) {
  return {
    place: placeOf(draft),
    is_writable: draft.isWritable,
    ...(draft.kind !== "nfs" && draft.password ? { password: draft.password } : {}),
  };
}

const WHAT_IS_MISSING: Record<SourceDraft["kind"], string> = {
  smb: "It needs a share.",
  nfs: "It needs the path of the export.",
  sftp: "It needs a folder.",
  s3: "It needs a bucket.",
};

export function whyNotSource(draft: SourceDraft): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(draft.name)) {
    return "It needs a name: letters, digits, dot, dash, underscore.";
  }
  if (draft.host.trim() === "") {
    return draft.kind === "s3" ? "It needs an address." : "It needs a server.";
  }
  if (draft.what.trim() === "") return WHAT_IS_MISSING[draft.kind];
  if (draft.kind === "sftp" && draft.user.trim() === "") return "It needs a user.";
  return undefined;
}

/** Where it is, as people write it. */
export function shareOf(place: SourcePlace): string {
  if (place.kind === "s3") {
    return [place.endpoint.replace(/\/+$/, ""), place.bucket, place.prefix]
      .filter(Boolean)
      .join("/");
  }
  const server = place.port ? `${place.host}:${place.port}` : place.host;
  switch (place.kind) {
    case "nfs":
      return `${server}:${place.export}`;
    case "sftp":
      return `${place.user}@${server}:${place.folder}`;
    case "smb":
      return `//${server}/${place.share}`;
  }
}
