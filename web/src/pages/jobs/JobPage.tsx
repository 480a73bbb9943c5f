// One job: what it does and needs, its timeline, rates, log, and what came of it.
import { Link } from "wouter";
import { riskOf } from "../../api/errors";
import { job as askJob } from "../../api/queries";
import type { JobEvent, JobView } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { EvidencePanel } from "../../components/EvidencePanel";
import { JobActions } from "../../components/JobActions";
import { JobLog } from "../../components/JobLog";
import { ProgressBar, StreamFigureRow } from "../../components/JobProgress";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { JOB_STATE } from "../../components/states";
import { ThroughputChart } from "../../components/ThroughputChart";
import { useJobLog } from "../../hooks/useJobLog";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useSamples } from "../../stores/throughput";
import { ButtonLink } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Icon } from "../../ui/Icon";
import { Lamp } from "../../ui/Lamp";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import {
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatTime,
  plural,
  secondsBetween,
} from "../../util/units";
import { describeSpec } from "./describe-spec";

export function JobPage({ id }: { id: number }) {
  const query = useLockAwareQuery(askJob(id));
  return (
    <Loaded query={query} what={`job ${id}`}>
      {(job) => <JobBody job={job} />}
    </Loaded>
  );
}

function JobBody({ job }: { job: JobView }) {
  const log = useJobLog(job.id);
  const run = job.outcome?.run;
  const isRestored = job.kind === "restore" && job.outcome !== null;
  return (
    <>
      <PageHead
        title={job.title}
        crumb={{ href: to.jobs(), text: "Jobs" }}
        lead={
          <>
            <Lamp state={JOB_STATE[job.state]} /> · job <span className="mono">{job.id}</span>
          </>
        }
        topic="jobs"
        actions={
          <>
            <JobActions job={job} />
            {isRestored && (
              <ButtonLink href={to.proof(job.id)} icon="print">
                Proof to print
              </ButtonLink>
            )}
          </>
        }
      />
      <div className="stack">
        <NeedNotice job={job} />
        <EndNotice job={job} />
        {job.ended === null && (
          <Panel title="Progress">
            <div className="stack">
              <ProgressBar job={job} />
              <StreamFigureRow job={job} />
            </div>
          </Panel>
        )}
        <div className="columns wide-first">
          <Panel title="Timeline">
            <Timeline job={job} events={log.events} />
          </Panel>
          <Panel title="What was asked">
            <Facts rows={describeSpec(job)} />
          </Panel>
        </div>
        <Rates job={job} />
        <Panel
          title="Log"
          aside={`${plural(log.events.length, "line")}, kept with the job`}
          isFlush
        >
          <JobLog events={log.events} />
        </Panel>
        {run && <EvidencePanel scope={{ run }} />}
        <Problems job={job} />
      </div>
    </>
  );
}

function NeedNotice({ job }: { job: JobView }) {
  const { need } = job;
  if (!need || job.ended) return null;
  return (
    <Notice tone="warn">
      <strong>It needs you: {need.sentence}</strong>
      {need.need === "cartridge" && (
        <ol className="stack tight">
          <li>
            1. Find the cartridge <CartridgeChip barcode={need.barcode} /> and put it into a mail
            slot.
          </li>
          <li>
            2. <Link href={to.library()}>Take inventory</Link>, so that the library sees it.
          </li>
          <li>3. Resume this job.</li>
        </ol>
      )}
      {need.need === "formatted_cartridge" && (
        <>
          <p>
            <Link href={to.cartridges({ state: "unknown" })}>Choose a cartridge and format it</Link>
            , then resume. At least <span className="mono">{formatBytes(need.remaining)}</span> are
            still to be written{need.copy ? ` to copy ${need.copy}` : ""}.
          </p>
          {need.passed_over.map(([barcode, reason]) => (
            <p key={barcode} className="small">
              <CartridgeChip barcode={barcode} /> was passed over: {reason}
            </p>
          ))}
        </>
      )}
      {need.need === "attention" && <p>Look at the device, then resume this job.</p>}
    </Notice>
  );
}

function EndNotice({ job }: { job: JobView }) {
  const state = JOB_STATE[job.state];
  return (
    <>
      {job.error && (
        <Notice tone={job.ended ? "bad" : "warn"}>
          <strong>{job.error.message}</strong>
          <p>{riskOf(job.error.code)}</p>
          <p>{job.error.next_step}</p>
          {job.error.causes?.map((cause) => (
            <p key={cause} className="small mono">
              {cause}
            </p>
          ))}
          <p className="small">
            <Link href={to.errorHelp(job.error.code)} className="mono">
              {job.error.code}
            </Link>
          </p>
        </Notice>
      )}
      {job.outcome && (
        <Notice tone={state.tone}>
          <strong>{job.outcome.sentence}</strong>
          {job.outcome.destination && (
            <p>
              Restored to <span className="mono">{job.outcome.destination}</span>
            </p>
          )}
          {job.outcome.run && (
            <p>
              Run{" "}
              <Link href={to.run(job.outcome.run)} className="mono">
                {job.outcome.run}
              </Link>
            </p>
          )}
        </Notice>
      )}
    </>
  );
}

interface Mark {
  at: string;
  text: string;
  icon: Parameters<typeof Icon>[0]["name"];
  tone: string;
}

function Timeline({ job, events }: { job: JobView; events: readonly JobEvent[] }) {
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

function Rates({ job }: { job: JobView }) {
  const samples = useSamples(job.id);
  const moves = ["backup", "restore", "verify"].includes(job.kind);
  if (!moves || (job.ended && samples.length < 2)) return null;
  return (
    <Panel title="Rates and buffer" aside="as seen since this console was opened">
      <ThroughputChart samples={samples} />
    </Panel>
  );
}

function Problems({ job }: { job: JobView }) {
  const { outcome } = job;
  if (!outcome || outcome.problems_total === 0) return null;
  return (
    <Panel
      title="What was not done, and why"
      aside={plural(outcome.problems_total, "file")}
      isFlush
    >
      <table className="table cards">
        <thead>
          <tr>
            <th>File</th>
            <th>State</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {outcome.problems.map((problem) => (
            <tr key={problem.path_b64 ?? problem.path}>
              <td className="mono">{problem.path}</td>
              <td data-label="State">{problem.state.replaceAll("_", " ")}</td>
              <td data-label="Why">{problem.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {outcome.problems_total > outcome.problems.length && (
        <p className="small quiet-text" style={{ padding: "0.6rem 1.15rem" }}>
          The first {formatCount(outcome.problems.length)} are shown; the run's manifest has all.
        </p>
      )}
    </Panel>
  );
}
