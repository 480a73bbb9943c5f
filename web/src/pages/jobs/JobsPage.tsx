// Jobs: what ran, runs and waits, newest first.
import { Link } from "wouter";
import { type JobFilter, jobs } from "../../api/queries";
import type { JobView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { JOB_KIND, JOB_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useQueryState } from "../../hooks/useQueryState";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { ButtonLink } from "../../ui/Button";
import { SelectField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { to } from "../../util/path-builder";
import { formatDuration, secondsBetween } from "../../util/units";

const STATES = [
  { value: "", text: "All states" },
  { value: "active", text: "Not ended" },
  ...Object.entries(JOB_STATE).map(([value, state]) => ({ value, text: state.text })),
];
const KINDS = [
  { value: "", text: "All kinds" },
  ...Object.entries(JOB_KIND).map(([value, text]) => ({ value, text })),
];

export function JobsPage() {
  const [state, setState] = useQueryState("state");
  const [kind, setKind] = useQueryState("kind");
  const [active] = useQueryState("active");
  const chosen = active === "true" && state === "" ? "active" : state;
  const filter: JobFilter = {
    ...(chosen === "active" ? { active: true } : chosen ? { state: chosen } : {}),
    ...(kind ? { kind } : {}),
  };
  const query = useLockAwareQuery(jobs(filter));
  return (
    <>
      <PageHead
        title="Jobs"
        topic="jobs"
        lead="Everything that takes long is a job: it runs in the appliance, not in this window, and keeps its log."
        actions={
          <ButtonLink href={to.backup()} icon="backup" look="primary">
            Back up
          </ButtonLink>
        }
      />
      <div className="filters">
        <SelectField label="State" value={chosen} onChange={setState} options={STATES} />
        <SelectField label="Kind" value={kind} onChange={setKind} options={KINDS} />
      </div>
      <TableFrame label="Jobs">
        <Loaded query={query} what="the jobs">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title={state || kind ? "No job is like that" : "No job yet"}>
                <p>A backup, a check or a move appears here the moment it is accepted.</p>
              </Empty>
            ) : (
              <JobTable jobs={page.items} />
            )
          }
        </Loaded>
      </TableFrame>
    </>
  );
}

function JobTable({ jobs: items }: { jobs: readonly JobView[] }) {
  return (
    <Table
      items={items}
      keyOf={(job) => job.id}
      columns={[
        { head: "Job", cell: (job) => <Link href={to.job(job.id)}>{job.title}</Link> },
        { head: "Number", isNumber: true, cell: (job) => job.id },
        { head: "State", cell: (job) => <Lamp state={JOB_STATE[job.state]} /> },
        {
          head: "What came of it",
          label: "Result",
          className: "quiet-text",
          cell: (job) => (
            <>
              {job.outcome?.sentence ??
                job.error?.message ??
                job.need?.sentence ??
                job.progress.stage}
            </>
          ),
        },
        {
          head: "Took",
          isNumber: true,
          cell: (job) => (
            <>
              {job.started && job.ended
                ? formatDuration(secondsBetween(job.started, job.ended))
                : "–"}
            </>
          ),
        },
        { head: "Begun", cell: (job) => <Ago at={job.started ?? job.created} /> },
      ]}
    />
  );
}
