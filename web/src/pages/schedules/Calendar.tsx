// The coming two weeks, a day a cell, with what starts by itself at which time.
import { Link } from "wouter";
import { calendar, type Moment } from "../../api/queries";
import type { ScheduleView } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useNow } from "../../hooks/useNow";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatDay } from "../../util/units";

export const DAYS = 14;
const DAY_MS = 86_400_000;
/** A schedule that runs every hour would hide the others. */
const SHOWN_A_DAY = 4;
const weekday = new Intl.DateTimeFormat("en", { weekday: "short" });

export interface Day {
  date: string;
  weekday: string;
  moments: readonly Moment[];
}

/** Days from the one of `now`, by local midnights, each with its moments in order. */
export function daysOf(moments: readonly Moment[], now: number): Day[] {
  return Array.from({ length: DAYS }, (_, index) => {
    const at = new Date(now + index * DAY_MS);
    const date = formatDay(at);
    const here = moments
      .filter((moment) => formatDay(new Date(moment.at)) === date)
      .sort((a, b) => a.at.localeCompare(b.at));
    return { date, weekday: weekday.format(at), moments: here };
  });
}

export function Calendar({ items }: { items: readonly ScheduleView[] }) {
  const now = useNow(60_000);
  const query = useLockAwareQuery(calendar(items));
  return (
    <Panel title="The next two weeks" aside="in the time of this device">
      <Loaded query={query} what="the calendar">
        {(moments) => (
          <ol className="calendar">
            {daysOf(moments, now).map((day) => (
              <li key={day.date} data-is-empty={day.moments.length === 0 || undefined}>
                <p className="day">
                  {day.weekday} <span className="mono">{day.date.slice(5)}</span>
                </p>
                <ul>
                  {day.moments.slice(0, SHOWN_A_DAY).map((moment) => (
                    <li key={`${moment.schedule}-${moment.at}`}>
                      <span className="mono">{new Date(moment.at).toTimeString().slice(0, 5)}</span>{" "}
                      <Link href={to.schedule(moment.schedule)}>{moment.schedule}</Link>
                    </li>
                  ))}
                </ul>
                {day.moments.length > SHOWN_A_DAY && (
                  <p className="small quiet-text">and {day.moments.length - SHOWN_A_DAY} more</p>
                )}
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Panel>
  );
}
