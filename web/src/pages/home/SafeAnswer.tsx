// Is my data safe: what is proven of the newest runs of all sets, never more.
import { Link } from "wouter";
import { evidence, jobs, sets, status } from "../../api/queries";
import type { JobView, SelfTestBrief, SetView, StatusView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { EvidenceLadder } from "../../components/EvidenceLadder";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { ButtonLink } from "../../ui/Button";
import type { Tone } from "../../ui/Lamp";
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

/** What may be said of everything: never more than was summed up. */
export function safeReply({ safety, sentence, sets: sum }: StatusView, isFirst: boolean): Safe {
  if (safety === "unknown") return { tone: "idle", text: "Being summed up", sentence };
  if (safety === "empty") {
    return {
      tone: "idle",
      text: "Nothing is protected yet",
      sentence: "No backup has been made. The first one takes a few minutes.",
    };
  }
  if (sum.complete < sum.total && isFirst) {
    return { tone: "busy", text: "The first backup is running", sentence };
  }
  if (sum.complete < sum.total) return { tone: "bad", text: "Not all of it", sentence };
  if (safety === "at_risk") {
    return { tone: "bad", text: "On tape, and something is broken", sentence };
  }
  if (sum.proven_files < sum.files) {
    return {
      tone: "good",
      text: "On tape and indexed",
      sentence: `Every file of the newest runs is. ${formatCount(sum.proven_files)} of ${plural(sum.files, "file")} were read back from a reloaded cartridge.`,
    };
  }
  return {
    tone: "good",
    text: "Yes: read back",
    sentence: `All ${plural(sum.files, "file")} of the newest runs were read again from reloaded cartridges, and the hashes agree.`,
  };
}

export function SafeAnswer() {
  const query = useLockAwareQuery(status());
  return (
    <section className="panel answer" aria-labelledby="answer-safe">
      <h2 id="answer-safe">Is my data safe?</h2>
      <Loaded query={query} what="the evidence">
        {(view) => <Answer view={view} />}
      </Loaded>
    </section>
  );
}

function Answer({ view }: { view: StatusView }) {
  const { sets: sum, safety } = view;
  const isOpen = sum.complete < sum.total;
  const all = useLockAwareQuery(sets(), { enabled: isOpen });
  const active = useLockAwareQuery(jobs({ active: true }), { enabled: isOpen });
  const reply = safeReply(view, isFirstRunning(all.data?.items, active.data?.items));
  return (
    <>
      <Reply tone={reply.tone} text={reply.text} />
      <p className="sentence">{reply.sentence}</p>
      {sum.files > 0 && <Ladder />}
      {safety === "empty" && (
        <div className="actions">
          <ButtonLink href={to.backup()} icon="backup" look="primary">
            Make the first backup
          </ButtonLink>
        </div>
      )}
      {sum.total > 0 && (
        <p className="counts">
          <Link href={to.sets()}>
            <b>{formatCount(sum.complete)}</b> {sum.complete === 1 ? "set" : "sets"} complete
          </Link>
          {isOpen && (
            <Link href={to.sets()}>
              <b>{formatCount(sum.total - sum.complete)}</b> not complete
            </Link>
          )}
          {sum.never_proven > 0 && (
            <Link href={to.sets()}>
              <b>{formatCount(sum.never_proven)}</b> never read back
            </Link>
          )}
          {view.self_test && <LastTest test={view.self_test} />}
        </p>
      )}
    </>
  );
}

function LastTest({ test }: { test: SelfTestBrief }) {
  return (
    <Link href={to.selfTest()}>
      Self-test <Ago at={test.at} />: {test.failed > 0 ? `${test.failed} failed` : "passed"}
    </Link>
  );
}

function Ladder() {
  const { data } = useLockAwareQuery(evidence());
  // Its place is kept, so that nothing moves when it comes.
  if (!data) return <div className="ladder-place" />;
  return data.files > 0 && <EvidenceLadder rows={data.rows} files={data.files} />;
}
