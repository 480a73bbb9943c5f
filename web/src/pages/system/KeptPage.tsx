// What brings this appliance back on another machine: backups of its catalog, and its settings in one file.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { post } from "../../api/client";
import { catalogBackups } from "../../api/queries";
import type { CatalogBackupView, SettingsImport } from "../../api/types";
import { Ago } from "../../components/Ago";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { NeedsRole } from "../../components/NeedsRole";
import { PageHead } from "../../components/PageHead";
import { SETTING_CHANGE, SIGNED } from "../../components/states";
import { FolderChoose } from "../../forms/folder-choose";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useQueryState } from "../../hooks/useQueryState";
import { useWhyNot } from "../../hooks/useWhyNot";
import { announce } from "../../stores/announce";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Empty, Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatBytes, formatTime, plural } from "../../util/units";

export function KeptPage() {
  return (
    <>
      <PageHead
        title="Backups of the appliance"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="kept"
        lead="The tapes tell what is on them; these bring back the rest: jobs, users, schedules, keys."
      />
      <div className="stack">
        <NeedsRole act="GET /api/catalog/backups">
          <CatalogBackups />
        </NeedsRole>
        <NeedsRole act="GET /api/settings">
          <Settings />
        </NeedsRole>
      </div>
    </>
  );
}

function CatalogBackups() {
  const [folder, setFolder] = useQueryState("folder");
  const [isChoosing, setIsChoosing] = useState(false);
  const act = useJobAct();
  const whyNot = useWhyNot("POST /api/catalog/backups");
  const missing = folder ? undefined : "Choose a folder first.";
  return (
    <Panel title="The catalog">
      <div className="stack">
        <p className="quiet-text">
          On a disk or a share that is not the appliance's own. Each backup is sealed for the
          recovery kits and signed; <Link href={to.schedules()}>a schedule</Link> makes one every
          night.
        </p>
        <TextField
          label="Folder"
          value={folder}
          onChange={setFolder}
          placeholder="/mnt/nas/fossilsafe"
          isMono
        />
        <div className="actions">
          <Button icon="folder" onClick={() => setIsChoosing(true)}>
            Choose a folder
          </Button>
          <Button
            look="primary"
            whyNot={whyNot ?? missing}
            isBusy={act.isPending}
            onClick={() => act.mutate({ path: api.catalogBackups(), body: { folder } })}
          >
            Back the catalog up now
          </Button>
        </div>
        {act.error && <ErrorBox error={act.error} />}
        {folder && <BackupList folder={folder} />}
      </div>
      {isChoosing && (
        <FolderChoose
          choosing="one-folder"
          onChoose={([chosen]) => {
            setFolder(chosen ?? "");
            setIsChoosing(false);
          }}
          onClose={() => setIsChoosing(false)}
        />
      )}
    </Panel>
  );
}

function BackupList({ folder }: { folder: string }) {
  const query = useLockAwareQuery(catalogBackups(folder));
  return (
    <Loaded query={query} what="the backups in it">
      {(page) =>
        page.items.length === 0 ? (
          <Empty title="No backup is in it">
            <p>The first one takes seconds.</p>
          </Empty>
        ) : (
          <Table
            caption="Backups in the folder"
            items={page.items}
            keyOf={(backup: CatalogBackupView) => backup.path}
            columns={[
              {
                head: "Made",
                cell: (backup) => (
                  <>
                    {formatTime(backup.made)} <Ago at={backup.made} />
                  </>
                ),
              },
              { head: "Of", cell: (backup) => `${backup.host}, ${backup.release}` },
              { head: "Signed", cell: (backup) => <Lamp state={SIGNED[backup.signed]} /> },
              { head: "Size", isNumber: true, cell: (backup) => formatBytes(backup.sealed_bytes) },
              {
                head: "Kits that open it",
                className: "mono small",
                cell: (backup) => backup.kits.join(" "),
              },
            ]}
          />
        )
      }
    </Loaded>
  );
}

function Settings() {
  const [document, setDocument] = useState<unknown>(null);
  const ask = useMutation({
    mutationFn: ({ wanted, isTrial }: { wanted: unknown; isTrial: boolean }) =>
      post<SettingsImport>(api.importSettings(isTrial), wanted),
    onSuccess: (result) => result.is_applied && announce("The settings were taken over."),
  });
  const notMine = useWhyNot("POST /api/settings/import");
  async function take(file: File) {
    const wanted: unknown = JSON.parse(await file.text());
    setDocument(wanted);
    ask.mutate({ wanted, isTrial: true });
  }
  return (
    <Panel title="Settings">
      <div className="stack">
        <p className="quiet-text">
          Pools, sources, channels, schedules and windows in one file, without passwords, secrets
          and users. Addresses of receivers are in it.
        </p>
        <div className="actions">
          <a className="button" href={api.settings()} download="fossilsafe-settings.json">
            Take the settings
          </a>
        </div>
        <div className="field">
          <label htmlFor="settings-file">Bring settings</label>
          <input
            id="settings-file"
            type="file"
            className="input"
            accept="application/json,.json"
            disabled={notMine !== undefined}
            aria-describedby="settings-hint"
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file) void take(file).catch(() => setDocument(undefined));
              event.target.value = "";
            }}
          />
          <span className="hint" id="settings-hint">
            {notMine ?? "What would change is shown first; nothing is done before you agree."}
          </span>
        </div>
        {document === undefined && (
          <Notice tone="bad">
            <p>That file is no settings: it is not JSON.</p>
          </Notice>
        )}
        {ask.error && <ErrorBox error={ask.error} />}
        {ask.data && (
          <Changes
            result={ask.data}
            isBusy={ask.isPending}
            onApply={() => ask.mutate({ wanted: document, isTrial: false })}
          />
        )}
      </div>
    </Panel>
  );
}

interface ChangesProps {
  result: SettingsImport;
  isBusy: boolean;
  onApply: () => void;
}

function Changes({ result, isBusy, onApply }: ChangesProps) {
  const real = result.changes.filter(({ change }) => change === "add" || change === "change");
  return (
    <div className="stack">
      <Table
        caption="What changes"
        items={result.changes}
        keyOf={(change) => change.subject}
        columns={[
          { head: "What", cell: (change) => change.subject },
          { head: "Becomes", cell: (change) => <Lamp state={SETTING_CHANGE[change.change]} /> },
          { head: "To know", cell: (change) => change.note },
        ]}
      />
      {result.is_applied ? (
        <Notice tone="good">
          <p>It was taken over.</p>
        </Notice>
      ) : (
        <div className="actions">
          <Button
            look="primary"
            isBusy={isBusy}
            whyNot={real.length === 0 ? "Nothing would change." : undefined}
            onClick={onApply}
          >
            Take over {plural(real.length, "change")}
          </Button>
        </div>
      )}
    </div>
  );
}
