// Requests as the audit log names them, in a person's words.
import { ACTS } from "../api/__generated__/acts";

export function actText(action: string): string {
  return ACTS[action] ?? action;
}

/** What a request was about: the parts of its address that its pattern leaves open. */
export function objectOf(action: string, object: string): string {
  const pattern = action.slice(action.indexOf(" ") + 1).split("/");
  const parts = object.split("/");
  if (pattern.length !== parts.length) return object;
  return parts
    .filter((_, index) => pattern[index]?.startsWith("{"))
    .map(decodeURIComponent)
    .join(" ");
}

/** Requests that change something, by their words: those that the audit log has. */
export const CHANGES = Object.entries(ACTS)
  .filter(([action]) => !action.startsWith("GET ") && !action.endsWith("/plan"))
  .map(([value, text]) => ({ value, text }))
  .sort((a, b) => a.text.localeCompare(b.text));
