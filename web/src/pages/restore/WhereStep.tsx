// The second step of a restore: the folder, and what happens to what is in the way or away.
import { useState } from "react";
import { FolderChoose } from "../../forms/folder-choose";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Choices, TextField } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Panel } from "../../ui/Panel";
import { type RestoreDraft, wrongDestination } from "./restore-draft";

interface Props {
  draft: RestoreDraft;
  change: (part: Partial<RestoreDraft>) => void;
  isShowingWrong: boolean;
}

export function WhereStep({ draft, change, isShowingWrong }: Props) {
  const [isChoosing, setIsChoosing] = useState(false);
  const notMine = useWhyNot("GET /api/folders");
  return (
    <div className="columns">
      <Panel title="What is restored">
        <Facts
          rows={[
            [
              "Run",
              <span key="r" className="mono">
                {draft.run}
              </span>,
            ],
            [
              "Paths",
              draft.paths.length === 0 ? (
                "the whole run"
              ) : (
                <ul key="p">
                  {draft.paths.map((path) => (
                    <li key={path} className="mono">
                      {path}
                    </li>
                  ))}
                </ul>
              ),
            ],
          ]}
        />
      </Panel>
      <Panel title="Where it goes">
        <div className="stack">
          <TextField
            label="Folder on the appliance"
            hint="Files go below it under their whole paths; it is made if it is not there."
            isMono
            value={draft.destination}
            placeholder="/srv/restored"
            onChange={(destination) => change({ destination })}
            wrong={isShowingWrong ? wrongDestination(draft) : undefined}
          />
          <div className="actions">
            <Button icon="folder" whyNot={notMine} onClick={() => setIsChoosing(true)}>
              Choose a folder
            </Button>
          </div>
          <Choices
            legend="A file that is already there"
            name="existing"
            value={draft.existing}
            onChange={(existing) => change({ existing })}
            options={[
              { value: "keep", title: "Keep it", text: "The restored one is refused and listed." },
              {
                value: "replace",
                title: "Replace it",
                text: "What is there now is gone afterwards.",
              },
            ]}
          />
          <Choices
            legend="A cartridge that is not in the library"
            name="missing"
            value={draft.missing}
            onChange={(missing) => change({ missing })}
            options={[
              {
                value: "wait",
                title: "Wait for it",
                text: "Everything else is restored first; then the job asks for it, as long as it takes.",
              },
              {
                value: "skip",
                title: "Go without it",
                text: "Its files are listed as not restored.",
              },
            ]}
          />
        </div>
      </Panel>
      {isChoosing && (
        <FolderChoose
          choosing="one-folder"
          onChoose={([destination]) => {
            change({ destination: destination ?? "" });
            setIsChoosing(false);
          }}
          onClose={() => setIsChoosing(false)}
        />
      )}
    </div>
  );
}
