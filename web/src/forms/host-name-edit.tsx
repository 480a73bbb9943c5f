// Gives the machine another name, at once.
import { useState } from "react";
import { AskDialog } from "../components/AskDialog";
import { TextField } from "../ui/Field";
import { api } from "../util/path-builder";

/** The appliance refuses what this lets through, with its reason. */
const WORD = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

export function HostNameEdit({ present, onClose }: { present: string; onClose: () => void }) {
  const [name, setName] = useState(present);
  const isWord = WORD.test(name.trim());
  return (
    <AskDialog
      title="What this machine is called"
      act="Name it"
      whyNot={isWord ? undefined : "It is one word of letters, digits and hyphens."}
      sending={{ method: "PUT", path: api.hostName(), body: { host_name: name.trim() } }}
      renews={["network"]}
      done="The machine has its new name."
      onClose={onClose}
    >
      <TextField label="Name" value={name} onChange={setName} isMono autoFocus />
      <p className="small quiet-text">
        It is found as <span className="mono">{isWord ? name.trim() : "name"}.local</span> at once.
        What is written on tapes and told in notices has the new name from the next restart on.
      </p>
    </AskDialog>
  );
}
