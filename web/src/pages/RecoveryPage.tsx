// Recovery: when the catalog is damaged or lost, or a cartridge comes that it does not know.
import { useState } from "react";
import { Link } from "wouter";
import { cartridges } from "../api/queries";
import type { CartridgeView, CatalogCheck } from "../api/types";
import { CartridgeChip } from "../components/CartridgeChip";
import { ErrorBox } from "../components/ErrorBox";
import { Loaded } from "../components/Loaded";
import { PageHead } from "../components/PageHead";
import { CARTRIDGE_STATE } from "../components/states";
import { useCheck, useJobAct } from "../hooks/useAct";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useWhyNot } from "../hooks/useWhyNot";
import { Table } from "../table/Table";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Lamp } from "../ui/Lamp";
import { Empty, Notice } from "../ui/Notice";
import { Panel } from "../ui/Panel";
import { api, to } from "../util/path-builder";
import { placeText } from "../util/places";
import { plural } from "../util/units";

export function RecoveryPage() {
  return (
    <>
      <PageHead
        title="Recovery"
        topic="recovery"
        lead="Every tape says itself what is on it. The catalog is only the quick way to know, and it can be read back from the tapes."
      />
      <div className="stack">
        <div className="columns">
          <CheckPart />
          <Checklist />
        </div>
        <RebuildPart />
      </div>
    </>
  );
}

function CheckPart() {
  const check = useCheck<CatalogCheck>(api.check());
  return (
    <Panel title="Check the catalog">
      <div className="stack">
        <p className="quiet-text">
          Reads the whole catalog and compares it with its own sums. Jobs go on meanwhile.
        </p>
        <div className="actions">
          <Button icon="health" isBusy={check.isPending} onClick={() => check.mutate()}>
            Check now
          </Button>
        </div>
        {check.error && <ErrorBox error={check.error} />}
        {check.data && (
          <div role="status">
            <Notice tone={check.data.is_sound ? "good" : "bad"}>
              <strong>{check.data.sentence}</strong>
              {check.data.problems.map((problem) => (
                <p key={problem} className="mono small">
                  {problem}
                </p>
              ))}
            </Notice>
          </div>
        )}
      </div>
    </Panel>
  );
}

function Checklist() {
  return (
    <Panel title="When everything else is lost">
      <ol className="stack tight">
        <li>1. Start FossilSafe on any machine with a drive, with an empty data folder.</li>
        <li>2. Put the cartridges in and take inventory on the library map.</li>
        <li>3. Read them into the catalog below. It takes a minute or two each.</li>
        <li>
          4. <Link href={to.restore()}>Restore</Link>.
        </li>
        <li className="quiet-text">
          Without FossilSafe: any LTFS software mounts these tapes; README.txt on each says how to
          check them.
        </li>
      </ol>
    </Panel>
  );
}

function RebuildPart() {
  const query = useLockAwareQuery(cartridges());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAsking, setIsAsking] = useState(false);
  const act = useJobAct({ onDone: () => setIsAsking(false) });
  const whyNot = useWhyNot("POST /api/catalog/rebuild");
  const barcodes = [...chosen];
  const toggle = (barcode: string) => {
    const next = new Set(chosen);
    if (!next.delete(barcode)) next.add(barcode);
    setChosen(next);
  };
  return (
    <Panel
      title="Read cartridges into the catalog"
      aside={
        <Button look="small" whyNot={whyNot} onClick={() => setIsAsking(true)}>
          {barcodes.length > 0
            ? `Read ${plural(barcodes.length, "cartridge")}`
            : "Read all of the library"}
        </Button>
      }
      isFlush
    >
      <Loaded query={query} what="the cartridges">
        {(page) => {
          const here = page.items.filter((item) => item.place && item.state !== "cleaning");
          return here.length === 0 ? (
            <Empty title="No cartridge is in the library">
              <p>Put some into the mail slots and take inventory.</p>
            </Empty>
          ) : (
            <Choice items={here} chosen={chosen} onToggle={toggle} />
          );
        }}
      </Loaded>
      {isAsking && (
        <Dialog
          title="Read cartridges into the catalog"
          onClose={() => setIsAsking(false)}
          onSubmit={() => act.mutate({ path: api.rebuild(), body: { barcodes } })}
          footer={
            <>
              <Button onClick={() => setIsAsking(false)}>Not now</Button>
              <Button type="submit" look="primary" isBusy={act.isPending}>
                Read them
              </Button>
            </>
          }
        >
          <p>
            Each of{" "}
            {barcodes.length > 0 ? plural(barcodes.length, "cartridge") : "all cartridges here"} is
            loaded, its index and signed lists are read, and what they say goes into the catalog.
            The cartridges are only read. What the catalog knows already stays.
          </p>
          {act.error && <ErrorBox error={act.error} />}
        </Dialog>
      )}
    </Panel>
  );
}

interface ChoiceProps {
  items: readonly CartridgeView[];
  chosen: ReadonlySet<string>;
  onToggle: (barcode: string) => void;
}

function Choice({ items, chosen, onToggle }: ChoiceProps) {
  return (
    <Table
      items={items}
      keyOf={(item) => item.barcode}
      columns={[
        { head: "Cartridge", cell: (item) => <CartridgeChip barcode={item.barcode} /> },
        {
          head: "Read it",
          cell: (item) => (
            <input
              type="checkbox"
              className="check"
              aria-label={`Read ${item.barcode}`}
              checked={chosen.has(item.barcode)}
              onChange={() => onToggle(item.barcode)}
            />
          ),
        },
        { head: "State", cell: (item) => <Lamp state={CARTRIDGE_STATE[item.state]} /> },
        { head: "Where", cell: (item) => placeText(item.place) },
      ]}
    />
  );
}
