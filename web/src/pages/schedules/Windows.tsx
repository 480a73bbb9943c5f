// Maintenance windows: times at which no scheduled job begins.
import { useState } from "react";
import { preview, windows } from "../../api/queries";
import type { WindowView } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";
import { formatTime } from "../../util/units";

const RENEWS = ["windows", "schedules"];

export function Windows() {
  const query = useLockAwareQuery(windows());
  const whyNot = useWhyNot("PUT /api/maintenance-windows/{name}");
  const [isAdding, setIsAdding] = useState(false);
  const [removed, setRemoved] = useState<WindowView | null>(null);
  return (
    <Panel
      title="Maintenance windows"
      aside={
        <Button look="small" whyNot={whyNot} onClick={() => setIsAdding(true)}>
          Add a window
        </Button>
      }
    >
      <div className="stack">
        <p className="quiet-text">
          In a window nothing begins by itself; what runs goes on, and a person may start anything.
        </p>
        <Loaded query={query} what="the windows">
          {(page) => (
            <ul className="stack tight" aria-label="Windows">
              {page.items.map((item) => (
                <li key={item.name} className="actions">
                  <strong>{item.name}</strong>
                  <span className="mono small">
                    {item.cron} {item.time_zone}
                  </span>
                  <span>{item.minutes} min</span>
                  {item.open_until && (
                    <Lamp
                      state={{
                        tone: "busy",
                        icon: "paused",
                        text: `open until ${formatTime(item.open_until)}`,
                      }}
                    />
                  )}
                  <Button
                    look={["small", "quiet"]}
                    label={`Remove window ${item.name}`}
                    whyNot={whyNot}
                    onClick={() => setRemoved(item)}
                  >
                    Remove
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      </div>
      {isAdding && <AddWindow onClose={() => setIsAdding(false)} />}
      {removed && (
        <AskDialog
          title={`Remove window ${removed.name}`}
          act="Remove it"
          sending={{ method: "DELETE", path: api.window(removed.name) }}
          renews={RENEWS}
          done="The window was removed."
          onClose={() => setRemoved(null)}
        >
          <p>Scheduled jobs may begin in that time from now on.</p>
        </AskDialog>
      )}
    </Panel>
  );
}

function AddWindow({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [cron, setCron] = useState("0 8 * * MON-FRI");
  const [zone, setZone] = useState(Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [minutes, setMinutes] = useState("120");
  const next = useLockAwareQuery(preview(cron, zone, 2));
  return (
    <AskDialog
      title="Add a maintenance window"
      act="Add it"
      whyNot={name.trim() === "" ? "It needs a name." : undefined}
      sending={{
        method: "PUT",
        path: api.window(name.trim()),
        body: { cron, time_zone: zone, minutes: Number(minutes) },
      }}
      renews={RENEWS}
      done="The window is set."
      onClose={onClose}
    >
      <TextField label="Name" value={name} onChange={setName} autoFocus />
      <TextField
        label="Begins"
        hint="A pattern: minute, hour, day, month, weekday."
        value={cron}
        onChange={setCron}
        isMono
      />
      <TextField label="Lasts, in minutes" type="number" value={minutes} onChange={setMinutes} />
      <TextField label="Time zone" value={zone} onChange={setZone} isMono />
      {next.data && (
        <p className="small quiet-text">
          Next: <span className="mono">{next.data.next.map(formatTime).join(" · ")}</span>
        </p>
      )}
      {next.error && <ErrorBox error={next.error} />}
    </AskDialog>
  );
}
