// Signing in: user, password, and the second factor where the account has one.
import { useState } from "react";
import { post } from "../../api/client";
import type { SessionView } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Mark } from "../../ui/Icon";
import { api } from "../../util/path-builder";

interface Draft {
  user: string;
  password: string;
  totp: string;
}

export function SignIn({ onEntered }: { onEntered: () => void }) {
  const [draft, setDraft] = useState<Draft>({ user: "", password: "", totp: "" });
  const [needsCode, setNeedsCode] = useState(false);
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);

  async function submit() {
    setIsBusy(true);
    setError(undefined);
    const { user, password, totp } = draft;
    try {
      const body = totp ? { user, password, totp } : { user, password };
      const session = await post<SessionView>(api.session(), body);
      if (session.second_factor_needed) setNeedsCode(true);
      else onEntered();
    } catch (refusal) {
      setError(refusal);
    }
    setIsBusy(false);
  }

  return (
    <main className="center" id="main">
      <form
        className="panel stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="brand">
          <Mark />
          FossilSafe
        </div>
        <h1>Sign in</h1>
        <TextField
          label="User"
          value={draft.user}
          onChange={(user) => setDraft({ ...draft, user })}
          autoComplete="username"
          autoFocus
        />
        <TextField
          label="Password"
          type="password"
          value={draft.password}
          onChange={(password) => setDraft({ ...draft, password })}
          autoComplete="current-password"
        />
        {needsCode && (
          <TextField
            label="Code"
            hint="Six digits from your authenticator app."
            value={draft.totp}
            onChange={(totp) => setDraft({ ...draft, totp })}
            autoComplete="one-time-code"
            inputMode="numeric"
            isMono
            autoFocus
          />
        )}
        {error !== undefined && <ErrorBox error={error} />}
        <Button look="primary" type="submit" isBusy={isBusy}>
          Sign in
        </Button>
        <p className="small quiet-text">
          A forgotten admin password is reset on the appliance's serial console.
        </p>
      </form>
    </main>
  );
}
