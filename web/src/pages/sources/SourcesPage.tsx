// Sources: shares of other machines that are mounted here, so that their folders can be backed up.
import { useState } from "react";
import { sources } from "../../api/queries";
import type { SourceState } from "../../api/types";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { SOURCE_STATE } from "../../components/states";
import { shareOf } from "../../forms/source-draft";
import { SourceEdit } from "../../forms/source-edit";
import { useSend } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";

export function SourcesPage() {
  const query = useLockAwareQuery(sources());
  const [isAdding, setIsAdding] = useState(false);
  const whyNot = useWhyNot("PUT /api/sources/{name}");
  return (
    <>
      <PageHead
        title="Sources"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="sources"
        lead="Shares of other machines, mounted here. One that is away is never taken for an empty folder."
        actions={
          <Button look="primary" whyNot={whyNot} onClick={() => setIsAdding(true)}>
            Add a share
          </Button>
        }
      />
      <Loaded query={query} what="the sources">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="Only folders of this machine are backed up">
              <p>Add a share of Windows, Samba or a NAS; its folders then have paths here.</p>
            </Empty>
          ) : (
            <div className="columns">
              {page.items.map((source) => (
                <Source key={source.name} source={source} />
              ))}
            </div>
          )
        }
      </Loaded>
      {isAdding && <SourceEdit onClose={() => setIsAdding(false)} />}
    </>
  );
}

function Source({ source }: { source: SourceState }) {
  const [open, setOpen] = useState<"edit" | "remove" | null>(null);
  const mount = useSend<SourceState>(["sources"]);
  const whyNotMounted = useWhyNot("POST /api/sources/{name}/mount");
  const whyNotChanged = useWhyNot("PUT /api/sources/{name}");
  return (
    <Panel title={source.name} aside={<Lamp state={SOURCE_STATE[source.condition]} />}>
      <div className="stack">
        {source.reason && <p className="tone-warn">{source.reason}</p>}
        <Facts
          rows={[
            [
              "Share",
              <span key="s" className="mono">
                {shareOf(source.spec.place)}
              </span>,
            ],
            [
              "Here",
              <span key="h" className="mono">
                {source.path}
              </span>,
            ],
            ["Restores into it", source.spec.is_writable ? "allowed" : "not allowed: read only"],
            ["Password", source.has_password ? "kept" : "none"],
          ]}
        />
        <div className="actions">
          <Button
            look="small"
            label={`Mount ${source.name} now`}
            whyNot={whyNotMounted}
            isBusy={mount.isPending}
            onClick={() => mount.mutate({ path: api.mountSource(source.name) })}
          >
            Mount now
          </Button>
          <Button
            look="small"
            label={`Change ${source.name}`}
            whyNot={whyNotChanged}
            onClick={() => setOpen("edit")}
          >
            Change
          </Button>
          <Button
            look={["small", "quiet"]}
            label={`Remove ${source.name}`}
            whyNot={whyNotChanged}
            onClick={() => setOpen("remove")}
          >
            Remove
          </Button>
        </div>
        {mount.error && <ErrorBox error={mount.error} />}
      </div>
      {open === "edit" && <SourceEdit source={source} onClose={() => setOpen(null)} />}
      {open === "remove" && (
        <AskDialog
          title={`Remove ${source.name}`}
          act="Remove it"
          isDanger
          sending={{ method: "DELETE", path: api.source(source.name) }}
          renews={["sources"]}
          done={`${source.name} was removed.`}
          onClose={() => setOpen(null)}
        >
          <p>
            It is unmounted. What was backed up from it stays on tape; sets with paths in{" "}
            <span className="mono">{source.path}</span> find nothing there any more.
          </p>
        </AskDialog>
      )}
    </Panel>
  );
}
