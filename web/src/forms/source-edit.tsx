// The dialog that adds a share of another machine, or changes one.
import { useState } from "react";
import type { SourceState } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { SelectField, TextField, Tick } from "../ui/Field";
import { api } from "../util/path-builder";
import { EMPTY_SOURCE, ofSource, type SourceDraft, sourceBody, whyNotSource } from "./source-draft";

interface Props {
  /** The one that is changed; none adds a new one. */
  source?: SourceState;
  onClose: () => void;
}

export function SourceEdit({ source, onClose }: Props) {
  const [draft, setDraft] = useState(source ? ofSource(source) : EMPTY_SOURCE);
  const change = (part: Partial<SourceDraft>) => setDraft((before) => ({ ...before, ...part }));
  const isSmb = draft.kind === "smb";
  return (
    <AskDialog
      title={source ? `Change ${source.name}` : "Add a share"}
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
          options={[
            { value: "smb", text: "SMB 3: Windows, Samba, a NAS" },
            { value: "nfs", text: "NFS 4: Unix, a NAS" },
          ]}
        />
        <TextField label="Server" value={draft.host} onChange={(host) => change({ host })} isMono />
        <TextField
          label={isSmb ? "Share" : "Export"}
          value={draft.what}
          onChange={(what) => change({ what })}
          placeholder={isSmb ? "photos" : "/export/photos"}
          isMono
        />
        <TextField
          label="Port"
          hint="Empty: the usual one."
          type="number"
          value={draft.port}
          onChange={(port) => change({ port })}
        />
      </div>
      {isSmb && (
        <div className="pair">
          <TextField
            label="User"
            hint="Empty: a guest."
            value={draft.user}
            onChange={(user) => change({ user })}
          />
          <TextField
            label="Password"
            hint={source?.has_password ? "Empty: as it is." : undefined}
            type="password"
            value={draft.password}
            onChange={(password) => change({ password })}
            autoComplete="new-password"
          />
          <TextField
            label="Domain"
            value={draft.domain}
            onChange={(domain) => change({ domain })}
          />
        </div>
      )}
      {isSmb && (
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
