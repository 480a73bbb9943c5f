// Where newer versions are looked for: an address, and the key that must have signed what it says.
import { useState } from "react";
import type { UpdatesState } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { useSend } from "../../hooks/useAct";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { TextField, Tick } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";
import { formatTime } from "../../util/units";

const RENEWS = ["updates"];

export function Channel({ state }: { state: UpdatesState }) {
  const [open, setOpen] = useState<"set" | "remove" | null>(null);
  const notMine = useWhyNot("PUT /api/updates/channel");
  const check = useSend<UpdatesState>(RENEWS);
  const { channel } = state;
  return (
    <Panel
      title="Where newer versions are looked for"
      aside={
        <>
          {channel && (
            <Button
              look="small"
              whyNot={notMine}
              isBusy={check.isPending}
              onClick={() => check.mutate({ path: api.checkUpdates() })}
            >
              Look now
            </Button>
          )}
          <Button look="small" whyNot={notMine} onClick={() => setOpen("set")}>
            {channel ? "Change" : "Set an address"}
          </Button>
          {channel && (
            <Button look={["small", "quiet"]} whyNot={notMine} onClick={() => setOpen("remove")}>
              Remove
            </Button>
          )}
        </>
      }
    >
      <div className="stack tight">
        {channel ? (
          <Facts
            rows={[
              [
                "Address",
                <span key="a" className="mono">
                  {channel.address}
                </span>,
              ],
              ["Channel", channel.name],
              [
                "By itself",
                channel.is_automatic ? "in a maintenance window, when no job is at work" : "never",
              ],
              ["Last asked", <Ago key="l" at={channel.checked_at ?? null} />],
              ["Published", <Published key="p" channel={channel} />],
            ]}
          />
        ) : (
          <p className="quiet-text">Nowhere: bundles are brought by hand.</p>
        )}
        {channel?.problem && (
          <Notice tone="warn">
            <p>{channel.problem}</p>
          </Notice>
        )}
        {check.error && <ErrorBox error={check.error} />}
      </div>
      {open === "set" && <SetChannel state={state} onClose={() => setOpen(null)} />}
      {open === "remove" && (
        <AskDialog
          title="Look for newer versions nowhere"
          act="Remove the address"
          sending={{ method: "DELETE", path: api.updateChannel() }}
          renews={RENEWS}
          done="Newer versions are looked for nowhere."
          onClose={() => setOpen(null)}
        >
          <p>Bundles can still be brought by hand.</p>
        </AskDialog>
      )}
    </Panel>
  );
}

function Published({ channel }: { channel: NonNullable<UpdatesState["channel"]> }) {
  const { published } = channel;
  if (!published) return "not known yet";
  return (
    <>
      <span className="mono">{published.version}</span>
      {published.is_newer ? ", which is newer" : ", which is not newer"}; signed{" "}
      {formatTime(published.issued_at)}
    </>
  );
}

function SetChannel({ state, onClose }: { state: UpdatesState; onClose: () => void }) {
  const { channel } = state;
  const [address, setAddress] = useState(channel?.address ?? "");
  const [name, setName] = useState(channel?.name ?? "stable");
  const [key, setKey] = useState("");
  const [authority, setAuthority] = useState("");
  const [isAutomatic, setIsAutomatic] = useState(channel?.is_automatic ?? false);
  const body = {
    address: address.trim(),
    name: name.trim(),
    key_pem: key.trim(),
    is_automatic: isAutomatic,
    ...(authority.trim() ? { ca_pem: authority.trim() } : {}),
  };
  const isWhole = body.address && body.name && body.key_pem;
  return (
    <AskDialog
      title="Where newer versions are looked for"
      act="Keep it"
      whyNot={isWhole ? undefined : "It needs an address, a channel and a key."}
      sending={{ method: "PUT", path: api.updateChannel(), body }}
      renews={RENEWS}
      done="The address is kept."
      onClose={onClose}
    >
      <TextField
        label="Address of the channel file"
        value={address}
        onChange={setAddress}
        placeholder="https://"
        isMono
        autoFocus
      />
      <TextField label="Channel" value={name} onChange={setName} isMono />
      <TextField
        label="Public key"
        hint="Ed25519, as PEM: only what it has signed is believed."
        rows={4}
        value={key}
        onChange={setKey}
        isMono
      />
      <TextField
        label="Certificates of its own authority"
        hint="As PEM. Empty: the public ones."
        rows={3}
        value={authority}
        onChange={setAuthority}
        isMono
      />
      <Tick
        text="Install what is newer by itself, in a maintenance window"
        isOn={isAutomatic}
        onTurn={setIsAutomatic}
      />
    </AskDialog>
  );
}
