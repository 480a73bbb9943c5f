// Short notes about what a person has just done. Background work never makes one.
import { announce } from "./announce";
import { createStore, useStore } from "./store";

export interface Toast {
  id: number;
  tone: "good" | "bad";
  text: string;
  /** Where the thing is that was started. */
  link?: { href: string; text: string };
}

// Long enough to be read twice; errors stay until they are closed.
const SHOWN_MS = 7000;

const store = createStore<Toast[]>([]);
let last = 0;

export function addToast(toast: Omit<Toast, "id">): void {
  last += 1;
  const id = last;
  store.set([...store.get().slice(-3), { ...toast, id }]);
  announce(toast.text);
  if (toast.tone === "good") setTimeout(() => closeToast(id), SHOWN_MS);
}

export function closeToast(id: number): void {
  store.set(store.get().filter((toast) => toast.id !== id));
}

export function useToasts(): Toast[] {
  return useStore(store);
}
