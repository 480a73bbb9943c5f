// An identity provider as a person sets it: lists are written as words, one after another or one a line.
import type { OidcSettingsShown } from "../api/types";

export interface ProviderDraft {
  label: string;
  issuer: string;
  clientId: string;
  clientSecret: string;
  console: string;
  caPem: string;
  scopes: string;
  nameClaim: string;
  roleClaim: string;
  admin: string;
  operator: string;
  viewer: string;
}

export const emptyProvider = (console: string): ProviderDraft => ({
  label: "",
  issuer: "",
  clientId: "",
  clientSecret: "",
  console,
  caPem: "",
  scopes: "profile email",
  nameClaim: "preferred_username",
  roleClaim: "groups",
  admin: "",
  operator: "",
  viewer: "",
});

const lines = (values: readonly string[] | undefined) => (values ?? []).join("\n");

export const ofProvider = (shown: OidcSettingsShown): ProviderDraft => ({
  label: shown.label,
  issuer: shown.issuer,
  clientId: shown.client_id,
  clientSecret: "",
  console: shown.console,
  caPem: shown.ca_pem ?? "",
  scopes: (shown.scopes ?? []).join(" "),
  nameClaim: shown.name_claim ?? "",
  roleClaim: shown.role_claim ?? "",
  admin: lines(shown.roles.admin),
  operator: lines(shown.roles.operator),
  viewer: lines(shown.roles.viewer),
});

/** A group may have spaces in its name, so it has a line of its own. */
function listed(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

export function providerBody(draft: ProviderDraft) {
  return {
    label: draft.label.trim(),
    issuer: draft.issuer.trim(),
    client_id: draft.clientId.trim(),
    ...(draft.clientSecret ? { client_secret: draft.clientSecret } : {}),
    console: draft.console.trim(),
    ...(draft.caPem.trim() ? { ca_pem: draft.caPem } : {}),
    scopes: draft.scopes.split(/\s+/).filter((scope) => scope !== ""),
    name_claim: draft.nameClaim.trim(),
    role_claim: draft.roleClaim.trim(),
    roles: {
      admin: listed(draft.admin),
      operator: listed(draft.operator),
      viewer: listed(draft.viewer),
    },
  };
}

/** Where the provider has to send browsers back to: the engine says the same once it is set. */
export const returnAddress = (draft: ProviderDraft) =>
  `${draft.console.trim().replace(/\/+$/, "")}/sign-in/return`;

export function whyNotProvider(draft: ProviderDraft): string | undefined {
  if (draft.label.trim() === "") return "It needs a name for the button.";
  if (!/^https?:\/\/\S+$/.test(draft.issuer.trim())) {
    return "It needs the provider's address, as https://login.example.";
  }
  if (draft.clientId.trim() === "") return "It needs a client id: what we are called there.";
  if (!/^https?:\/\/[^\s/]+\/?$/.test(draft.console.trim())) {
    return "It needs the address of this console, without a path.";
  }
  if (draft.nameClaim.trim() === "" || draft.roleClaim.trim() === "") {
    return "It needs the claims for the name and for the role.";
  }
  const { admin, operator, viewer } = providerBody(draft).roles;
  if (!admin?.length && !operator?.length && !viewer?.length) {
    return "One group has to have a role, or nobody could sign in.";
  }
  return undefined;
}
