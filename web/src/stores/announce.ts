// What is said to a screen reader, politely: one sentence at a time, and never one a tick.
import { createStore, useStore } from "./store";

const store = createStore({ text: "", number: 0 });

/** Says a sentence. The same one twice in a row is said again. */
export function announce(text: string): void {
  store.set({ text, number: store.get().number + 1 });
}

export function useAnnouncement(): { text: string; number: number } {
  return useStore(store);
}
