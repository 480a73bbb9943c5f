// Signing in: user, password, and the second factor where the account has one: a code of the
// authenticator, or a recovery code where it is lost.
import { useState } from "react";
import { post } from "../../api/client";
import type { SignInResult } from "../../api/types";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { api } from "../../util/path-builder";
import { AccessForm } from "./AccessForm";
import { ByPasskey } from "./ByPasskey";
import { ByProvider } from "./ByProvider";

type Factor = "none" | "authenticator" | "recovery";

interface Props {
  onEntered: () => void;
  /** Why somebody was not let in who has come back from an identity provider. */
  refusal: unknown;
}

export function SignIn({ onEntered, refusal }: Props) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [factor, setFactor] = useState<Factor>("none");
  return (
    <AccessForm
      title="Sign in"
      act="Sign in"
      onSend={async () => {
        const totp = code.trim();
        const body = totp ? { user, password, totp } : { user, password };
        const result = await post<SignInResult>(api.session(), body);
        if ("second_factor_needed" in result) {
          setFactor(result.by_code ? "authenticator" : "recovery");
        } else onEntered();
      }}
      other={
        <>
          <ByPasskey onEntered={onEntered} />
          <ByProvider refusal={refusal} />
        </>
      }
      foot={<p>A forgotten admin password is reset on the appliance's serial console.</p>}
    >
      <TextField
        label="User"
        value={user}
        onChange={setUser}
        autoComplete="username"
        autoFocus={factor === "none"}
      />
      <TextField
        label="Password"
        type="password"
        value={password}
        onChange={setPassword}
        autoComplete="current-password"
      />
      {factor !== "none" && (
        <CodeField
          key={factor}
          factor={factor}
          value={code}
          onChange={setCode}
          onOther={() => {
            setCode("");
            setFactor(factor === "recovery" ? "authenticator" : "recovery");
          }}
        />
      )}
    </AccessForm>
  );
}

interface CodeProps {
  factor: Factor;
  value: string;
  onChange: (value: string) => void;
  onOther: () => void;
}

function CodeField({ factor, value, onChange, onOther }: CodeProps) {
  const isRecovery = factor === "recovery";
  return (
    <div className="stack tight">
      <TextField
        label={isRecovery ? "Recovery code" : "Code"}
        hint={
          isRecovery
            ? "One of those that you printed; each is good for once. Or sign in with your passkey."
            : "Six digits from your authenticator app."
        }
        value={value}
        onChange={onChange}
        autoComplete={isRecovery ? "off" : "one-time-code"}
        inputMode={isRecovery ? "text" : "numeric"}
        isMono
        autoFocus
      />
      <div>
        <Button look={["quiet", "small"]} onClick={onOther}>
          {isRecovery ? "Use the authenticator instead" : "Use a recovery code instead"}
        </Button>
      </div>
    </div>
  );
}
