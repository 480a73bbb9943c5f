// Time: whose hours the machine has, who sets its clock, and how right it is.
import { useState } from "react";
import { time } from "../../api/queries";
import type { TimeState } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { offsetText } from "../../forms/time-draft";
import { TimeEdit } from "../../forms/time-edit";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { Words } from "../../ui/Words";
import { to } from "../../util/path-builder";
import { formatTime } from "../../util/units";

export function TimePage() {
  const query = useLockAwareQuery(time());
  return (
    <>
      <PageHead
        title="Time"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="time"
        lead="Retention, schedules and signatures go by the clock of this machine."
      />
      <Loaded query={query} what="the time">
        {(state) => (
          <div className="stack">
            <Zone state={state} />
            {state.clock && <Clock clock={state.clock} />}
          </div>
        )}
      </Loaded>
    </>
  );
}

function Zone({ state }: { state: TimeState }) {
  const [isOpen, setIsOpen] = useState(false);
  const notMine = useWhyNot("PUT /api/system/time");
  const { setting } = state;
  const servers = (setting.time_servers ?? []).join(" ");
  return (
    <Panel
      title="Zone and servers"
      aside={
        state.is_managed_here && (
          <Button look="small" whyNot={notMine} onClick={() => setIsOpen(true)}>
            Change
          </Button>
        )
      }
    >
      <div className="stack tight">
        <Facts
          rows={[
            ["The clock says", formatTime(state.now)],
            ["Time zone", <Mono key="z" text={setting.time_zone} />],
            ...(state.is_managed_here
              ? ([["Time servers that were set", <Mono key="s" text={servers} />]] as const)
              : []),
          ]}
        />
        {state.instead && (
          <>
            <p>This machine was not started from a FossilSafe image, so nothing is set here.</p>
            <Notice tone="idle">
              <p>
                <Words text={state.instead} />
              </p>
            </Notice>
          </>
        )}
      </div>
      {isOpen && <TimeEdit setting={setting} onClose={() => setIsOpen(false)} />}
    </Panel>
  );
}

function Clock({ clock }: { clock: NonNullable<TimeState["clock"]> }) {
  const { synchronised_at: at, server, offset_microseconds: offset } = clock;
  return (
    <Panel title="Clock">
      <div className="stack tight">
        <Facts
          rows={[
            ["Set by a time server", at ? <Ago key="a" at={at} /> : "not yet"],
            ["Server that is asked", <Mono key="s" text={server ?? ""} />],
            ["When last compared, it was", typeof offset === "number" ? offsetText(offset) : "–"],
            ["Servers that may be asked", <Mono key="m" text={clock.servers.join(" ")} />],
          ]}
        />
        {!at && (
          <Notice tone="warn">
            <p>
              No time server has set the clock since the machine started. Set one that this machine
              reaches, or look whether its network works.
            </p>
          </Notice>
        )}
      </div>
    </Panel>
  );
}

function Mono({ text }: { text: string }) {
  return text === "" ? <>none</> : <span className="mono">{text}</span>;
}
