// Home: is my data safe, what needs me, what is the machine doing.
import { Link } from "wouter";
import { cartridges, evidence, health, jobs, library, type Question, sets } from "../api/queries";
import type { CartridgeView, EvidenceTable, JobView, Page, SetView } from "../api/types";
import { Ago } from "../components/Ago";
import { EvidenceLadder } from "../components/EvidenceLadder";
import { ProgressBar, StreamFigureRow } from "../components/JobProgress";
import { LibraryMini } from "../components/LibraryMini";
import { Loaded } from "../components/Loaded";
import { PageHead } from "../components/PageHead";
import { JOB_STATE } from "../components/states";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { ButtonLink } from "../ui/Button";
import { Figure, Figures } from "../ui/Figure";
import { Icon } from "../ui/Icon";
import { Lamp, type Tone } from "../ui/Lamp";
import { Empty } from "../ui/Notice";
import { Panel } from "../ui/Panel";
import { gatherAdvice } from "../util/advice";
import { reachedAtLeast } from "../util/evidence";
import { gatherNeeds, type NeedItem } from "../util/needs";
import { to } from "../util/path-builder";
import { formatCount, plural, splitBytes } from "../util/units";

const RECENT = 8;

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

function Reply({ tone, text }: { tone: Tone; text: string }) {
  const icon = tone === "foreign" ? "idle" : tone;
  return (
    <p className={`reply tone-${tone}`}>
      <Icon name={icon} />
      <span>{text}</span>
    </p>
  );
}

/** What may be said of everything: never more than the evidence says. */
export function safeReply(table: EvidenceTable): { tone: Tone; text: string; sentence: string } {
  if (table.files === 0) {
    return {
      tone: "idle",
      text: "Nothing is protected yet",
      sentence: "No backup has been made. The first one takes a few minutes.",
    };
  }
  if (!table.is_complete) {
    return { tone: "bad", text: "Not all of it", sentence: table.sentence };
  }
  const back = reachedAtLeast(table.rows, "read_back");
  if (back < table.files) {
    return {
      tone: "good",
      text: "On tape and indexed",
      sentence: `Every file of the newest runs is. ${formatCount(back)} of ${plural(table.files, "file")} were read back from a reloaded cartridge.`,
    };
  }
  return {
    tone: "good",
    text: "Yes: read back",
    sentence: `All ${plural(table.files, "file")} of the newest runs were read again from reloaded cartridges, and the hashes agree.`,
  };
}

function SafeAnswer() {
  const table = useLockAwareQuery(evidence());
  const all = useLockAwareQuery(sets());
  return (
    <section className="panel answer" aria-labelledby="answer-safe">
      <h2 id="answer-safe">Is my data safe?</h2>
      <Loaded query={table} what="the evidence">
        {(data) => {
          const reply = safeReply(data);
          return (
            <>
              <Reply tone={reply.tone} text={reply.text} />
              <p className="sentence">{reply.sentence}</p>
              {data.files > 0 && <EvidenceLadder rows={data.rows} files={data.files} />}
              {data.files === 0 && (
                <div className="actions">
                  <ButtonLink href={to.backup()} icon="backup" look="primary">
                    Make the first backup
                  </ButtonLink>
                </div>
              )}
            </>
          );
        }}
      </Loaded>
      {all.data && all.data.items.length > 0 && <SetCounts page={all.data} />}
    </section>
  );
}

function SetCounts({ page }: { page: Page<SetView> }) {
  const isComplete = (set: SetView) => set.newest_run?.state === "complete";
  const complete = page.items.filter(isComplete).length;
  const other = page.items.length - complete;
  return (
    <p className="counts">
      <Link href={to.sets()}>
        <b>{formatCount(complete)}</b> {complete === 1 ? "set" : "sets"} complete
      </Link>
      {other > 0 && (
        <Link href={to.sets()}>
          <b>{formatCount(other)}</b> not complete
        </Link>
      )}
    </p>
  );
}

