// Schedules: what starts by itself, when next, and the times at which nothing does.
import { useState } from "react";
import { Link } from "wouter";
import { schedules } from "../../api/queries";
import type { ScheduleView } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { SCHEDULE_EVENT, scheduleState } from "../../components/states";
import { ScheduleEdit } from "../../forms/schedule-edit";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button } from "../../ui/Button";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { to } from "../../util/path-builder";
import { formatTime } from "../../util/units";
import { Calendar } from "./Calendar";
import { Windows } from "./Windows";

export function SchedulesPage() {
  const query = useLockAwareQuery(schedules());
  const [isAdding, setIsAdding] = useState(false);
  const whyNot = useWhyNot("POST /api/schedules");
  return (
    <>
      <PageHead
        title="Schedules"
        topic="schedules"
        lead="What starts by itself. What was missed while the appliance was off is made up for, or left out, as you set it."
        actions={
          <Button icon="queued" look="primary" whyNot={whyNot} onClick={() => setIsAdding(true)}>
            Make a schedule
          </Button>
        }
      />
      <div className="stack">
        <TableFrame label="Schedules">
          <Loaded query={query} what="the schedules">
            {(page) =>
              page.items.length === 0 ? (
                <Empty title="Nothing starts by itself yet">
                  <p>
                    A backup every night and a verification every month is a good beginning: make a
                    set by its first backup, then a schedule.
                  </p>
                </Empty>
              ) : (
                <ScheduleTable items={page.items} />
              )
            }
          </Loaded>
        </TableFrame>
        {query.data && query.data.items.length > 0 && <Calendar items={query.data.items} />}
        <Windows />
      </div>
      {isAdding && <ScheduleEdit onClose={() => setIsAdding(false)} />}
    </>
  );
}

function ScheduleTable({ items }: { items: readonly ScheduleView[] }) {
  return (
    <Table
      items={items}
      keyOf={(item) => item.name}
      columns={[
        {
          head: "Schedule",
          cell: (item) => (
            <Link href={to.schedule(item.name)}>
              <strong>{item.name}</strong>
            </Link>
          ),
        },
        { head: "State", cell: (item) => <Lamp state={scheduleState(item)} /> },
        { head: "What", cell: (item) => item.title },
        {
          head: "Pattern",
          className: "mono small",
          cell: (item) => (
            <>
              {item.cron} {item.time_zone}
            </>
          ),
        },
        {
          head: "Next",
          className: "mono",
          cell: (item) => (item.next[0] ? formatTime(item.next[0]).slice(0, -3) : "–"),
        },
        {
          head: "Last",
          cell: (item) => (item.last ? <Lamp state={SCHEDULE_EVENT[item.last.what]} /> : "–"),
        },
      ]}
    />
  );
}
