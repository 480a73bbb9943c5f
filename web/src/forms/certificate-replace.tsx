// A certificate that a person gives: pasted, or read from files; checked by the appliance before it is served.
import { useId, useState } from "react";
import type { CertificateState } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { useSend } from "../hooks/useAct";
import { useWhyNot } from "../hooks/useWhyNot";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Notice } from "../ui/Notice";
import { Panel } from "../ui/Panel";
import { api } from "../util/path-builder";
import {
  type CertificateDraft,
  certificateBody,
  EMPTY_CERTIFICATE,
  whyNotCertificate,
} from "./certificate-draft";

const FILES = ".pem,.crt,.cer,.key,.txt";

export function CertificateReplace({ hasRequest }: { hasRequest: boolean }) {
  const [draft, setDraft] = useState(EMPTY_CERTIFICATE);
  const change = (part: Partial<CertificateDraft>) =>
    setDraft((before) => ({ ...before, ...part }));
  const notMine = useWhyNot("PUT /api/certificate");
  const send = useSend<CertificateState>(["certificate"], {
    onDone: () => {
      setDraft(EMPTY_CERTIFICATE);
      announce("The certificate is served.");
    },
  });
  const whyNot = notMine ?? whyNotCertificate(draft, hasRequest);
  return (
    <Panel title="Give a certificate">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (whyNot !== undefined) return;
          send.mutate({ method: "PUT", path: api.certificate(), body: certificateBody(draft) });
        }}
      >
        <PemField
          label="Certificates"
          hint="The server's own first, then each one that signed the one before."
          value={draft.chain}
          onChange={(chain) => change({ chain })}
        />
        <PemField
          label="Private key"
          hint={
            hasRequest
              ? "Empty: the key of the signing request that waits."
              : "Without a password. It is kept here and never shown."
          }
          value={draft.key}
          onChange={(key) => change({ key })}
        />
        {send.error && <ErrorBox error={send.error} />}
        {send.isSuccess && (
          <Notice tone="good">
            <p>It is served from now on. Connections that are open keep the one before.</p>
          </Notice>
        )}
        <div className="actions">
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            Check it and serve it
          </Button>
        </div>
      </form>
    </Panel>
  );
}

interface PemProps {
  label: string;
  hint: string;
  value: string;
  onChange: (text: string) => void;
}

function PemField({ label, hint, value, onChange }: PemProps) {
  const id = useId();
  return (
    <div className="stack tight">
      <TextField label={label} hint={hint} value={value} onChange={onChange} rows={5} isMono />
      <div className="field">
        <label htmlFor={id}>{label} from a file</label>
        <input
          id={id}
          type="file"
          className="input"
          accept={FILES}
          onChange={(event) => {
            const [file] = event.target.files ?? [];
            if (file) void file.text().then(onChange);
            event.target.value = "";
          }}
        />
      </div>
    </div>
  );
}
