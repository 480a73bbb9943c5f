// One cartridge: where it is, what is on it and what would be lost with it.
import { useState } from "react";
import { Link } from "wouter";
import { cartridge as askCartridge, runs } from "../../api/queries";
import type { CartridgeView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { BarcodeLabel } from "../../components/BarcodeLabel";
import { ErrorBox } from "../../components/ErrorBox";
import { EvidencePanel } from "../../components/EvidencePanel";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { CARTRIDGE_MEANING, CARTRIDGE_STATE, RUN_STATE } from "../../components/states";
import { CartridgeFormat, whyNotFormatted } from "../../forms/cartridge-format";
import { CartridgeMove } from "../../forms/cartridge-move";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { Facts, Figure, Figures } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Meter } from "../../ui/Meter";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { placeText } from "../../util/places";
import { formatBytes, formatCount, formatTime, splitBytes } from "../../util/units";
import { WhatIfLost } from "./WhatIfLost";

export function CartridgePage({ barcode }: { barcode: string }) {
  const query = useLockAwareQuery(askCartridge(barcode));
  return (
    <Loaded query={query} what={`cartridge ${barcode}`}>
      {(cartridge) => <Body cartridge={cartridge} />}
    </Loaded>
  );
}

function Body({ cartridge }: { cartridge: CartridgeView }) {
  const { barcode, volume, place } = cartridge;
  const [open, setOpen] = useState<"move" | "format" | null>(null);
  const act = useJobAct();
  const whyNotMoved = useWhyNot("POST /api/library/moves");
  const whyNotVerified = useWhyNot("POST /api/verify");
  const whyNotFormat = useWhyNot("POST /api/cartridges/{barcode}/format");
  const isOurs = volume !== null && volume.files > 0;
  return (
    <>
      <PageHead
        title={`Cartridge ${barcode}`}
        crumb={{ href: to.cartridges(), text: "Cartridges" }}
        topic="cartridges"
        lead={
          <>
            <Lamp state={CARTRIDGE_STATE[cartridge.state]} /> · {placeText(place)}
          </>
        }
        actions={
          <>
            {place && (
              <Button icon="move" whyNot={whyNotMoved} onClick={() => setOpen("move")}>
                Move
              </Button>
            )}
            {isOurs && (
              <Button
                icon="good"
                whyNot={whyNotVerified}
                isBusy={act.isPending}
                onClick={() =>
                  act.mutate({ path: api.verify(), body: { scope: { cartridge: barcode } } })
                }
              >
                Verify
              </Button>
            )}
            <Button
              look="danger"
              whyNot={whyNotFormat ?? whyNotFormatted(cartridge)}
              onClick={() => setOpen("format")}
            >
              Format
            </Button>
          </>
        }
      />
      {act.error && <ErrorBox error={act.error} />}
      <div className="stack">
        <div className="columns">
          <Panel title="The cartridge">
            <div className="stack">
              <div style={{ maxWidth: "17rem" }}>
                <BarcodeLabel barcode={barcode} />
              </div>
              <p className="quiet-text">{CARTRIDGE_MEANING[cartridge.state]}</p>
              <Facts
                rows={[
                  [
                    "Generation",
                    <span key="g" className="mono">
                      {cartridge.generation ?? "not known"}
                    </span>,
                  ],
                  ["Where", placeText(place)],
                  ["Last seen here", <Ago key="s" at={cartridge.last_seen} />],
                  ["Written once only", cartridge.is_worm ? "yes, WORM" : "no"],
                  ["Write switch", cartridge.is_write_protected ? "protects it" : "open"],
                ]}
              />
            </div>
          </Panel>
          <VolumePart cartridge={cartridge} />
        </div>
        {isOurs && <WhatIfLost cartridge={cartridge} />}
        {isOurs && (
          <EvidencePanel scope={{ cartridge: barcode }} title="What is proven of what is on it" />
        )}
        {volume?.set && <RunsOnIt barcode={barcode} set={volume.set} />}
      </div>
      {open === "move" && place && (
        <CartridgeMove barcode={barcode} from={place} onClose={() => setOpen(null)} />
      )}
      {open === "format" && <CartridgeFormat barcode={barcode} onClose={() => setOpen(null)} />}
    </>
  );
}

function VolumePart({ cartridge }: { cartridge: CartridgeView }) {
  const { volume } = cartridge;
  if (!volume) {
    return (
      <Panel title="The volume on it">
        <p className="quiet-text">
          {cartridge.state === "unknown"
            ? "It was never loaded. Formatting makes a volume on it if it is blank; Recovery reads what is on it."
            : "There is none."}
        </p>
      </Panel>
    );
  }
  const { capacity_bytes: capacity, remaining_bytes: remaining } = volume;
  return (
    <Panel title="The volume on it" aside={<span className="mono">{volume.name}</span>}>
      <div className="stack">
        <Figures>
          <Figure name="Copies of files" value={formatCount(volume.files)} />
          <Figure name="Their size" value={splitBytes(volume.bytes)} />
          {remaining != null && <Figure name="Free" value={splitBytes(remaining)} />}
        </Figures>
        {capacity != null && remaining != null && (
          <Meter
            label="Filled"
            value={capacity - remaining}
            max={capacity}
            text={`${formatBytes(capacity - remaining)} of ${formatBytes(capacity)}`}
          />
        )}
        <Facts
          rows={[
            [
              "Set",
              volume.set ? (
                <Link key="s" href={to.set(volume.set)}>
                  {volume.set}
                </Link>
              ) : (
                "none yet"
              ),
            ],
            ["Copy", volume.copy ?? "–"],
            ["Place in the copy", volume.sequence ?? "–"],
            ["Formatted", volume.formatted ? formatTime(volume.formatted) : "not known"],
            ["Index generation", volume.index_generation ?? "–"],
            [
              "Volume",
              <span key="u" className="mono small">
                {volume.uuid}
              </span>,
            ],
          ]}
        />
      </div>
    </Panel>
  );
}

function RunsOnIt({ barcode, set }: { barcode: string; set: string }) {
  const query = useLockAwareQuery(runs({ set }));
  const here = (query.data?.items ?? []).filter((run) => run.cartridges.includes(barcode));
  return (
    <Panel title="Runs that need it" aside={`of set ${set}`} isFlush>
      <Table
        items={here}
        keyOf={(run) => run.run}
        columns={[
          {
            head: "Run",
            cell: (run) => (
              <Link href={to.run(run.run)} className="mono">
                {run.run}
              </Link>
            ),
          },
          { head: "State", cell: (run) => <Lamp state={RUN_STATE[run.state]} /> },
          { head: "Files", isNumber: true, cell: (run) => formatCount(run.files) },
          { head: "Begun", cell: (run) => <Ago at={run.started} /> },
        ]}
      />
    </Panel>
  );
}
