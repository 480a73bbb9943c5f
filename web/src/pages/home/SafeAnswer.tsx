// Is my data safe: what the evidence says of the newest runs of all sets, never more.
import { Link } from "wouter";
import { evidence, jobs, sets } from "../../api/queries";
import type { EvidenceTable, JobView, Page, SetView } from "../../api/types";
import { EvidenceLadder } from "../../components/EvidenceLadder";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { ButtonLink } from "../../ui/Button";
import type { Tone } from "../../ui/Lamp";
import { reachedAtLeast } from "../../util/evidence";
import { to } from "../../util/path-builder";
import { formatCount, plural } from "../../util/units";
import { Reply } from "./Reply";

interface Safe {
  tone: Tone;
  text: string;
  sentence: string;
}

/** True if what is incomplete is only so because a set's first backup has not ended yet. */
export function isFirstRunning(all: readonly SetView[] = [], active: readonly JobView[] = []) {
  const backedUp = active.flatMap(({ spec }) => (spec.kind === "backup" ? [spec.set] : []));
  const open = all.filter((set) => set.newest_run?.state !== "complete");
  return (
    open.length > 0 &&
    open.every((set) => set.newest_ended_run === null && backedUp.includes(set.name))
  );
}

/** What may be said of everything: never more than the evidence says. */
export function safeReply(table: EvidenceTable, isFirst: boolean): Safe {
  if (table.files === 0) {
    return {
      tone: "idle",
      text: "Nothing is protected yet",
      sentence: "No backup has been made. The first one takes a few minutes.",
    };
  }
  if (!table.is_complete && isFirst) {
    return { tone: "busy", text: "The first backup is running", sentence: table.sentence };
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

export function SafeAnswer() {
  const table = useLockAwareQuery(evidence());
  const all = useLockAwareQuery(sets());
  const active = useLockAwareQuery(jobs({ active: true }));
  return (
    <section className="panel answer" aria-labelledby="answer-safe">
      <h2 id="answer-safe">Is my data safe?</h2>
      <Loaded query={table} what="the evidence">
        {(data) => {
          const reply = safeReply(data, isFirstRunning(all.data?.items, active.data?.items));
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
