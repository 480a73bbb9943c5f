// Gives a network port another setting, on trial.
import { useState } from "react";
import type { PortState } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { Choices, TextField } from "../ui/Field";
import { Notice } from "../ui/Notice";
import { api } from "../util/path-builder";
import { ofSetting, type PortDraft, portBody, whyNotPort } from "./port-draft";

export function PortEdit({ port, onClose }: { port: PortState; onClose: () => void }) {
  const [draft, setDraft] = useState(() => ofSetting(port.setting));
  const change = (part: Partial<PortDraft>) => setDraft((before) => ({ ...before, ...part }));
  return (
    <AskDialog
      title={`What ${port.name} is to have`}
      act="Try it out"
      whyNot={whyNotPort(draft)}
      sending={{ method: "PUT", path: api.networkPort(port.name), body: portBody(draft) }}
      renews={["network"]}
      done={`${port.name} has the new setting on trial.`}
      onClose={onClose}
    >
      <Choices
        legend="Address"
        name="address-kind"
        value={draft.kind}
        onChange={(kind) => change({ kind })}
        options={[
          { value: "dhcp", title: "By DHCP", text: "The network gives it an address." },
          { value: "fixed", title: "Fixed", text: "It has the address that you write here." },
        ]}
      />
      {draft.kind === "fixed" && (
        <div className="pair">
          <TextField
            label="Address with prefix"
            value={draft.address}
            onChange={(address) => change({ address })}
            placeholder="192.0.2.5/24"
            isMono
          />
          <TextField
            label="Gateway"
            hint="Empty: other networks are not reached."
            value={draft.gateway}
            onChange={(gateway) => change({ gateway })}
            isMono
          />
        </div>
      )}
      <TextField
        label="Name servers"
        hint="Addresses, at most 3."
        value={draft.nameServers}
        onChange={(nameServers) => change({ nameServers })}
        isMono
      />
      <Notice tone="warn">
        <p>
          This page may lose its connection. Open the console at the new address within two minutes,
          sign in and keep the setting there; otherwise it goes back by itself.
        </p>
      </Notice>
    </AskDialog>
  );
}
