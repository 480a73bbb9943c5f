// The states that a job went through, and when.
import type { JobEvent, JobView } from "../../api/types";
import { JOB_STATE } from "../../components/states";
import { Icon } from "../../ui/Icon";
import { formatClock, formatDuration, formatTime, secondsBetween } from "../../util/units";

interface Mark {
  at: string;
  text: string;
  icon: Parameters<typeof Icon>[0]["name"];
  tone: string;
}

export function Timeline({ job, events }: { job: JobView; events: readonly JobEvent[] }) {
  const marks: Mark[] = [{ at: job.created, text: "Accepted", icon: "queued", tone: "idle" }];
  for (const event of events) {
    if (!event.state) continue;
    const state = JOB_STATE[event.state];
    marks.push({ at: event.at, text: state.text, icon: state.icon, tone: state.tone });
  }
  const took = job.started && job.ended ? secondsBetween(job.started, job.ended) : null;
  return (
    <div className="stack tight">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <ol className="timeline" tabIndex={0} aria-label="States of the job">
        {marks.map((mark, index) => (
          <li key={index} className={`tone-${mark.tone}`}>
            <Icon name={mark.icon} />
            {mark.text}
            <time dateTime={mark.at} title={formatTime(mark.at)}>
              {formatClock(mark.at)}
            </time>
          </li>
        ))}
      </ol>
      {took !== null && (
        <p className="small quiet-text">
          It took <span className="mono">{formatDuration(took)}</span>.
        </p>
      )}
    </div>
  );
}
