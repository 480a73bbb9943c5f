// Home: is my data safe, what needs me, what is the machine doing.
import { Link } from "wouter";
import { jobs, library } from "../../api/queries";
import { ProgressBar, StreamFigureRow } from "../../components/JobProgress";
import { LibraryMini } from "../../components/LibraryMini";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { JOB_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatCount, plural } from "../../util/units";
import { CapacityPart } from "./CapacityPart";
import { NeedsAnswer } from "./NeedsAnswer";
import { Recent } from "./Recent";
import { Reply } from "./Reply";
import { SafeAnswer } from "./SafeAnswer";

export function Home() {
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
        <div className="columns wide-first">
          <Recent />
          <CapacityPart />
        </div>
      </div>
    </>
  );
}

function MachineAnswer() {
  const active = useLockAwareQuery(jobs({ active: true }));
  const box = useLockAwareQuery(library());
  return (
    <section className="panel answer" aria-labelledby="answer-machine">
      <h2 id="answer-machine">What is the machine doing?</h2>
      <Loaded query={active} what="the jobs">
        {(page) => {
          const running = page.items.filter((job) => job.state === "running");
          const first = running[0];
          return (
            <>
              <Reply
                tone={first ? "busy" : "idle"}
                text={first ? `${plural(running.length, "job")} running` : "It rests"}
              />
              <p className="sentence">{first ? first.title : "No job is running."}</p>
            </>
          );
        }}
      </Loaded>
      {box.data && <LibraryMini library={box.data} part="drives" />}
      {box.data && <LibraryMini library={box.data} part="slots" />}
      <p className="counts">
        <Link href={to.jobs({ active: true })}>
          <b>{formatCount(active.data?.items.length ?? 0)}</b> not ended
        </Link>
        <Link href={to.equipment()}>
          <b>{formatCount(box.data?.drives.length ?? 0)}</b> drives
        </Link>
        <Link href={to.library()}>library map</Link>
      </p>
    </section>
  );
}

function Running() {
  const query = useLockAwareQuery(jobs({ active: true }));
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
