// Sources: shares, folders and buckets of other machines that are mounted here, so that they can be backed up.
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
import { Empty, Notice } from "../../ui/Notice";
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
        lead="Shares, folders and buckets of other machines, mounted here. One that is away is never taken for an empty folder."
        actions={
          <Button look="primary" whyNot={whyNot} onClick={() => setIsAdding(true)}>
            Add a source
          </Button>
        }
      />
      <Loaded query={query} what="the sources">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="Only folders of this machine are backed up">
              <p>
                Add a share of Windows or a NAS, a folder of a machine with SSH, or a bucket; its
                folders then have paths here.
              </p>
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
  const [confirmed, setConfirmed] = useState<string>();
  const { place } = source.spec;
  const shown = source.shown_host_keys ?? [];
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
              "Place",
              <span key="s" className="mono">
                {shareOf(place)}
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
        {shown.length > 0 && (
          <Notice tone="warn">
            <p>
              <strong>Is it this server?</strong> Compare the fingerprint with what its owner says,
              or with what <code>ssh-keygen -l -f</code> says of the key in <code>/etc/ssh</code>{" "}
              there.
            </p>
            {shown.map((key) => (
              <p key={key}>
                <span className="mono">{key}</span>{" "}
                <Button
                  look="small"
                  label={`It is the key of ${source.name}: ${key}`}
                  whyNot={whyNotChanged}
                  onClick={() => {
                    setConfirmed(key);
                    setOpen("edit");
                  }}
                >
                  It is this key
                </Button>
              </p>
            ))}
          </Notice>
        )}
        {source.public_key && (
          <p>
            The appliance signs in by this key. It belongs in <code>~/.ssh/authorized_keys</code> of
            the user there: <span className="mono">{source.public_key}</span>
          </p>
        )}
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
      {open === "edit" && (
        <SourceEdit
          source={source}
          hostKey={confirmed}
          onClose={() => {
            setConfirmed(undefined);
            setOpen(null);
          }}
        />
      )}
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