function useNeeds(): { items: NeedItem[]; isKnown: boolean } {
  const answer = useLockAwareQuery(health());
  const active = useLockAwareQuery(jobs({ active: true }));
  const box = useLockAwareQuery(library());
  const all = useLockAwareQuery(sets());
  const items = gatherNeeds({
    findings: answer.data?.findings ?? [],
    jobs: active.data?.items ?? [],
    drives: box.data?.drives ?? [],
    sets: all.data?.items ?? [],
  });
  return { items, isKnown: [answer, active, box, all].every((query) => query.data !== undefined) };
}

const NEEDS_SHOWN = 4;

function NeedsAnswer() {
  const { items, isKnown } = useNeeds();
  const worst: Tone = items[0]?.tone ?? "good";
  const text = items.length === 0 ? "Nothing" : plural(items.length, "thing");
  return (
    <section className="panel answer" aria-labelledby="answer-needs">
      <h2 id="answer-needs">What needs me?</h2>
      {isKnown || items.length > 0 ? (
        <Reply tone={worst} text={text} />
      ) : (
        <Reply tone="idle" text="Not known yet" />
      )}
      {isKnown && items.length === 0 && (
        <p className="sentence">No job waits, no drive complains, no set is incomplete.</p>
      )}
      <ul className="needs">
        {items.slice(0, NEEDS_SHOWN).map((item) => (
          <li key={item.key}>
            <span className={`tone-${item.tone}`}>
              <Icon name={item.tone === "bad" ? "bad" : "warn"} />
            </span>
            <div>
              <strong>{item.title}</strong>
              <span className="quiet-text">{item.text}</span>
              <ButtonLink href={item.href} look="small">
                {item.act}
              </ButtonLink>
            </div>
          </li>
        ))}
      </ul>
      {isKnown && items.length === 0 && <AdviceList />}
      {items.length > NEEDS_SHOWN && (
        <p className="counts">
          <Link href={to.health()}>{formatCount(items.length - NEEDS_SHOWN)} more</Link>
        </p>
      )}
    </section>
  );
}

const ADVICE_SHOWN = 3;

function AdviceList() {
  const { data } = useLockAwareQuery(sets());
  const advice = gatherAdvice(data?.items ?? []).slice(0, ADVICE_SHOWN);
  if (advice.length === 0) return null;
  return (
    <div className="advice">
      <h3>Would make it safer</h3>
      <ul>
        {advice.map((each) => (
          <li key={each.key}>
            <span>{each.text}</span>
            <Link href={each.href}>{each.act}</Link>
          </li>
        ))}
      </ul>
    </div>
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

const recent: Question<Page<JobView>> = jobs({ limit: RECENT });

function Recent() {
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

/** What can still be written, over the cartridges that are here. */
export function capacityOf(items: readonly CartridgeView[]) {
  const open = items.filter((item) => item.state === "open" && item.place);
  const free = open.reduce((sum, item) => sum + (item.volume?.remaining_bytes ?? 0), 0);
  const stored = items.reduce((sum, item) => sum + (item.volume?.bytes ?? 0), 0);
  const fresh = items.filter((item) => item.state === "blank" || item.state === "unknown").length;
  return { open: open.length, free, stored, fresh };
}

function CapacityPart() {
  const query = useLockAwareQuery(cartridges());
  return (
    <Panel title="Room on tape" aside={<Link href={to.cartridges()}>Cartridges</Link>}>
      <Loaded query={query} what="the cartridges">
        {(page) => {
          const { open, free, stored, fresh } = capacityOf(page.items);
          return (
            <Figures>
              <Figure
                name="Free"
                value={splitBytes(free)}
                note={`on ${plural(open, "open cartridge")}`}
              />
              <Figure name="Stored" value={splitBytes(stored)} note="of files, all copies" />
              <Figure
                name="Not used yet"
                value={formatCount(fresh)}
                note="blank or not looked at"
              />
            </Figures>
          );
        }}
      </Loaded>
    </Panel>
  );
}
