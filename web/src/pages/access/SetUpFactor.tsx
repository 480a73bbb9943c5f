// A second factor is required, and this person has none: until one is set up, nothing else can be done.
import { useState } from "react";
import { post } from "../../api/client";
import type { PasskeyOffer, PasskeyView, RecoveryCodes, TotpProposal } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { ShownOnce } from "../../components/ShownOnce";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { api } from "../../util/path-builder";
import { Proposal } from "../people/SecondFactor";
import { AccessForm } from "./AccessForm";
import { isChangeOfMind, makePasskey, whyNoPasskeys } from "./passkey";

interface Props {
  user: string;
  onEntered: () => void;
  onSignOut: () => void;
}

export function SetUpFactor({ user, onEntered, onSignOut }: Props) {
  const [password, setPassword] = useState("");
  const [proposal, setProposal] = useState<TotpProposal>();
  const [code, setCode] = useState("");
  const [codes, setCodes] = useState<readonly string[]>();
  const [refusal, setRefusal] = useState<unknown>();

  async function byAuthenticator() {
    setRefusal(undefined);
    if (codes) return onEntered();
    if (!proposal) return setProposal(await post<TotpProposal>(api.totp(), { password }));
    const done = await post<RecoveryCodes>(api.confirmTotp(), { code: code.trim() });
    setCodes(done.recovery_codes);
  }

  async function byPasskey() {
    setRefusal(undefined);
    try {
      const offer = await post<PasskeyOffer>(api.passkeyStart(), { password });
      await post<PasskeyView>(api.passkeys(), await makePasskey(offer, "First passkey"));
      const made = await post<RecoveryCodes>(api.recoveryCodes(), { password });
      setCodes(made.recovery_codes);
    } catch (error) {
      if (!isChangeOfMind(error)) setRefusal(error);
    }
  }

  const whyNot = proposal || password !== "" ? undefined : "Type your password first.";
  return (
    <AccessForm
      title={codes ? "Keep your recovery codes" : "Set up a second factor"}
      lead={
        codes
          ? "Each signs you in once when the device is lost. Print them or write them down, and keep them apart."
          : `${user}, this appliance asks for a second factor beside the password, and you have none yet.`
      }
      act={codes ? "I have kept them" : proposal ? "Turn it on" : "Use an authenticator app"}
      whyNot={codes ? undefined : whyNot}
      onSend={byAuthenticator}
      other={
        !proposal &&
        !codes && (
          <Button whyNot={whyNoPasskeys() ?? whyNot} onClick={() => void byPasskey()}>
            Make a passkey instead
          </Button>
        )
      }
      foot={
        !codes && (
          <Button look={["quiet", "small"]} onClick={onSignOut}>
            Sign out
          </Button>
        )
      }
    >
      {codes ? (
        <ShownOnce name="Recovery codes" lines={codes} />
      ) : proposal ? (
        <Proposal proposal={proposal} code={code} onCode={setCode} />
      ) : (
        <TextField
          label="Your password"
          hint="So that nobody does this at an open screen."
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          autoFocus
        />
      )}
      {refusal !== undefined && <ErrorBox error={refusal} />}
    </AccessForm>
  );
}
