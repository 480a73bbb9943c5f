// Home: is my data safe, what needs me, what is the machine doing.
import { Link } from "wouter";
import { jobs, library, status } from "../../api/queries";
import type { StatusView } from "../../api/types";
import { ProgressBar, StreamFigureRow } from "../../components/JobProgress";
import { LibraryMini } from "../../components/LibraryMini";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { JOB_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatCount, formatTime, plural } from "../../util/units";
import { CapacityPart } from "./CapacityPart";
import { NeedsAnswer } from "./NeedsAnswer";
import { Recent } from "./Recent";
import { Reply } from "./Reply";
import { SafeAnswer } from "./SafeAnswer";

export function Home() {
  const { isPending } = useLockAwareQuery(status());
  return (
    <>
      <PageHead title="Home" topic="home" />
      <div className="stack">
        <div className="answers">
          <SafeAnswer />
          <NeedsAnswer />
          <MachineAnswer />
        </div>
        <Running />
        {/* Asked for after the three answers, which are what one comes for. */}
        {!isPending && (
          <div className="columns wide-first">
            <Recent />
            <CapacityPart />
          </div>
        )}
      </div>
    </>
  );
}

function MachineAnswer() {
  const query = useLockAwareQuery(status());
  const box = useLockAwareQuery(library(), { enabled: query.data !== undefined });
  return (
    <section className="panel answer" aria-labelledby="answer-machine">
      <h2 id="answer-machine">What is the machine doing?</h2>
      <Loaded query={query} what="the jobs">
        {(view) => <Doing view={view} />}
      </Loaded>
      {box.data && <LibraryMini library={box.data} part="drives" />}
      {box.data && <LibraryMini library={box.data} part="slots" />}
      {query.data && <MachineCounts view={query.data} />}
    </section>
  );
}

function Doing({ view }: { view: StatusView }) {
  const running = view.jobs.items.filter((job) => job.state === "running");
  const first = running[0];
  const next = view.next_scheduled;
  return (
    <>
      <Reply
        tone={first ? "busy" : "idle"}
        text={first ? `${plural(running.length, "job")} running` : "It rests"}
      />
      <p className="sentence">
        {first ? first.title : "No job is running."}
        {!first && next && (
          <>
            {" "}
            Next is <Link href={to.schedule(next.schedule)}>{next.schedule}</Link>,{" "}
            <span className="mono">{formatTime(next.at).slice(0, -3)}</span>.
          </>
        )}
      </p>
    </>
  );
}

function MachineCounts({ view }: { view: StatusView }) {
  const drives = Object.values(view.library.drives).reduce((sum, count) => sum + count, 0);
  return (
    <p className="counts">
      <Link href={to.jobs({ active: true })}>
        <b>{formatCount(view.jobs.active)}</b> not ended
      </Link>
      <Link href={to.equipment()}>
        <b>{formatCount(drives)}</b> {drives === 1 ? "drive" : "drives"}
      </Link>
      <Link href={to.library()}>library map</Link>
    </p>
  );
}

function Running() {
  const { data } = useLockAwareQuery(status());
  const isAtWork = (data?.jobs.active ?? 0) > 0;
  const query = useLockAwareQuery(jobs({ active: true }), { enabled: isAtWork });
  if (!isAtWork) return null;
  const active = (query.data?.items ?? []).filter((job) => job.state !== "queued");
  if (active.length === 0) return null;
  return (
    <Panel title="Running now" isFlush>
      {active.map((job) => (
        <div key={job.id} className="job-row">
          <div className="top">
            <Link href={to.job(job.id)}>{job.title}</Link>
            <Lamp state={JOB_STATE[job.state]} />
          </div>
          <ProgressBar job={job} />
          <StreamFigureRow job={job} />
        </div>
      ))}
    </Panel>
  );
}
