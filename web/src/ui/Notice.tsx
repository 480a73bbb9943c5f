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

interface WaitingProps {
  what: string;
  /** How high the answer will be, so that what stands below it does not jump when it comes. */
  heightRem?: number | undefined;
}

export function Waiting({ what, heightRem = 0 }: WaitingProps) {
  return (
    <div className="stack tight waiting" role="status" style={{ minHeight: `${heightRem}rem` }}>
      <span className="visually-hidden">Loading {what}</span>
      <div className="skeleton" style={{ width: "60%" }} />
      <div className="skeleton" style={{ width: "85%" }} />
      <div className="skeleton" style={{ width: "40%" }} />
    </div>
  );
}
