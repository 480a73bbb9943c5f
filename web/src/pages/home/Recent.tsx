// What has happened lately, newest first.
import { Link } from "wouter";
import { jobs, type Question } from "../../api/queries";
import type { JobView, Page } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Loaded } from "../../components/Loaded";
import { JOB_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Table } from "../../table/Table";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";

const RECENT = 8;

const recent: Question<Page<JobView>> = jobs({ limit: RECENT });

export function Recent() {
  const query = useLockAwareQuery(recent);
  return (
    <Panel title="Lately" aside={<Link href={to.jobs()}>All jobs</Link>} isFlush>
      <Loaded query={query} what="recent jobs">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="Nothing has happened yet">
              <p>Each backup, check, move and restore will stand here, newest first.</p>
            </Empty>
          ) : (
            <Table
              items={page.items}
              keyOf={(job) => job.id}
              columns={[
                {
                  head: "Job",
                  cell: (job) => <Link href={to.job(job.id)}>{job.title}</Link>,
                },
                { head: "State", cell: (job) => <Lamp state={JOB_STATE[job.state]} /> },
                {
                  head: "What came of it",
                  label: "Result",
                  className: "quiet-text",
                  cell: (job) => job.outcome?.sentence ?? job.error?.message ?? job.progress.stage,
                },
                { head: "When", cell: (job) => <Ago at={job.ended ?? job.created} /> },
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}
