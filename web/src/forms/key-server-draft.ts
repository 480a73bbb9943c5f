// A key server as a person sets it: which of the fields count is for the kinds of login and of keeping.
import type { VaultSettingsShown } from "../api/types";

export type Login = VaultSettingsShown["login"]["kind"];
export type Way = VaultSettingsShown["way"]["kind"];

export interface KeyServerDraft {
  address: string;
  namespace: string;
  caPem: string;
  login: Login;
  roleMount: string;
  roleId: string;
  secret: string;
  way: Way;
  mount: string;
  /** The name of the server's key, or below which name keys stand. */
  name: string;
}

/** Where servers have it unless somebody chose otherwise. */
const MOUNT: Record<Way, string> = { transit: "transit", kv: "secret" };

export const EMPTY_KEY_SERVER: KeyServerDraft = {
  address: "",
  namespace: "",
  caPem: "",
  login: "app_role",
  roleMount: "approle",
  roleId: "",
  secret: "",
  way: "transit",
  mount: MOUNT.transit,
  name: "fossilsafe",
};

export function ofKeyServer({ address, namespace, ca_pem, login, way }: VaultSettingsShown) {
  const role = login.kind === "app_role" ? login : { mount: "approle", role_id: "" };
  return {
    address,
    namespace: namespace ?? "",
    caPem: ca_pem ?? "",
    login: login.kind,
    roleMount: role.mount,
    roleId: role.role_id,
    secret: "",
    way: way.kind,
    mount: way.mount,
    name: way.kind === "transit" ? way.key : way.folder,
  } satisfies KeyServerDraft;
}

/** Another way of keeping keys, at its usual place unless a person had named one. */
export function withWay(draft: KeyServerDraft, way: Way): Partial<KeyServerDraft> {
  return draft.mount === MOUNT[draft.way] ? { way, mount: MOUNT[way] } : { way };
}

export function keyServerBody(draft: KeyServerDraft) {
  const mount = draft.mount.trim();
  const name = draft.name.trim();
  return {
    address: draft.address.trim(),
    ...(draft.namespace.trim() ? { namespace: draft.namespace.trim() } : {}),
    ...(draft.caPem.trim() ? { ca_pem: draft.caPem } : {}),
    ...(draft.secret ? { secret: draft.secret } : {}),
    login:
      draft.login === "token"
        ? { kind: "token" }
        : { kind: "app_role", mount: draft.roleMount.trim(), role_id: draft.roleId.trim() },
    way:
      draft.way === "transit"
        ? { kind: "transit", mount, key: name }
        : { kind: "kv", mount, folder: name },
  };
}

export function whyNotKeyServer(draft: KeyServerDraft, hasSecret: boolean): string | undefined {
  if (!/^https?:\/\/[^\s/]+\/?$/.test(draft.address.trim())) {
    return "It needs the server's address, as https://vault.example:8200.";
  }
  if (draft.login === "app_role" && (draft.roleId.trim() === "" || draft.roleMount.trim() === "")) {
    return "It needs the role's id, and where roles are mounted.";
  }
  if (draft.secret === "" && !hasSecret) {
    return draft.login === "token" ? "It needs the token." : "It needs the role's secret id.";
  }
  if (draft.mount.trim() === "" || draft.name.trim() === "") {
    return "It needs where keys are kept, and under which name.";
  }
  return undefined;
}
