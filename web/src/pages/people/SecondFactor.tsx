// The second factor of one's own account: scan, type a code back, keep the recovery codes; or end it.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { RecoveryCodes, TotpProposal } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { ShownOnce } from "../../components/ShownOnce";
import { useSend } from "../../hooks/useAct";
import { ACCESS_KEY } from "../../stores/session";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { QrCode } from "../../ui/QrCode";
import { api } from "../../util/path-builder";

export function SecondFactor() {
  const [open, setOpen] = useState<"begin" | "end" | "codes" | null>(null);
  return (
    <Panel title="Second factor">
      <div className="stack">
        <p className="quiet-text">
          A code from an authenticator app beside the password. Recovery codes stand in for a lost
          phone; they are shown once, when it is set up. Setting it up anew replaces the old one.
        </p>
        <div className="actions">
          <Button onClick={() => setOpen("begin")}>Set up an authenticator</Button>
          <Button onClick={() => setOpen("codes")}>Make new recovery codes</Button>
          <Button onClick={() => setOpen("end")}>Take it away</Button>
        </div>
      </div>
      {open === "begin" && <Begin onClose={() => setOpen(null)} />}
      {open === "codes" && <Codes onClose={() => setOpen(null)} />}
      {open === "end" && <End onClose={() => setOpen(null)} />}
    </Panel>
  );
}

function PasswordField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <TextField
      label="Your password"
      hint="So that nobody does this at an open screen."
      type="password"
      value={value}
      onChange={onChange}
      autoComplete="current-password"
      autoFocus
    />
  );
}

function Begin({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const propose = useSend<TotpProposal>([]);
  const confirm = useSend<RecoveryCodes>([], {
    // The session has another word for its changes now.
    onDone: () => void client.invalidateQueries({ queryKey: ACCESS_KEY }),
  });
  const codes = confirm.data?.recovery_codes;
  const proposal = propose.data;
  return (
    <Dialog
      title="Set up an authenticator"
      onClose={onClose}
      onSubmit={() => {
        if (codes) return onClose();
        if (proposal) confirm.mutate({ path: api.confirmTotp(), body: { code: code.trim() } });
        else propose.mutate({ path: api.totp(), body: { password } });
      }}
      footer={
        <>
          {!codes && <Button onClick={onClose}>Leave it as it is</Button>}
          <Button type="submit" look="primary" isBusy={propose.isPending || confirm.isPending}>
            {codes ? "I have kept them" : proposal ? "Turn it on" : "Next"}
          </Button>
        </>
      }
    >
      {codes ? (
        <>
          <p>The second factor is on. Print these or write them down, and keep them apart.</p>
          <ShownOnce name="Recovery codes" lines={codes} />
        </>
      ) : proposal ? (
        <Proposal proposal={proposal} code={code} onCode={setCode} />
      ) : (
        <PasswordField value={password} onChange={setPassword} />
      )}
      {propose.error && <ErrorBox error={propose.error} />}
      {confirm.error && <ErrorBox error={confirm.error} />}
    </Dialog>
  );
}

interface ProposalProps {
  proposal: TotpProposal;
  code: string;
  onCode: (value: string) => void;
}

export function Proposal({ proposal, code, onCode }: ProposalProps) {
  return (
    <>
      <p>Scan this with the authenticator app, or type the secret into it.</p>
      <QrCode text={proposal.otpauth_uri} label="The secret as a QR code" />
      <p className="mono secret" data-secret>
        {proposal.secret_base32}
      </p>
      <TextField
        label="Code"
        hint="The six digits that the app shows now: it counts from then on."
        value={code}
        onChange={onCode}
        autoComplete="one-time-code"
        inputMode="numeric"
        isMono
      />
    </>
  );
}

function Codes({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const send = useSend<RecoveryCodes>([]);
  const codes = send.data?.recovery_codes;
  return (
    <Dialog
      title="Make new recovery codes"
      onClose={onClose}
      onSubmit={() => {
        if (codes) return onClose();
        send.mutate({ path: api.recoveryCodes(), body: { password } });
      }}
      footer={
        <>
          {!codes && <Button onClick={onClose}>Leave them as they are</Button>}
          <Button type="submit" look="primary" isBusy={send.isPending}>
            {codes ? "I have kept them" : "Make them"}
          </Button>
        </>
      }
    >
      {codes ? (
        <ShownOnce name="Recovery codes" lines={codes} />
      ) : (
        <>
          <p>
            Each stands in once for an authenticator or a passkey that is lost. Those that you have
            are worth nothing then.
          </p>
          <PasswordField value={password} onChange={setPassword} />
        </>
      )}
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}

function End({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const send = useSend([ACCESS_KEY[0], "users"], { onDone: onClose });
  return (
    <Dialog
      title="Take the second factor away"
      onClose={onClose}
      onSubmit={() => send.mutate({ path: api.removeTotp(), body: { password } })}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button type="submit" look={["danger", "primary"]} isBusy={send.isPending}>
            Take it away
          </Button>
        </>
      }
    >
      <p>The password alone signs in from then on. The recovery codes are worth nothing.</p>
      <PasswordField value={password} onChange={setPassword} />
      {send.error && <ErrorBox error={send.error} />}
    </Dialog>
  );
}
