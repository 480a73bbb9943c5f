// The proof of a restore, to print and keep: what was asked, what came back, how it was compared.
import { job as askJob, version } from "../../api/queries";
import type { JobView } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { JOB_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatCount, formatTime, plural } from "../../util/units";
import { describeSpec } from "../jobs/describe-spec";

export function ProofPage({ id }: { id: number }) {
  const query = useLockAwareQuery(askJob(id));
  return (
    <Loaded
      query={query}
      what={`job ${id}`}
      head={<PageHead title="Proof of a restore" crumb={{ href: to.job(id), text: `Job ${id}` }} />}
    >
      {(job) => <Proof job={job} />}
    </Loaded>
  );
}

function Proof({ job }: { job: JobView }) {
  const answer = useLockAwareQuery(version());
  const { outcome } = job;
  return (
    <>
      <PageHead
        title="Proof of a restore"
        crumb={{ href: to.job(job.id), text: `Job ${job.id}` }}
        actions={
          <Button icon="print" look="primary" onClick={() => window.print()}>
            Print
          </Button>
        }
      />
      {job.kind !== "restore" || !outcome ? (
        <Notice tone="warn">
          <p>This job is no restore that has ended: there is nothing to prove.</p>
        </Notice>
      ) : (
        <div className="stack">
          <Panel title="What came of it">
            <div className="stack">
              <p>
                <Lamp state={JOB_STATE[job.state]} />
              </p>
              <p>{outcome.sentence}</p>
              <p className="quiet-text">
                {plural(outcome.files, "file")} were written to the folder; each was compared with
                its SHA-256 from the backup while it was written.{" "}
                {formatCount(outcome.problems_total)} were not done as asked.
              </p>
            </div>
          </Panel>
          <Panel title="What was asked">
            <Facts
              rows={[
                ...describeSpec(job),
                ["Written by", `FossilSafe ${answer.data?.version ?? ""}`],
                ["Printed", formatTime(new Date().toISOString())],
              ]}
            />
          </Panel>
          {outcome.problems.length > 0 && (
            <Panel title="Not done as asked">
              <ul className="stack tight">
                {outcome.problems.map((problem) => (
                  <li key={problem.path_b64 ?? problem.path}>
                    <span className="mono">{problem.path}</span>: {problem.reason}
                  </li>
                ))}
              </ul>
            </Panel>
          )}
          <Panel title="Signed by hand">
            <div className="figures" style={{ paddingTop: "2.5rem" }}>
              <span className="small">Date</span>
              <span className="small">Name</span>
              <span className="small">Signature</span>
            </div>
          </Panel>
        </div>
      )}
    </>
  );
}
