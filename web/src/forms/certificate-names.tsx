// Names for a certificate: one that is made here, or one that an authority is asked for.
import { useState } from "react";
import { AskDialog } from "../components/AskDialog";
import { TextField } from "../ui/Field";
import { api } from "../util/path-builder";
import { namesOf } from "./certificate-draft";

interface Props {
  ownNames: readonly string[];
  onClose: () => void;
}

const RENEWS = ["certificate"];

function NamesField({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  return (
    <TextField
      label="Names and addresses"
      hint="One a line: how people and programs call this machine. Empty: as it finds them itself."
      value={value}
      onChange={onChange}
      rows={6}
      isMono
    />
  );
}

export function SelfSigned({ ownNames, onClose }: Props) {
  const [names, setNames] = useState(ownNames.join("\n"));
  return (
    <AskDialog
      title="Make a certificate here"
      act="Make it and serve it"
      sending={{ path: api.certificateSelfSigned(), body: { names: namesOf(names) } }}
      renews={RENEWS}
      done="A new certificate is served."
      onClose={onClose}
    >
      <p>
        It is signed by itself, so browsers ask each person once whether to trust it. It takes the
        place of the one that is served now.
      </p>
      <NamesField value={names} onChange={setNames} />
    </AskDialog>
  );
}

export function SigningRequest({ ownNames, onClose }: Props) {
  const [names, setNames] = useState(ownNames.join("\n"));
  const [organization, setOrganization] = useState("");
  const body = { names: namesOf(names), ...(organization.trim() ? { organization } : {}) };
  return (
    <AskDialog
      title="Make a signing request"
      act="Make it"
      sending={{ path: api.certificateRequest(), body }}
      renews={RENEWS}
      done="A signing request waits to be downloaded."
      onClose={onClose}
    >
      <NamesField value={names} onChange={setNames} />
      <TextField
        label="Organisation"
        hint="Where the authority wants to know it."
        value={organization}
        onChange={setOrganization}
      />
    </AskDialog>
  );
}
