// What has happened lately, newest first.
import { Link } from "wouter";
import { jobs, type Question } from "../../api/queries";
import type { JobView, Page } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Loaded } from "../../components/Loaded";
import { JOB_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
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
            <table className="table cards">
              <thead>
                <tr>
                  <th>Job</th>
                  <th>State</th>
                  <th>What came of it</th>
                  <th>When</th>
                </tr>
              </thead>
              <tbody>
                {page.items.map((job) => (
                  <tr key={job.id}>
                    <td>
                      <Link href={to.job(job.id)}>{job.title}</Link>
                    </td>
                    <td data-label="State">
                      <Lamp state={JOB_STATE[job.state]} />
                    </td>
                    <td data-label="Result" className="quiet-text">
                      {job.outcome?.sentence ?? job.error?.message ?? job.progress.stage}
                    </td>
                    <td data-label="When">
                      <Ago at={job.ended ?? job.created} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </Panel>
  );
}
