// The dialog that makes an API key, and then shows it this once.
import { useState } from "react";
import type { MadeApiKey, Role } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { ShownOnce } from "../components/ShownOnce";
import { useSend } from "../hooks/useAct";
import { useSession } from "../stores/session";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Choices, SelectField, TextField } from "../ui/Field";
import { api } from "../util/path-builder";
import { ROLE_CHOICES } from "./user-create";

const DAY_SECONDS = 24 * 60 * 60;
const LIVES = [
  { value: "30", text: "30 days" },
  { value: "90", text: "90 days" },
  { value: "365", text: "a year" },
  { value: "", text: "until it is taken away" },
] as const;

type Life = (typeof LIVES)[number]["value"];

export function ApiKeyCreate({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [scopes, setScopes] = useState("");
  const [days, setDays] = useState<Life>("90");
  const send = useSend<MadeApiKey>(["api-keys"]);
  if (send.data) return <MadeKey made={send.data} onClose={onClose} />;
  const mine = ROLE_CHOICES.findIndex((choice) => choice.value === session?.role);
  const whyNot = name.trim() === "" ? "Say what it is for." : undefined;
  return (
    <Dialog
      title="Make a key"
      onClose={onClose}
      onSubmit={() => {
        if (whyNot) return;
        const body = {
          name: name.trim(),
          role,
          scopes: scopes.split(/[\s,]+/).filter(Boolean),
          ...(days ? { life_seconds: Number(days) * DAY_SECONDS } : {}),
        };
        send.mutate({ path: api.apiKeys(), body });
      }}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            Make the key
          </Button>
        </>
      }
    >
      <TextField
        label="What it is for"
        hint="Monitoring, the nightly script: so that one knows later what to take away."
        value={name}
        onChange={setName}
        autoFocus
      />
      <Choices
        legend="Role"
        name="role"
        value={role}
        onChange={setRole}
        options={ROLE_CHOICES.slice(0, mine + 1)}
      />
      <TextField
        label="Only these parts of the API"
        hint="As jobs:read library:write; empty opens all that the role may."
        value={scopes}
        onChange={setScopes}
        isMono
      />
      <SelectField label="It ends after" value={days} onChange={setDays} options={LIVES} />
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}

function MadeKey({ made, onClose }: { made: MadeApiKey; onClose: () => void }) {
  return (
    <Dialog
      title={`The key ${made.key.name}`}
      onClose={onClose}
      onSubmit={onClose}
      footer={
        <Button type="submit" look="primary">
          I have noted it
        </Button>
      }
    >
      <ShownOnce name="API key" lines={[made.secret]} />
      <p>
        It goes into a header: <span className="mono">Authorization: Bearer</span> and the key.
      </p>
    </Dialog>
  );
}
