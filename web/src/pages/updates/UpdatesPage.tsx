// Updates: what runs, what is in the other slot, and how a newer version comes.
import { updates } from "../../api/queries";
import type { UpdatesState } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { INSTALLATION_STEP, SLOT_CONDITION, UPDATE_OUTCOME } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Table } from "../../table/Table";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Meter } from "../../ui/Meter";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { Words } from "../../ui/Words";
import { to } from "../../util/path-builder";
import { formatTime } from "../../util/units";
import { Channel } from "./Channel";
import { Next } from "./Next";

export function UpdatesPage() {
  const query = useLockAwareQuery(updates());
  return (
    <>
      <PageHead
        title="Updates"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="updates"
        lead={
          query.data && (
            <>
              Version <span className="mono">{query.data.version}</span> runs.
            </>
          )
        }
      />
      <Loaded query={query} what="the updates">
        {(state) => (state.has_slots ? <Image state={state} /> : <NoSlots state={state} />)}
      </Loaded>
    </>
  );
}

/** Not an image of ours: it is updated as it was installed. */
function NoSlots({ state }: { state: UpdatesState }) {
  return (
    <div className="stack">
      <Panel title="How this installation is updated">
        <div className="stack tight">
          <p>
            This machine was not started from a FossilSafe image, so there is no second slot that an
            update could go to and that it could fall back on.
          </p>
          {state.instead && (
            <Notice tone="idle">
              <p>
                <Words text={state.instead} />
              </p>
            </Notice>
          )}
        </div>
      </Panel>
      <History state={state} />
    </div>
  );
}

function Image({ state }: { state: UpdatesState }) {
  return (
    <div className="stack">
      {state.installation && <Running installation={state.installation} />}
      <div className="columns">
        {state.slots.map((slot) => (
          <Panel
            key={slot.name}
            title={`Slot ${slot.name.toUpperCase()}`}
            aside={<Lamp state={SLOT_CONDITION[slot.condition]} />}
          >
            <Facts
              rows={[
                [
                  "Version",
                  <span key="v" className="mono">
                    {slot.version ?? "not known"}
                  </span>,
                ],
                ["It", slot.is_booted ? "runs now" : slot.is_next ? "starts next" : "stands by"],
                ["Written", slot.installed_at ? formatTime(slot.installed_at) : "with the disk"],
                ["Tries", slot.tries === 0 ? "none since it was found good" : `${slot.tries} of 3`],
              ]}
            />
          </Panel>
        ))}
      </div>
      <Next state={state} />
      <Channel state={state} />
      <History state={state} />
    </div>
  );
}

function Running({ installation }: { installation: NonNullable<UpdatesState["installation"]> }) {
  const { step, percent, version, problem } = installation;
  return (
    <Panel
      title={version ? `Installing ${version}` : "Installing"}
      aside={<Lamp state={INSTALLATION_STEP[step]} />}
    >
      <div className="stack tight">
        <Meter
          label="Progress of the installation"
          value={percent}
          max={100}
          tone="busy"
          text={`${percent} %`}
        />
        {problem && (
          <Notice tone="bad">
            <strong>{problem}</strong>
            <p>What runs goes on as it was, and stays what starts next.</p>
          </Notice>
        )}
      </div>
    </Panel>
  );
}

function History({ state }: { state: UpdatesState }) {
  if (state.history.length === 0) return null;
  return (
    <Panel title="What became of updates" isFlush>
      <Table
        items={state.history}
        keyOf={(past) => past.at}
        columns={[
          { head: "Version", className: "mono", cell: (past) => past.version },
          { head: "Before it", className: "mono", cell: (past) => past.before },
          { head: "Outcome", cell: (past) => <Lamp state={UPDATE_OUTCOME[past.outcome]} /> },
          { head: "Why", cell: (past) => past.reason },
          { head: "When", cell: (past) => formatTime(past.at) },
        ]}
      />
    </Panel>
  );
}
