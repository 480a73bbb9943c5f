// One schedule: its plan, its next moments, what became of those that are past.
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { schedule as askSchedule, scheduleEvents } from "../../api/queries";
import type { ScheduleView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { SCHEDULE_EVENT, scheduleState } from "../../components/states";
import { ScheduleEdit } from "../../forms/schedule-edit";
import { useJobAct, useSend } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatTime, plural } from "../../util/units";

const RENEWS = ["schedules", "schedule", "calendar"];

export function SchedulePage({ name }: { name: string }) {
  const query = useLockAwareQuery(askSchedule(name));
  return (
    <Loaded
      query={query}
      what={`schedule ${name}`}
      head={
        <PageHead
          title={`Schedule ${name}`}
          crumb={{ href: to.schedules(), text: "Schedules" }}
          topic="schedules"
        />
      }
    >
      {(schedule) => <Body schedule={schedule} />}
    </Loaded>
  );
}

function Body({ schedule }: { schedule: ScheduleView }) {
  const { name } = schedule;
  const [, navigate] = useLocation();
  const [open, setOpen] = useState<"edit" | "remove" | null>(null);
  const whyNot = useWhyNot("PUT /api/schedules/{name}");
  const run = useJobAct();
  const turn = useSend(RENEWS);
  return (
    <>
      <PageHead
        title={`Schedule ${name}`}
        crumb={{ href: to.schedules(), text: "Schedules" }}
        topic="schedules"
        lead={
          <>
            <Lamp state={scheduleState(schedule)} /> · {schedule.title}
          </>
        }
        actions={
          <>
            <Button look="primary" whyNot={whyNot} onClick={() => setOpen("edit")}>
              Change
            </Button>
            <Button
              isBusy={turn.isPending}
              whyNot={whyNot}
              onClick={() => turn.mutate({ path: api.turnSchedule(name, schedule.is_enabled) })}
            >
              {schedule.is_enabled ? "Pause it" : "Switch it on"}
            </Button>
            <Button
              isBusy={run.isPending}
              whyNot={whyNot}
              onClick={() => run.mutate({ path: api.runSchedule(name) })}
            >
              Run now
            </Button>
            <Button look="danger" whyNot={whyNot} onClick={() => setOpen("remove")}>
              Remove
            </Button>
          </>
        }
      />
      {run.error && <ErrorBox error={run.error} />}
      {turn.error && <ErrorBox error={turn.error} />}
      <div className="columns">
        <Plan schedule={schedule} />
        <Past name={name} />
      </div>
      {open === "edit" && <ScheduleEdit schedule={schedule} onClose={() => setOpen(null)} />}
      {open === "remove" && (
        <AskDialog
          title={`Remove schedule ${name}`}
          act="Remove it"
          isDanger
          sending={{ method: "DELETE", path: api.schedule(name) }}
          renews={["schedules", "calendar"]}
          done={`Schedule ${name} was removed.`}
          onClose={() => navigate(to.schedules())}
        >
          <p>It starts nothing any more. The jobs that it started stay as they are.</p>
        </AskDialog>
      )}
    </>
  );
}

function Plan({ schedule }: { schedule: ScheduleView }) {
  const { attempts, after_minutes: minutes } = schedule.retries;
  return (
    <Panel title="Its plan">
      <Facts
        rows={[
          ["What", schedule.title],
          [
            "Pattern",
            <span key="p" className="mono">
              {schedule.cron}
            </span>,
          ],
          ["Time zone", schedule.time_zone],
          [
            "Next",
            schedule.next.length === 0 ? (
              "nothing while it is paused"
            ) : (
              <ul key="n" className="mono">
                {schedule.next.map((at) => (
                  <li key={at}>{formatTime(at)}</li>
                ))}
              </ul>
            ),
          ],
          [
            "What was missed",
            schedule.missed === "skip" ? "is left out" : "is made up for, once for all of it",
          ],
          [
            "A job that failed",
            attempts === 0
              ? "is not tried again"
              : `is tried ${plural(attempts, "time")} more, after ${plural(minutes, "minute")} each`,
          ],
          ...(schedule.retry_at ? [["Tried again", formatTime(schedule.retry_at)] as const] : []),
        ]}
      />
    </Panel>
  );
}

function Past({ name }: { name: string }) {
  const query = useLockAwareQuery(scheduleEvents(name));
  return (
    <Panel title="What became of its moments" isFlush>
      <Loaded query={query} what="its moments">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="None has come yet">
              <p>Each moment stands here: started, missed, or refused, and why.</p>
            </Empty>
          ) : (
            <Table
              items={page.items}
              keyOf={(event) => event.id}
              columns={[
                {
                  head: "Due",
                  className: "mono",
                  cell: (event) => (
                    <>
                      {formatTime(event.due)} <Ago at={event.due} />
                    </>
                  ),
                },
                {
                  head: "What came of it",
                  cell: (event) => (
                    <>
                      <Lamp state={SCHEDULE_EVENT[event.what]} />
                      {event.reason && <span className="small quiet-text"> {event.reason}</span>}
                    </>
                  ),
                },
                {
                  head: "Job",
                  cell: (event) =>
                    event.job === null ? "–" : <Link href={to.job(event.job)}>{event.job}</Link>,
                },
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}
