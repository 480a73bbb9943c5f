// The way in without a password: a passkey that the device keeps for this name of the appliance.
import { useState } from "react";
import { ErrorBox } from "../../components/ErrorBox";
import { Button } from "../../ui/Button";
import { isChangeOfMind, signInByPasskey, whyNoPasskeys } from "./passkey";

export function ByPasskey({ onEntered }: { onEntered: () => void }) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);
  // Who cannot use one here is not told about it on the way in; the account's page says why.
  if (whyNoPasskeys() !== undefined) return null;

  async function enter() {
    setError(undefined);
    setIsBusy(true);
    try {
      await signInByPasskey();
      onEntered();
    } catch (refusal) {
      if (!isChangeOfMind(refusal)) setError(refusal);
    }
    setIsBusy(false);
  }

  return (
    <>
      {error !== undefined && <ErrorBox error={error} />}
      <Button isBusy={isBusy} onClick={() => void enter()}>
        Use a passkey
      </Button>
    </>
  );
}
