// Signing in by an identity provider: to its page, and back from it. What binds the two stays in this
// window, so nobody can finish elsewhere what was begun here.
import { post } from "../../api/client";
import type { OidcStart, SessionView } from "../../api/types";
import { api, to } from "../../util/path-builder";

const BINDING = "fossilsafe-oidc-binding";

/** Leaves for the provider's page. */
export async function leave() {
  const start = await post<OidcStart>(api.oidcStart());
  sessionStorage.setItem(BINDING, start.binding);
  location.assign(start.authorize_url);
}

/** How a sign-in has ended for which the browser has come back. */
type End = { session: SessionView } | { refusal: unknown };

/** Ends a sign-in, if the browser has just come back from the provider. */
export async function comeBack(): Promise<End | undefined> {
  if (location.pathname !== to.signInReturn()) return undefined;
  const search = new URLSearchParams(location.search);
  const binding = sessionStorage.getItem(BINDING) ?? "";
  sessionStorage.removeItem(BINDING);
  // A code counts once; it does not stay in the address.
  history.replaceState(null, "", to.home());
  const answer = { code: search.get("code") ?? "", state: search.get("state") ?? "", binding };
  try {
    return { session: await post<SessionView>(api.oidcFinish(), answer) };
  } catch (refusal) {
    return { refusal };
  }
}
