// The log of the appliance: searched, a page at a time. It does not move under who reads it: new lines come
// when they are asked for.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { Link } from "wouter";
import { get } from "../../api/client";
import { logRetention } from "../../api/queries";
import type { LogLevel, LogLine, LogRetention, Page } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import { LOG_LEVEL } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useQueryState } from "../../hooks/useQueryState";
import { Button } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { dayBegins, dayEnds, formatCount, formatTime, plural } from "../../util/units";

const PAGE = 200;

export function LogsPage() {
  return (
    <>
      <PageHead
        title="Logs"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="logs"
        lead="What the program itself says, for whoever looks for a cause. What people did is in the audit log."
      />
      <NeedsRole act="GET /api/logs">
        <div className="stack">
          <Lines />
          <Retention />
        </div>
      </NeedsRole>
    </>
  );
}

const LEVELS = [
  { value: "", text: "Everything" },
  ...(["warning", "error"] as const).map((value) => ({
    value,
    text: value === "error" ? "Errors" : "Warnings and errors",
  })),
];

function Lines() {
  const [q, setQ] = useQueryState("q");
  const [level, setLevel] = useQueryState("level");
  const [job, setJob] = useQueryState("job");
  const [since, setSince] = useQueryState("since");
  const [until, setUntil] = useQueryState("until");
  const filter = useDeferredValue({
    q: q.trim(),
    level,
    job: /^\d+$/.test(job) ? job : "",
    since: dayBegins(since),
    until: dayEnds(until),
  });
  const query = useInfiniteQuery({
    queryKey: ["logs", filter],
    queryFn: ({ pageParam, signal }) =>
      get<Page<LogLine>>(api.logs({ ...filter, limit: PAGE, after: pageParam }), { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <div>
      <div className="filters">
        <TextField className="grow" label="Words" type="search" value={q} onChange={setQ} />
        <SelectField label="How grave" value={level} onChange={setLevel} options={LEVELS} />
        <TextField label="Job" value={job} onChange={setJob} inputMode="numeric" isMono />
        <TextField label="From" type="date" value={since} onChange={setSince} />
        <TextField label="Until the end of" type="date" value={until} onChange={setUntil} />
      </div>
      <Panel
        title="Newest first"
        isFlush
        aside={
          <Button look="small" isBusy={query.isRefetching} onClick={() => void query.refetch()}>
            Look again
          </Button>
        }
      >
        <Loaded query={query} what="the log">
          {({ pages }) => {
            const lines = pages.flatMap((page) => page.items);
            if (lines.length === 0) {
              return (
                <Empty title="No line is like that">
                  <p>Change the filters. Old lines are taken away after some days.</p>
                </Empty>
              );
            }
            return (
              <>
                <ol className="log is-page">
                  {lines.map((line) => (
                    <Line key={line.number} line={line} />
                  ))}
                </ol>
                {query.hasNextPage && (
                  <div className="padded">
                    <Button
                      look="small"
                      isBusy={query.isFetchingNextPage}
                      onClick={() => void query.fetchNextPage()}
                    >
                      Older
                    </Button>
                  </div>
                )}
              </>
            );
          }}
        </Loaded>
      </Panel>
    </div>
  );
}

function Line({ line }: { line: LogLine }) {
  return (
    <li>
      <time dateTime={line.at}>{formatTime(line.at)}</time>
      <Lamp state={LOG_LEVEL[line.level satisfies LogLevel]} size={13} />
      <span>
        {line.message} <span className="quiet-text">{line.part}</span>
        {line.job !== null && (
          <>
            {" "}
            <Link href={to.job(line.job)}>job {line.job}</Link>
          </>
        )}
      </span>
    </li>
  );
}

function Retention() {
  const query = useLockAwareQuery(logRetention());
  const [open, setOpen] = useState<"change" | "clean" | null>(null);
  return (
    <Panel title="How long lines are kept">
      <Loaded query={query} what="how long">
        {(retention) => (
          <div className="stack tight">
            <p>
              {plural(retention.days, "day")}, and {formatCount(retention.lines_max)} lines at most.
            </p>
            <div className="actions">
              <Button look="small" onClick={() => setOpen("change")}>
                Change
              </Button>
              <Button look="small" onClick={() => setOpen("clean")}>
                Take old lines away now
              </Button>
            </div>
            {open === "change" && <Change retention={retention} onClose={() => setOpen(null)} />}
            {open === "clean" && (
              <AskDialog
                title="Take old lines away now"
                act="Take them away"
                sending={{ path: api.cleanLogs() }}
                renews={["logs"]}
                done="Old lines were taken away."
                onClose={() => setOpen(null)}
              >
                <p>
                  What is older than {plural(retention.days, "day")} goes, which also happens by
                  itself. Jobs keep their own logs, and the audit log is another one.
                </p>
              </AskDialog>
            )}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Change({ retention, onClose }: { retention: LogRetention; onClose: () => void }) {
  const [days, setDays] = useState(String(retention.days));
  const [lines, setLines] = useState(String(retention.lines_max));
  const isRight = Number(days) >= 1 && Number(lines) >= 1;
  return (
    <AskDialog
      title="How long lines are kept"
      act="Keep them so long"
      whyNot={isRight ? undefined : "Both have to be at least one."}
      sending={{
        method: "PUT",
        path: api.logRetention(),
        body: { days: Number(days), lines_max: Number(lines) },
      }}
      renews={["log-retention"]}
      done="That is kept."
      onClose={onClose}
    >
      <div className="pair">
        <TextField label="Days" type="number" value={days} onChange={setDays} autoFocus />
        <TextField label="Lines at most" type="number" value={lines} onChange={setLines} />
      </div>
    </AskDialog>
  );
}
