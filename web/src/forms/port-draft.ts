// What a network port is to have, as a person writes it: an address with its prefix, servers as words.
import type { PortSetting } from "../api/types";

export interface PortDraft {
  kind: "dhcp" | "fixed";
  /** As 192.0.2.5/24. */
  address: string;
  gateway: string;
  nameServers: string;
}

export const ofSetting = (setting: PortSetting): PortDraft => ({
  kind: setting.fixed ? "fixed" : "dhcp",
  address: setting.fixed ? `${setting.fixed.address}/${setting.fixed.prefix_length}` : "",
  gateway: setting.fixed?.gateway ?? "",
  nameServers: (setting.name_servers ?? []).join(" "),
});

const words = (text: string) => text.split(/[\s,]+/).filter((word) => word !== "");

export function portBody(draft: PortDraft): PortSetting {
  const [address = "", prefix = ""] = draft.address.trim().split("/");
  const gateway = draft.gateway.trim();
  const fixed = { address, prefix_length: Number(prefix), ...(gateway ? { gateway } : {}) };
  return {
    ...(draft.kind === "fixed" ? { fixed } : {}),
    name_servers: words(draft.nameServers),
  };
}

/** Only what can be seen without knowing networks; the appliance refuses the rest with its reason. */
export function whyNotPort(draft: PortDraft): string | undefined {
  if (draft.kind === "fixed" && !/^[0-9a-f.:]+\/\d{1,3}$/i.test(draft.address.trim())) {
    return "It needs an address with the length of its prefix, as 192.0.2.5/24.";
  }
  return undefined;
}

/** Where this console is reached at an address: the same scheme and port as now. */
export function consoleAt(address: string, here: Pick<Location, "protocol" | "port">): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `${here.protocol}//${host}${here.port ? `:${here.port}` : ""}/settings/network`;
}
