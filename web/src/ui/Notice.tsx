// Something that stands on the page and needs reading: not a toast, it does not go away by itself.
import type { ReactNode } from "react";
import { Icon } from "./Icon";
import type { Tone } from "./Lamp";

const ICONS = {
  good: "good",
  busy: "busy",
  warn: "warn",
  bad: "bad",
  foreign: "foreign",
  idle: "idle",
} as const;

export function Notice({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <div className={`notice tone-${tone}`}>
      <Icon name={ICONS[tone]} size={18} />
      <div>{children}</div>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Waiting({ what }: { what: string }) {
  return (
    <div className="stack tight" role="status">
      <span className="visually-hidden">Loading {what}</span>
      <div className="skeleton" style={{ width: "60%" }} />
      <div className="skeleton" style={{ width: "85%" }} />
      <div className="skeleton" style={{ width: "40%" }} />
    </div>
  );
}
