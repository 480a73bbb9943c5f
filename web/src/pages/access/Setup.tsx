// First run: the one-time code proves that the person can see the appliance's own terminal, and the
// first admin is made.
import { useState } from "react";
import { post } from "../../api/client";
import type { SessionView } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Mark } from "../../ui/Icon";
import { api } from "../../util/path-builder";

interface Draft {
  code: string;
  user: string;
  password: string;
  again: string;
}

export function Setup({ onEntered }: { onEntered: () => void }) {
  const [draft, setDraft] = useState<Draft>({ code: "", user: "", password: "", again: "" });
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);
  const isDifferent = draft.again !== "" && draft.again !== draft.password;

  async function submit() {
    if (draft.password !== draft.again) return;
    setIsBusy(true);
    setError(undefined);
    const { code, user, password } = draft;
    try {
      await post<SessionView>(api.setup(), { code: code.trim(), user, password });
      onEntered();
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
        <div>
          <h1>First run</h1>
          <p className="quiet-text">
            Make the first admin. The one-time code is on the appliance's terminal or serial
            console.
          </p>
        </div>
        <TextField
          label="One-time code"
          value={draft.code}
          onChange={(code) => setDraft({ ...draft, code })}
          autoComplete="one-time-code"
          isMono
          autoFocus
        />
        <TextField
          label="User"
          value={draft.user}
          onChange={(user) => setDraft({ ...draft, user })}
          autoComplete="username"
        />
        <TextField
          label="Password"
          hint="At least 12 characters; a sentence is easier to keep than a riddle."
          type="password"
          value={draft.password}
          onChange={(password) => setDraft({ ...draft, password })}
          autoComplete="new-password"
        />
        <TextField
          label="Password again"
          type="password"
          value={draft.again}
          onChange={(again) => setDraft({ ...draft, again })}
          autoComplete="new-password"
          wrong={isDifferent ? "This is not the same password." : undefined}
        />
        {error !== undefined && <ErrorBox error={error} />}
        <Button
          look="primary"
          type="submit"
          isBusy={isBusy}
          whyNot={isDifferent ? "The passwords differ." : undefined}
        >
          Make the admin and go on
        </Button>
      </form>
    </main>
  );
}
