// First run: the one-time code proves that the person can see the appliance's own terminal, and the
// first admin is made.
import { useState } from "react";
import { post } from "../../api/client";
import type { SessionView } from "../../api/types";
import { NO_PASSWORD, PasswordFields, whyNotPassword } from "../../forms/password-fields";
import { TextField } from "../../ui/Field";
import { api } from "../../util/path-builder";
import { AccessForm } from "./AccessForm";

export function Setup({ onEntered }: { onEntered: () => void }) {
  const [code, setCode] = useState("");
  const [user, setUser] = useState("");
  const [wanted, setWanted] = useState(NO_PASSWORD);
  const missing = wanted.again === "" ? "Type the password twice." : undefined;
  return (
    <AccessForm
      title="First run"
      lead="Make the first admin. The one-time code is on the appliance's terminal or serial console."
      act="Make the admin and go on"
      whyNot={whyNotPassword(wanted) ?? (wanted.password === "" ? undefined : missing)}
      onSend={async () => {
        const request = { code: code.trim(), user, password: wanted.password };
        await post<SessionView>(api.setup(), request);
        onEntered();
      }}
    >
      <TextField
        label="One-time code"
        value={code}
        onChange={setCode}
        autoComplete="one-time-code"
        isMono
        autoFocus
      />
      <TextField label="User" value={user} onChange={setUser} autoComplete="username" />
      <PasswordFields value={wanted} onChange={setWanted} />
    </AccessForm>
  );
}
