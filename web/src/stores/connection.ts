// Whether the appliance answers. Lost is a state of its own with a banner: queries stop asking,
// one probe goes on, and what is on the screen stays there with its age.
import { createStore, useStore } from "./store";

export interface Connection {
  isLost: boolean;
  /** When the last answer came, in milliseconds. */
  lastAnswer: number;
}

const store = createStore<Connection>({ isLost: false, lastAnswer: Date.now() });

export function markAnswered(): void {
  // Only a return is news; storing every answer would draw the banner anew each time.
  if (store.get().isLost) store.set({ isLost: false, lastAnswer: Date.now() });
  else store.get().lastAnswer = Date.now();
}

export function markLost(): void {
  if (!store.get().isLost) store.set({ isLost: true, lastAnswer: store.get().lastAnswer });
}

export function isConnectionLost(): boolean {
  return store.get().isLost;
}

export const onConnectionChange = store.subscribe;

export function useConnection(): Connection {
  return useStore(store);
}
