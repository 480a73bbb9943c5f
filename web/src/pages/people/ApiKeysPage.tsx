// API keys: for programs, with no more than the rights of who made them. Shown once, when made.
import { useState } from "react";
import { apiKeys } from "../../api/queries";
import type { ApiKeyView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { AskDialog } from "../../components/AskDialog";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { ROLE } from "../../components/states";
import { ApiKeyCreate } from "../../forms/api-key-create";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Notice";
import { api, to } from "../../util/path-builder";
import { formatTime } from "../../util/units";

export function ApiKeysPage() {
  const query = useLockAwareQuery(apiKeys());
  const [isAdding, setIsAdding] = useState(false);
  const [ended, setEnded] = useState<ApiKeyView | null>(null);
  return (
    <>
      <PageHead
        title="API keys"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="access"
        lead="For programs that ask this appliance. A key may never do more than the one who made it."
        actions={
          <Button icon="lock" look="primary" onClick={() => setIsAdding(true)}>
            Make a key
          </Button>
        }
      />
      <TableFrame label="API keys">
        <Loaded query={query} what="the API keys">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="There is no key">
                <p>
                  A key opens the API to a script or to monitoring: /api/openapi.json has it all.
                </p>
              </Empty>
            ) : (
              <KeyTable items={page.items} onEnd={setEnded} />
            )
          }
        </Loaded>
      </TableFrame>
      {isAdding && <ApiKeyCreate onClose={() => setIsAdding(false)} />}
      {ended && (
        <AskDialog
          title={`Take ${ended.name} away`}
          act="Take it away"
          isDanger
          sending={{ method: "DELETE", path: api.apiKey(ended.id) }}
          renews={["api-keys"]}
          done={`The key ${ended.name} opens nothing any more.`}
          onClose={() => setEnded(null)}
        >
          <p>
            What still uses <span className="mono">{ended.shown}…</span> is refused from now on.
            Last used: {ended.last_used ? formatTime(ended.last_used) : "never"}.
          </p>
        </AskDialog>
      )}
    </>
  );
}

interface TableProps {
  items: readonly ApiKeyView[];
  onEnd: (key: ApiKeyView) => void;
}

function KeyTable({ items, onEnd }: TableProps) {
  return (
    <Table
      items={items}
      keyOf={(key) => key.id}
      columns={[
        { head: "Key", cell: (key) => <strong>{key.name}</strong> },
        { head: "Begins with", className: "mono", cell: (key) => <>{key.shown}…</> },
        { head: "Of", cell: (key) => key.user ?? "the machine's owner" },
        { head: "Role", cell: (key) => ROLE[key.role].text },
        {
          head: "Opens",
          className: "mono small",
          cell: (key) => (key.scopes.length > 0 ? key.scopes.join(" ") : "everything"),
        },
        { head: "Ends", cell: (key) => (key.expires ? formatTime(key.expires) : "never") },
        {
          head: "Last used",
          cell: (key) => (
            <>
              {key.last_used ? <Ago at={key.last_used} /> : "never"}
              {key.last_address && <span className="quiet-text"> from {key.last_address}</span>}
            </>
          ),
        },
      ]}
      actions={(key) => (
        <Button
          look={["small", "danger"]}
          label={`Take ${key.name} away`}
          onClick={() => onEnd(key)}
        >
          Take away
        </Button>
      )}
    />
  );
}
