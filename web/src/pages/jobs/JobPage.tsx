// One job: what it does and needs, its timeline, rates, log, and what came of it.
import { job as askJob } from "../../api/queries";
import type { JobView } from "../../api/types";
import { EvidencePanel } from "../../components/EvidencePanel";
import { JobActions } from "../../components/JobActions";
import { JobLog } from "../../components/JobLog";
import { ProgressBar, StreamFigureRow } from "../../components/JobProgress";
import { JobTurn } from "../../components/JobTurn";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { JOB_STATE } from "../../components/states";
import { ThroughputChart } from "../../components/ThroughputChart";
import { useJobLog } from "../../hooks/useJobLog";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useSamples } from "../../stores/throughput";
import { Table } from "../../table/Table";
import { ButtonLink } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatCount, plural } from "../../util/units";
import { describeSpec } from "./describe-spec";
import { EndNotice, NeedNotice } from "./notices";
import { Timeline } from "./Timeline";

export function JobPage({ id }: { id: number }) {
  const query = useLockAwareQuery(askJob(id));
  return (
    <Loaded
      query={query}
      what={`job ${id}`}
      head={<PageHead title={`Job ${id}`} crumb={{ href: to.jobs(), text: "Jobs" }} topic="jobs" />}
    >
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
            <Facts rows={[...describeSpec(job), ["Turn", <JobTurn key="turn" job={job} />]]} />
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
      <Table
        items={outcome.problems}
        keyOf={(problem) => problem.path_b64 ?? problem.path}
        columns={[
          { head: "File", className: "mono", cell: (problem) => problem.path },
          { head: "State", cell: (problem) => problem.state.replaceAll("_", " ") },
          { head: "Why", cell: (problem) => problem.reason },
        ]}
      />
      {outcome.problems_total > outcome.problems.length && (
        <p className="small quiet-text" style={{ padding: "0.6rem 1.15rem" }}>
          The first {formatCount(outcome.problems.length)} are shown; the run's manifest has all.
        </p>
      )}
    </Panel>
  );
}
