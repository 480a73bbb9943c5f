// The dialog that adds a channel or changes one.
import { useState } from "react";
import type { ChannelView } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { SelectField, TextField, Tick } from "../ui/Field";
import { api } from "../util/path-builder";
import {
  bodyOf,
  type ChannelDraft,
  EMPTY_CHANNEL,
  ofChannel,
  whyNotChannel,
} from "./channel-draft";

interface Props {
  /** The one that is changed; none adds a new one. */
  channel?: ChannelView;
  onClose: () => void;
}

const SECRET: Record<ChannelDraft["kind"], { label: string; hint: string }> = {
  webhook: { label: "Secret", hint: "Signs what is sent, so that the receiver knows the sender." },
  mail: { label: "Password", hint: "Of the user at the mail server." },
  snmp: { label: "Community", hint: "As the manager expects it." },
};

export function ChannelEdit({ channel, onClose }: Props) {
  const [draft, setDraft] = useState(channel ? ofChannel(channel) : EMPTY_CHANNEL);
  const change = (part: Partial<ChannelDraft>) => setDraft((before) => ({ ...before, ...part }));
  // A channel that leads elsewhere does not take its secret along.
  const isSame = channel !== undefined && channel.target.kind === draft.kind;
  const secret = SECRET[draft.kind];
  return (
    <AskDialog
      title={channel ? `Change ${channel.name}` : "Add a channel"}
      act={channel ? "Change it" : "Add it"}
      whyNot={whyNotChannel(draft, isSame && channel.has_secret)}
      sending={{ method: "PUT", path: api.channel(draft.name), body: bodyOf(draft, channel) }}
      renews={["channels"]}
      done={`Channel ${draft.name} is set.`}
      onClose={onClose}
    >
      {!channel && (
        <TextField
          label="Name"
          value={draft.name}
          onChange={(name) => change({ name })}
          autoFocus
        />
      )}
      <div className="pair">
        <SelectField
          label="By"
          value={draft.kind}
          onChange={(kind) => change({ kind })}
          options={[
            { value: "webhook", text: "Webhook" },
            { value: "mail", text: "Mail" },
            { value: "snmp", text: "SNMP trap" },
          ]}
        />
        <SelectField
          label="From"
          value={draft.severity}
          onChange={(severity) => change({ severity })}
          options={[
            { value: "critical", text: "only what needs somebody now" },
            { value: "warning", text: "what needs somebody soon" },
            { value: "info", text: "everything" },
          ]}
        />
      </div>
      {draft.kind === "webhook" ? (
        <TextField
          label="Address"
          value={draft.url}
          onChange={(url) => change({ url })}
          placeholder="https://"
          isMono
        />
      ) : (
        <Server draft={draft} change={change} />
      )}
      <TextField
        label={secret.label}
        hint={channel?.has_secret ? `${secret.hint} Empty: as it is.` : secret.hint}
        type="password"
        value={draft.secret}
        onChange={(value) => change({ secret: value })}
        autoComplete="new-password"
      />
      <Tick
        text="Send what comes"
        isOn={draft.isEnabled}
        onTurn={(isEnabled) => change({ isEnabled })}
      />
    </AskDialog>
  );
}

interface ServerProps {
  draft: ChannelDraft;
  change: (part: Partial<ChannelDraft>) => void;
}

function Server({ draft, change }: ServerProps) {
  return (
    <>
      <div className="pair">
        <TextField
          label="Server"
          value={draft.server}
          onChange={(server) => change({ server })}
          isMono
        />
        <TextField
          label="Port"
          hint="Empty: the usual one."
          type="number"
          value={draft.port}
          onChange={(port) => change({ port })}
        />
      </div>
      {draft.kind === "mail" && (
        <div className="pair">
          <SelectField
            label="Protected by"
            value={draft.security}
            onChange={(security) => change({ security })}
            options={[
              { value: "starttls", text: "STARTTLS" },
              { value: "tls", text: "TLS" },
              { value: "none", text: "nothing: no password is sent" },
            ]}
          />
          <TextField label="User" value={draft.user} onChange={(user) => change({ user })} />
          <TextField label="From whom" value={draft.from} onChange={(from) => change({ from })} />
          <TextField
            label="To whom"
            hint="Several with a comma between them."
            value={draft.to}
            onChange={(value) => change({ to: value })}
          />
        </div>
      )}
    </>
  );
}
