// The first step of a restore: search for a file, or take a whole run.
import { useDeferredValue, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { search, sets } from "../../api/queries";
import type { FileHit, SetView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Loaded } from "../../components/Loaded";
import { EVIDENCE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatBytes, formatCount, plural } from "../../util/units";

interface Props {
  onChoose: (run: string, paths: string[]) => void;
}

const SHOWN = "50";

export function FindStep({ onChoose }: Props) {
  const [params] = useSearchParams();
  const [text, setText] = useState(params.get("q") ?? "");
  const wanted = useDeferredValue(text.trim());
  return (
    <div className="stack">
      <Panel title="Look for a file or a folder">
        <TextField
          label="Words or parts of its path"
          type="search"
          value={text}
          onChange={setText}
          hint="Every set and every run is searched; the newest version is shown first."
        />
      </Panel>
      {wanted.length >= 2 ? (
        <Hits text={wanted} onChoose={onChoose} />
      ) : (
        <WholeRuns onChoose={onChoose} />
      )}
    </div>
  );
}

function Hits({ text, onChoose }: Props & { text: string }) {
  const query = useLockAwareQuery(search({ q: text, limit: SHOWN }));
  return (
    <Panel title="Found" aside={query.data && plural(query.data.items.length, "file")} isFlush>
      <Loaded query={query} what="the files">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="Nothing by that name is in the catalog">
              <p>
                Try fewer letters. A cartridge that the catalog does not know can be read into it on{" "}
                <Link href={to.recovery()}>Recovery</Link>.
              </p>
            </Empty>
          ) : (
            <HitTable items={page.items} onChoose={onChoose} />
          )
        }
      </Loaded>
    </Panel>
  );
}

function HitTable({ items, onChoose }: Props & { items: readonly FileHit[] }) {
  return (
    <Table
      items={items}
      keyOf={(hit) => `${hit.set}:${hit.path_b64 ?? hit.path}`}
      columns={[
        { head: "File", className: "mono", cell: (hit) => hit.path },
        { head: "Set", cell: (hit) => hit.set },
        { head: "Evidence", cell: (hit) => <Lamp state={EVIDENCE[hit.evidence]} /> },
        { head: "Size", isNumber: true, cell: (hit) => formatBytes(hit.size_bytes) },
        { head: "Changed", cell: (hit) => <Ago at={hit.modified} /> },
      ]}
      actions={(hit) => (
        <div className="actions">
          <Button
            look="small"
            label={`Restore ${hit.path}`}
            whyNot={hit.path_b64 ? "Its name is no text: restore its folder." : undefined}
            onClick={() => onChoose(hit.run, [hit.path])}
          >
            Restore
          </Button>
          <Link href={to.file(hit.path, hit.set)} className="small">
            Versions
          </Link>
        </div>
      )}
    />
  );
}

function WholeRuns({ onChoose }: Props) {
  const query = useLockAwareQuery(sets());
  return (
    <Panel title="Or everything of a set" isFlush>
      <Loaded query={query} what="the sets">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="There is nothing to restore yet">
              <p>Back something up first, or read cartridges into the catalog on Recovery.</p>
            </Empty>
          ) : (
            <Table
              items={page.items}
              keyOf={(set) => set.name}
              columns={[
                { head: "Set", cell: (set) => set.name },
                {
                  head: "Files",
                  isNumber: true,
                  cell: (set) => formatCount(set.newest_run?.files ?? 0),
                },
                {
                  head: "Size",
                  isNumber: true,
                  cell: (set) => formatBytes(set.newest_run?.bytes ?? 0),
                },
                {
                  head: "Newest run",
                  className: "mono",
                  cell: (set) => set.newest_ended_run ?? "none",
                },
              ]}
              actions={(set) => <ChooseSet set={set} onChoose={onChoose} />}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function ChooseSet({ set, onChoose }: Props & { set: SetView }) {
  const run = set.newest_ended_run;
  return (
    <div className="actions">
      <Button
        look="small"
        label={`Restore set ${set.name}`}
        whyNot={run ? undefined : "No run has ended yet."}
        onClick={() => run && onChoose(run, [])}
      >
        Restore
      </Button>
      <Link href={to.runs({ set: set.name })} className="small">
        Earlier runs
      </Link>
    </div>
  );
}
