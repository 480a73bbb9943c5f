// The dialog that makes a schedule or changes one: what, when, and what becomes of missed moments.
import { useState } from "react";
import { preview, sets } from "../api/queries";
import type { ScheduleView } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { useSend } from "../hooks/useAct";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { SelectField, TextField } from "../ui/Field";
import { api } from "../util/path-builder";
import { formatTime } from "../util/units";
import {
  cronOf,
  emptySchedule,
  hasSet,
  ofSchedule,
  planOf,
  type ScheduleDraft,
  taskOf,
  WEEKDAYS,
  whyNotSchedule,
} from "./schedule-draft";

const SHOWN = 4;
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

interface Props {
  /** The one that is changed; none makes a new one. */
  schedule?: ScheduleView;
  onClose: () => void;
}

export function ScheduleEdit({ schedule, onClose }: Props) {
  const [draft, setDraft] = useState(schedule ? ofSchedule(schedule) : emptySchedule(HERE));
  const all = useLockAwareQuery(sets());
  const send = useSend<ScheduleView>(["schedules", "schedule", "calendar"], {
    onDone: (view) => {
      announce(`Schedule ${view.name} is set.`);
      onClose();
    },
  });
  const change = (part: Partial<ScheduleDraft>) => setDraft((before) => ({ ...before, ...part }));
  const whyNot = whyNotSchedule(draft);
  const known = all.data?.items ?? [];
  // A task of another kind can be kept, and given up for one of these.
  const kept = schedule && ofSchedule(schedule).task === "as_is" ? schedule.title : undefined;
  function submit() {
    if (whyNot) return;
    const paths = known.find((set) => set.name === draft.set)?.paths ?? [];
    const plan = planOf(draft, taskOf(draft, paths, schedule?.task));
    if (schedule) send.mutate({ method: "PUT", path: api.schedule(schedule.name), body: plan });
    else send.mutate({ path: api.schedules(), body: { name: draft.name, ...plan } });
  }
  return (
    <Dialog
      title={schedule ? `Change ${schedule.name}` : "Make a schedule"}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            {schedule ? "Change it" : "Make it"}
          </Button>
        </>
      }
    >
      {!schedule && (
        <TextField
          label="Name"
          value={draft.name}
          onChange={(name) => change({ name })}
          placeholder="nightly"
          autoFocus
        />
      )}
      <div className="pair">
        <SelectField
          label="What"
          value={draft.task}
          onChange={(task) => change({ task })}
          options={[
            { value: "backup", text: "Back up a set" },
            { value: "verify", text: "Verify a set" },
            { value: "inventory", text: "Take inventory" },
            { value: "self_test", text: "Test the appliance" },
            ...(kept ? [{ value: "as_is", text: kept } as const] : []),
          ]}
        />
        {hasSet(draft) && (
          <SelectField
            label="Set"
            value={draft.set}
            onChange={(set) => change({ set })}
            options={[
              { value: "", text: "Choose one" },
              ...known.map((set) => ({ value: set.name, text: set.name })),
            ]}
          />
        )}
      </div>
      <When draft={draft} change={change} />
      <Moments cron={cronOf(draft)} zone={draft.zone} />
      <Else draft={draft} change={change} />
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}

interface PartProps {
  draft: ScheduleDraft;
  change: (part: Partial<ScheduleDraft>) => void;
}

function When({ draft, change }: PartProps) {
  return (
    <div className="pair">
      <SelectField
        label="How often"
        value={draft.rhythm}
        onChange={(rhythm) => change({ rhythm })}
        options={[
          { value: "daily", text: "Every day" },
          { value: "weekdays", text: "Monday to Friday" },
          { value: "weekly", text: "Once a week" },
          { value: "monthly", text: "Once a month" },
          { value: "own", text: "By a pattern" },
        ]}
      />
      {draft.rhythm === "weekly" && (
        <SelectField
          label="On"
          value={draft.weekday}
          onChange={(weekday) => change({ weekday })}
          options={WEEKDAYS}
        />
      )}
      {draft.rhythm === "monthly" && (
        <TextField
          label="On day"
          type="number"
          value={draft.day}
          onChange={(day) => change({ day })}
        />
      )}
      {draft.rhythm === "own" ? (
        <TextField
          label="Pattern"
          hint="Minute, hour, day, month, weekday."
          value={draft.cron}
          onChange={(cron) => change({ cron })}
          isMono
        />
      ) : (
        <TextField
          label="At"
          type="time"
          value={draft.time}
          onChange={(time) => change({ time })}
          isMono
        />
      )}
      <TextField
        label="Time zone"
        hint="Left empty, it is the appliance's."
        value={draft.zone}
        onChange={(zone) => change({ zone })}
        isMono
      />
    </div>
  );
}

/** What the appliance makes of the pattern, before it is set. */
function Moments({ cron, zone }: { cron: string; zone: string }) {
  const query = useLockAwareQuery(preview(cron, zone, SHOWN));
  if (query.error) return <ErrorBox error={query.error} />;
  return (
    <p className="small quiet-text">
      Next:{" "}
      <span className="mono">
        {query.data
          ? query.data.next.map((at) => formatTime(at).slice(0, -3)).join(" · ") || "never"
          : "…"}
      </span>
    </p>
  );
}

function Else({ draft, change }: PartProps) {
  return (
    <div className="pair">
      <SelectField
        label="What was missed while it was off"
        value={draft.missed}
        onChange={(missed) => change({ missed })}
        options={[
          { value: "run_once", text: "is made up for once" },
          { value: "skip", text: "is left out" },
        ]}
      />
      <SelectField
        label="A job that failed"
        value={draft.attempts}
        onChange={(attempts) => change({ attempts })}
        options={[
          { value: "0", text: "is not tried again" },
          { value: "1", text: "is tried once more" },
          { value: "3", text: "is tried three times more" },
        ]}
      />
      {draft.attempts !== "0" && (
        <TextField
          label="Minutes before the next try"
          type="number"
          value={draft.afterMinutes}
          onChange={(afterMinutes) => change({ afterMinutes })}
        />
      )}
    </div>
  );
}
