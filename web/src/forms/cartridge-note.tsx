// The dialogs that note something of a cartridge: another name, where it was put, an order not to write to
// it, and how long what is on it is kept.
import { useState } from "react";
import type { CartridgeView } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { useWhyNot } from "../hooks/useWhyNot";
import { TextField } from "../ui/Field";
import { Notice } from "../ui/Notice";
import { api } from "../util/path-builder";
import { dayEnds, formatDay, formatTime } from "../util/units";

export type Note = "alias" | "location" | "lock" | "unlock" | "retention" | "release";

interface Props {
  cartridge: CartridgeView;
  onClose: () => void;
}

const RENEWS = ["cartridge", "cartridges", "approvals"];

export function CartridgeNote({ note, ...props }: Props & { note: Note }) {
  switch (note) {
    case "alias":
      return <Alias {...props} />;
    case "location":
      return <Location {...props} />;
    case "lock":
      return <Lock {...props} />;
    case "unlock":
      return <Unlock {...props} />;
    case "retention":
      return <Retain {...props} />;
    case "release":
      return <Release {...props} />;
  }
}

function Alias({ cartridge: { barcode, alias }, onClose }: Props) {
  const [name, setName] = useState(alias ?? "");
  return (
    <AskDialog
      title={`Another name for ${barcode}`}
      act="Keep the name"
      whyNot={useWhyNot("PUT /api/cartridges/{barcode}/alias")}
      sending={{ method: "PUT", path: api.alias(barcode), body: { alias: name.trim() || null } }}
      renews={RENEWS}
      done="The name is kept."
      onClose={onClose}
    >
      <TextField
        label="Name"
        hint="What people call it, as Films 2019. No two cartridges have the same one. Empty: none."
        value={name}
        onChange={setName}
        autoFocus
      />
    </AskDialog>
  );
}

function Location({ cartridge: { barcode, location }, onClose }: Props) {
  const [place, setPlace] = useState(location ?? "");
  return (
    <AskDialog
      title={`Where ${barcode} was put`}
      act="Keep the place"
      whyNot={useWhyNot("PUT /api/cartridges/{barcode}/location")}
      sending={{
        method: "PUT",
        path: api.location(barcode),
        body: { location: place.trim() || null },
      }}
      renews={RENEWS}
      done="The place is kept."
      onClose={onClose}
    >
      <TextField
        label="Place"
        hint="In words, as bank, box 3. It ends when the cartridge is in a library again."
        value={place}
        onChange={setPlace}
        autoFocus
      />
    </AskDialog>
  );
}

function Lock({ cartridge: { barcode }, onClose }: Props) {
  const [reason, setReason] = useState("");
  return (
    <AskDialog
      title={`Lock ${barcode}`}
      act="Lock it"
      whyNot={useWhyNot("PUT /api/cartridges/{barcode}/lock")}
      sending={{
        method: "PUT",
        path: api.lock(barcode),
        body: { reason: reason.trim() || null },
      }}
      renews={RENEWS}
      done={`${barcode} is locked.`}
      onClose={onClose}
    >
      <p>
        Nothing is written to it until somebody unlocks it; it is read as before. A job that is
        writing to it ends its part there.
      </p>
      <TextField
        label="Why"
        hint="For those who find it locked."
        value={reason}
        onChange={setReason}
        autoFocus
      />
    </AskDialog>
  );
}

function Unlock({ cartridge: { barcode, lock }, onClose }: Props) {
  return (
    <AskDialog
      title={`Unlock ${barcode}`}
      act="Unlock it"
      whyNot={useWhyNot("DELETE /api/cartridges/{barcode}/lock")}
      sending={{ method: "DELETE", path: api.lock(barcode) }}
      renews={RENEWS}
      done={`${barcode} is not locked any more.`}
      onClose={onClose}
    >
      <p>
        {lock &&
          `${lock.by} has locked it on ${formatTime(lock.at)}${lock.reason ? `: ${lock.reason}` : ""}. `}
        Jobs may write to it again.
      </p>
    </AskDialog>
  );
}

function Retain({ cartridge: { barcode, retained_until: until }, onClose }: Props) {
  const [day, setDay] = useState(until ? formatDay(new Date(until)) : "");
  const notMine = useWhyNot("PUT /api/cartridges/{barcode}/retention");
  return (
    <AskDialog
      title={`Keep what is on ${barcode}`}
      act="Keep it until then"
      whyNot={notMine ?? (day === "" ? "Name the day." : undefined)}
      sending={{ method: "PUT", path: api.retention(barcode), body: { until: dayEnds(day) } }}
      renews={RENEWS}
      done={`What is on ${barcode} is kept until ${day}.`}
      onClose={onClose}
    >
      <Notice tone="warn">
        <p>
          Until the end of that day it cannot be formatted, and an attempt raises an alarm. The day
          can be moved to a later one, never to an earlier one.
        </p>
      </Notice>
      <TextField label="Until the end of" type="date" value={day} onChange={setDay} autoFocus />
    </AskDialog>
  );
}

function Release({ cartridge: { barcode, retained_until: until }, onClose }: Props) {
  const [typed, setTyped] = useState("");
  const notMine = useWhyNot("DELETE /api/cartridges/{barcode}/retention");
  const isTyped = typed.trim().toUpperCase() === barcode;
  return (
    <AskDialog
      title={`End the retention of ${barcode}`}
      act="End it"
      isDanger
      whyNot={notMine ?? (isTyped ? undefined : "Type the barcode as it is on the label.")}
      sending={{ method: "DELETE", path: api.retention(barcode) }}
      renews={RENEWS}
      done="The retention has ended."
      onClose={onClose}
    >
      <Notice tone="bad">
        <p>
          It was to be kept until {until && formatTime(until)}. To end that before its time raises
          an alarm and stands in the audit log; with the two-person rule a second admin has to
          agree.
        </p>
      </Notice>
      <TextField label={`Type ${barcode}`} value={typed} onChange={setTyped} isMono />
    </AskDialog>
  );
}
