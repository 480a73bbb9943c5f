// The log of a job. It never scrolls under the reader: only who is at its end is kept there; others
// are told how many lines came since.
import { useCallback, useEffect, useRef, useState } from "react";
import type { EventLevel, JobEvent } from "../api/types";
import { Button } from "../ui/Button";
import { Lamp, type State } from "../ui/Lamp";
import { formatClock, formatTime, plural } from "../util/units";

const LEVEL: Record<EventLevel, State> = {
  info: { tone: "idle", icon: "idle", text: "info" },
  warning: { tone: "warn", icon: "warn", text: "warning" },
  error: { tone: "bad", icon: "bad", text: "error" },
};

/** How near the end still counts as at the end: a line. */
const NEAR_PX = 28;

export function JobLog({ events }: { events: readonly JobEvent[] }) {
  const box = useRef<HTMLOListElement>(null);
  const [isAtEnd, setIsAtEnd] = useState(true);
  const [seen, setSeen] = useState(0);
  const toEnd = useCallback(() => {
    const element = box.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, []);
  useEffect(() => {
    if (!isAtEnd) return;
    toEnd();
    setSeen(events.length);
  }, [events.length, isAtEnd, toEnd]);
  const fresh = events.length - seen;
  return (
    <>
      <ol
        className="log"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        aria-label="Log of the job"
        onScroll={(event) => {
          const element = event.currentTarget;
          const below = element.scrollHeight - element.scrollTop - element.clientHeight;
          setIsAtEnd(below <= NEAR_PX);
        }}
      >
        {events.map((event) => (
          <li key={event.id}>
            <time dateTime={event.at} title={formatTime(event.at)}>
              {formatClock(event.at)}
            </time>
            <Lamp state={LEVEL[event.level] ?? LEVEL.info} size={13} />
            <span>{event.message}</span>
          </li>
        ))}
        {events.length === 0 && <li>No event yet.</li>}
      </ol>
      {!isAtEnd && fresh > 0 && (
        <div className="actions" style={{ padding: "0.5rem 1.15rem" }}>
          <Button look="small" onClick={() => setIsAtEnd(true)}>
            {plural(fresh, "new line")}: go to the end
          </Button>
        </div>
      )}
    </>
  );
}
