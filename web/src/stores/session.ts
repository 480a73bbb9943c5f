// Who is signed in, for requests outside React. The token is kept in memory only.
import type { SessionView } from "../api/types";
import { createStore, useStore } from "./store";

/** Where the query cache keeps who is signed in. */
export const ACCESS_KEY = ["access"] as const;

const store = createStore<SessionView | null>(null);

export function setSession(session: SessionView | null): void {
  store.set(session);
}

export function csrfToken(): string | undefined {
  return store.get()?.csrf ?? undefined;
}

export function useSession(): SessionView | null {
  return useStore(store);
}
