// A password that somebody else has set lets its owner do one thing: choose another.
import { useState } from "react";
import { request } from "../../api/client";
import type { SessionView } from "../../api/types";
import { NO_PASSWORD, PasswordFields, whyNotPassword } from "../../forms/password-fields";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { api } from "../../util/path-builder";
import { AccessForm } from "./AccessForm";

interface Props {
  user: string;
  onEntered: () => void;
  onSignOut: () => void;
}

export function ChoosePassword({ user, onEntered, onSignOut }: Props) {
  const [present, setPresent] = useState("");
  const [wanted, setWanted] = useState(NO_PASSWORD);
  return (
    <AccessForm
      title="Choose your password"
      lead={`${user}, the password that you came with was set by somebody else. Choose one that only you know.`}
      act="Set the password and go on"
      whyNot={whyNotPassword(wanted)}
      onSend={async () => {
        const body = { present, wanted: wanted.password };
        await request<SessionView>("PUT", api.password(), body);
        onEntered();
      }}
      foot={
        <Button look={["quiet", "small"]} onClick={onSignOut}>
          Sign out
        </Button>
      }
    >
      <TextField
        label="Present password"
        type="password"
        value={present}
        onChange={setPresent}
        autoComplete="current-password"
        autoFocus
      />
      <PasswordFields value={wanted} onChange={setWanted} />
    </AccessForm>
  );
}
