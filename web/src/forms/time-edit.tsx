// Sets time zone and time servers of the machine, at once.
import { useState } from "react";
import type { TimeSetting } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { SelectField, TextField } from "../ui/Field";
import { api } from "../util/path-builder";
import { ofTime, timeBody, zonesWith } from "./time-draft";

export function TimeEdit({ setting, onClose }: { setting: TimeSetting; onClose: () => void }) {
  const [draft, setDraft] = useState(() => ofTime(setting));
  return (
    <AskDialog
      title="Time zone and time servers"
      act="Set them"
      sending={{ method: "PUT", path: api.time(), body: timeBody(draft) }}
      renews={["time"]}
      done="Time zone and time servers are set."
      onClose={onClose}
    >
      <SelectField
        label="Time zone"
        hint="Schedules keep the zone that they have; one that is made without a zone gets this."
        value={draft.zone}
        onChange={(zone) => setDraft((before) => ({ ...before, zone }))}
        options={zonesWith(setting.time_zone).map((zone) => ({ value: zone, text: zone }))}
      />
      <TextField
        label="Time servers"
        hint="Names or addresses, at most 4, asked besides those that the network names."
        value={draft.servers}
        onChange={(servers) => setDraft((before) => ({ ...before, servers }))}
        isMono
      />
    </AskDialog>
  );
}
