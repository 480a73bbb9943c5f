// The first step: which folders and files.
import { useState } from "react";
import { linesOf, wrongPaths } from "../../forms/backup-draft";
import { FolderChoose } from "../../forms/folder-choose";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import type { StepProps } from "./steps";

export function WhatStep({ draft, change, isShowingWrong }: StepProps) {
  const [isChoosing, setIsChoosing] = useState(false);
  const notMine = useWhyNot("GET /api/folders");
  const take = (paths: string[]) => {
    const all = new Set([...linesOf(draft.paths), ...paths]);
    change({ paths: [...all].join("\n") });
    setIsChoosing(false);
  };
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
        <div className="actions">
          <Button icon="folder" whyNot={notMine} onClick={() => setIsChoosing(true)}>
            Choose folders
          </Button>
        </div>
        <TextField
          label="Leave out"
          hint="Patterns of names, one a line, as *.tmp or .cache. Empty: everything is kept."
          rows={3}
          isMono
          value={draft.exclude}
          onChange={(exclude) => change({ exclude })}
        />
      </div>
      {isChoosing && (
        <FolderChoose choosing="many" onChoose={take} onClose={() => setIsChoosing(false)} />
      )}
    </Panel>
  );
}
