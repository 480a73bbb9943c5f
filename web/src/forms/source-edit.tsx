// The dialog that adds a share, a folder or a bucket of another machine, or changes one.
import { useState } from "react";
import type { SourceState } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { SelectField, TextField, Tick } from "../ui/Field";
import { api } from "../util/path-builder";
import { EMPTY_SOURCE, ofSource, type SourceDraft, sourceBody, whyNotSource } from "./source-draft";

type Kind = SourceDraft["kind"];

const KINDS: { value: Kind; text: string }[] = [
  { value: "smb", text: "SMB 3: Windows, Samba, a NAS" },
  { value: "nfs", text: "NFS 4: Unix, a NAS" },
  { value: "sftp", text: "SFTP: any machine with SSH" },
  { value: "s3", text: "S3: a bucket of an object store" },
];

/** What the fields are called, and what stands in them as an example. */
const WORDS: Record<Kind, { server: string; what: string; like: string; user: string }> = {
  smb: { server: "Server", what: "Share", like: "photos", user: "User" },
  nfs: { server: "Server", what: "Export", like: "/export/photos", user: "" },
  sftp: { server: "Server", what: "Folder", like: "/home/ada/photos", user: "User" },
  s3: { server: "Address", what: "Bucket", like: "photos/1999", user: "Access key" },
};

const USER_HINT: Record<Kind, string | undefined> = {
  smb: "Empty: a guest.",
  nfs: undefined,
  sftp: undefined,
  s3: "Empty: a public bucket.",
};

interface Props {
  /** The one that is changed; none adds a new one. */
  source?: SourceState;
  /** The key that the server shows, if it is to be confirmed. */
  hostKey?: string;
  onClose: () => void;
}

export function SourceEdit({ source, hostKey, onClose }: Props) {
  const begin = source ? ofSource(source) : EMPTY_SOURCE;
  const [draft, setDraft] = useState(hostKey ? { ...begin, hostKey } : begin);
  const change = (part: Partial<SourceDraft>) => setDraft((before) => ({ ...before, ...part }));
  const { kind } = draft;
  const words = WORDS[kind];
  const passwordHint = source?.has_password
    ? "Empty: as it is."
    : kind === "sftp"
      ? "Empty: the appliance signs in by its own key."
      : undefined;
  return (
    <AskDialog
      title={source ? `Change ${source.name}` : "Add a source"}
      act={source ? "Change it" : "Add it"}
      whyNot={whyNotSource(draft)}
      sending={{ method: "PUT", path: api.source(draft.name), body: sourceBody(draft) }}
      renews={["sources"]}
      done={`Source ${draft.name} is set.`}
      onClose={onClose}
    >
      {!source && (
        <TextField
          label="Name"
          value={draft.name}
          onChange={(name) => change({ name })}
          autoFocus
        />
      )}
      <div className="pair">
        <SelectField
          label="By"
          value={draft.kind}
          onChange={(kind) => change({ kind })}
          options={KINDS}
        />
        <TextField
          label={words.server}
          value={draft.host}
          onChange={(host) => change({ host })}
          placeholder={kind === "s3" ? "https://s3.example" : undefined}
          isMono
        />
        <TextField
          label={words.what}
          value={draft.what}
          onChange={(what) => change({ what })}
          placeholder={words.like}
          isMono
        />
        {kind !== "s3" && (
          <TextField
            label="Port"
            hint="Empty: the usual one."
            type="number"
            value={draft.port}
            onChange={(port) => change({ port })}
          />
        )}
        {kind === "s3" && (
          <TextField
            label="Region"
            hint="Empty: us-east-1."
            value={draft.region}
            onChange={(region) => change({ region })}
          />
        )}
      </div>
      {kind !== "nfs" && (
        <div className="pair">
          <TextField
            label={words.user}
            hint={USER_HINT[kind]}
            value={draft.user}
            onChange={(user) => change({ user })}
          />
          <TextField
            label={kind === "s3" ? "Secret of the key" : "Password"}
            hint={passwordHint}
            type="password"
            value={draft.password}
            onChange={(password) => change({ password })}
            autoComplete="new-password"
          />
          {kind === "smb" && (
            <TextField
              label="Domain"
              value={draft.domain}
              onChange={(domain) => change({ domain })}
            />
          )}
        </div>
      )}
      {kind === "sftp" && (
        <TextField
          label="Fingerprint of the server's key"
          hint="Empty: the server is asked, and you compare what it shows. Nothing is sent to it before."
          value={draft.hostKey}
          onChange={(hostKey) => change({ hostKey })}
          placeholder="SHA256:…"
          isMono
        />
      )}
      {kind === "s3" && (
        <TextField
          label="Certificates of your own authority"
          hint="Only if the store's certificate is signed by one: as PEM."
          rows={3}
          value={draft.ca}
          onChange={(ca) => change({ ca })}
          isMono
        />
      )}
      {kind === "smb" && (
        <Tick
          text="Encrypt everything on the wire"
          isOn={draft.isEncrypted}
          onTurn={(isEncrypted) => change({ isEncrypted })}
        />
      )}
      <Tick
        text="Let files be restored into it"
        isOn={draft.isWritable}
        onTurn={(isWritable) => change({ isWritable })}
      />
    </AskDialog>
  );
}
