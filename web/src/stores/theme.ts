// The look that a person chose on this device. "auto" follows the system.
import { createStore, useStore } from "./store";

export const THEMES = ["auto", "light", "dark", "contrast"] as const;
export type Theme = (typeof THEMES)[number];

export const THEME_NAMES: Record<Theme, string> = {
  auto: "As the system",
  light: "Paper",
  dark: "Graphite",
  contrast: "High contrast",
};

const KEY = "fossilsafe-theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === value) ?? "auto";
  } catch {
    // Storage can be refused by the browser; the choice then lasts until the page is closed.
    return "auto";
  }
}

const store = createStore<Theme>("auto");

function show(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
}

export function startTheme(): void {
  store.set(stored());
  show(store.get());
}

export function chooseTheme(theme: Theme): void {
  store.set(theme);
  show(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // As above.
  }
}

export function useTheme(): Theme {
  return useStore(store);
}
