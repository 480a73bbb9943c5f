// The first step: which folders and files.
import { wrongPaths } from "../../forms/backup-draft";
import { TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import type { StepProps } from "./steps";

export function WhatStep({ draft, change, isShowingWrong }: StepProps) {
  return (
    <Panel title="Which folders and files">
      <div className="stack">
        <TextField
          label="Paths"
          hint="One a line, whole from the root, as /srv/photos. A folder stands for all in it."
          rows={5}
          isMono
          value={draft.paths}
          onChange={(paths) => change({ paths })}
          wrong={isShowingWrong ? wrongPaths(draft) : undefined}
        />
        <TextField
          label="Leave out"
          hint="Patterns of names, one a line, as *.tmp or .cache. Empty: everything is kept."
          rows={3}
          isMono
          value={draft.exclude}
          onChange={(exclude) => change({ exclude })}
        />
      </div>
    </Panel>
  );
}
