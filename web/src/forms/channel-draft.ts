// A channel of notifications as a person sets it. A secret that is there is never shown again: an
// empty field keeps it.
import type { ChannelView, MailSecurity, Severity, Target } from "../api/types";

export interface ChannelDraft {
  name: string;
  kind: Target["kind"];
  url: string;
  server: string;
  port: string;
  security: MailSecurity;
  user: string;
  from: string;
  to: string;
  secret: string;
  severity: Severity;
  isEnabled: boolean;
}

export const EMPTY_CHANNEL: ChannelDraft = {
  name: "",
  kind: "webhook",
  url: "",
  server: "",
  port: "",
  security: "starttls",
  user: "",
  from: "",
  to: "",
  secret: "",
  severity: "warning",
  isEnabled: true,
};

const SEVERITIES: readonly Severity[] = ["info", "warning", "critical"];

export function ofChannel(channel: ChannelView): ChannelDraft {
  const { target } = channel;
  const base = {
    ...EMPTY_CHANNEL,
    name: channel.name,
    kind: target.kind,
    severity: SEVERITIES.find((each) => each === channel.severity_min) ?? "warning",
    isEnabled: channel.is_enabled,
  };
  if (target.kind === "webhook") return { ...base, url: target.url };
  const common = { server: target.server, port: target.port ? String(target.port) : "" };
  if (target.kind === "snmp") return { ...base, ...common };
  return {
    ...base,
    ...common,
    security: target.security,
    user: target.user ?? "",
    from: target.from,
    to: target.to.join(", "),
  };
}

function targetOf(draft: ChannelDraft): Target {
  const port = draft.port ? { port: Number(draft.port) } : {};
  const server = draft.server.trim();
  if (draft.kind === "webhook") return { kind: "webhook", url: draft.url.trim() };
  if (draft.kind === "snmp") return { kind: "snmp", server, ...port };
  return {
    kind: "mail",
    server,
    ...port,
    security: draft.security,
    from: draft.from.trim(),
    to: draft.to.split(/[\s,]+/).filter(Boolean),
    ...(draft.user ? { user: draft.user } : {}),
  };
}

/** What the form does not show of a channel stays as it was. */
export function bodyOf(draft: ChannelDraft, before: ChannelView | undefined) {
  const target = targetOf(draft);
  const ca = before && "ca_pem" in before.target ? before.target.ca_pem : undefined;
  return {
    target: ca && target.kind !== "snmp" ? { ...target, ca_pem: ca } : target,
    severity_min: draft.severity,
    events: before?.events ?? [],
    is_enabled: draft.isEnabled,
    ...(draft.secret ? { secret: draft.secret } : {}),
  };
}

export function whyNotChannel(draft: ChannelDraft, hasSecret: boolean): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(draft.name)) return "It needs a name, without blanks.";
  if (draft.kind === "webhook") {
    if (!hasSecret && draft.secret === "") return "It needs a secret, with which it is signed.";
    return /^https?:\/\/./.test(draft.url.trim())
      ? undefined
      : "It needs an address with https://.";
  }
  if (draft.server.trim() === "") return "It needs a server.";
  if (draft.kind === "mail" && (draft.from.trim() === "" || draft.to.trim() === "")) {
    return "It needs a sender and somebody to write to.";
  }
  return undefined;
}

/** Where a channel leads, in one line. */
export function whereTo(target: Target): string {
  if (target.kind === "webhook") return target.url;
  const port = target.port ? `:${target.port}` : "";
  if (target.kind === "snmp") return `SNMP trap to ${target.server}${port}`;
  return `mail to ${target.to.join(", ")} by ${target.server}${port}`;
}
