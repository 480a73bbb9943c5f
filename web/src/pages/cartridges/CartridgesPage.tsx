// Cartridges: those in the library first, by place; then those that the catalog knows.
import { useState } from "react";
import { Link } from "wouter";
import { type CartridgeFilter, cartridges, sets } from "../../api/queries";
import type { CartridgeView } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { SavedViews } from "../../components/SavedViews";
import { CARTRIDGE_STATE } from "../../components/states";
import { CartridgeBulk } from "../../forms/cartridge-bulk";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useQueryState } from "../../hooks/useQueryState";
import { Table } from "../../table/Table";
import { TableFrame } from "../../table/TableFrame";
import { Button, ButtonLink } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/Field";
import { Lamp } from "../../ui/Lamp";
import { Meter } from "../../ui/Meter";
import { Empty } from "../../ui/Notice";
import type { BulkAct } from "../../util/bulk";
import { to } from "../../util/path-builder";
import { placeText } from "../../util/places";
import { formatBytes, formatCount, plural } from "../../util/units";

const STATES = [
  { value: "", text: "All states" },
  ...Object.entries(CARTRIDGE_STATE).map(([value, state]) => ({ value, text: state.text })),
];

export function CartridgesPage() {
  const [state, setState] = useQueryState("state");
  const [set, setSet] = useQueryState("set");
  const [text, setText] = useQueryState("barcode");
  const filter: CartridgeFilter = { ...(state ? { state } : {}), ...(set ? { set } : {}) };
  const query = useLockAwareQuery(cartridges(filter));
  const all = useLockAwareQuery(sets());
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [act, setAct] = useState<BulkAct | null>(null);
  const names = (all.data?.items ?? []).map((each) => ({ value: each.name, text: each.name }));
  const wanted = text.toUpperCase();
  const fits = (item: CartridgeView) =>
    item.barcode.includes(wanted) || (item.alias ?? "").toUpperCase().includes(wanted);
  // What a filter hides is not done anything with.
  const chosen = (query.data?.items ?? []).filter((item) => ticked.has(item.barcode) && fits(item));
  return (
    <>
      <PageHead
        title="Cartridges"
        topic="cartridges"
        lead="The objects with a barcode: where they are, what is known of them, what is on them."
        actions={
          <ButtonLink href={to.labels()} icon="print">
            Labels
          </ButtonLink>
        }
      />
      <div className="filters">
        <TextField label="Barcode or name" value={text} onChange={setText} isMono type="search" />
        <SelectField label="State" value={state} onChange={setState} options={STATES} />
        <SelectField
          label="Set"
          value={set}
          onChange={setSet}
          options={[{ value: "", text: "All sets" }, ...names]}
        />
      </div>
      <SavedViews list="cartridge_views" href={to.cartridges()} />
      {chosen.length > 0 && (
        <section className="bulk-bar" aria-label="What to do with the chosen ones">
          <strong>{plural(chosen.length, "cartridge")} chosen</strong>
          <Button look="small" onClick={() => setAct("format")}>
            Format
          </Button>
          <Button look="small" onClick={() => setAct("verify")}>
            Verify
          </Button>
          <Button look="small" onClick={() => setAct("export")}>
            Take out
          </Button>
          <Button look="small" onClick={() => setAct("import")}>
            Take in
          </Button>
          <ButtonLink look="small" href={to.labels(chosen.map((item) => item.barcode))}>
            Labels
          </ButtonLink>
          <Button look={["small", "quiet"]} onClick={() => setTicked(new Set())}>
            Choose none
          </Button>
        </section>
      )}
      <TableFrame label="Cartridges">
        <Loaded query={query} what="the cartridges">
          {(page) => {
            const items = page.items.filter(fits);
            return items.length === 0 ? (
              <Empty title="No cartridge is like that">
                <p>Change the filters, or put cartridges into a mail slot and take inventory.</p>
              </Empty>
            ) : (
              <CartridgeTable
                items={items}
                ticked={ticked}
                onTurn={(barcode) =>
                  setTicked((before) =>
                    before.has(barcode)
                      ? new Set([...before].filter((each) => each !== barcode))
                      : new Set([...before, barcode]),
                  )
                }
              />
            );
          }}
        </Loaded>
      </TableFrame>
      {act && (
        <CartridgeBulk
          act={act}
          items={chosen}
          onClose={() => {
            setAct(null);
            setTicked(new Set());
          }}
        />
      )}
      {query.data?.next && (
        <p className="small quiet-text">
          The first {plural(query.data.items.length, "cartridge")} are shown: filter to see others.
        </p>
      )}
    </>
  );
}

interface TableProps {
  items: readonly CartridgeView[];
  ticked: ReadonlySet<string>;
  onTurn: (barcode: string) => void;
}

function CartridgeTable({ items, ticked, onTurn }: TableProps) {
  return (
    <Table
      items={items}
      keyOf={(item) => `${item.barcode}-${item.volume?.uuid ?? ""}`}
      ticks={{
        nameOf: (item) => item.barcode,
        isTicked: (item) => ticked.has(item.barcode),
        onTurn: (item) => onTurn(item.barcode),
      }}
      columns={[
        {
          head: "Barcode",
          cell: (item) => (
            <>
              <CartridgeChip barcode={item.barcode} />
              {item.alias && <span className="small"> {item.alias}</span>}
            </>
          ),
        },
        {
          head: "State",
          cell: (item) => (
            <>
              <Lamp state={CARTRIDGE_STATE[item.state]} />
              {(item.lock || item.retained_until) && (
                <Lamp state={{ tone: "warn", icon: "lock", text: item.lock ? "Locked" : "Kept" }} />
              )}
            </>
          ),
        },
        {
          head: "Where",
          cell: (item) => (item.place ? placeText(item.place) : (item.location ?? placeText(null))),
        },
        {
          head: "Generation",
          className: "mono",
          cell: (item) => (
            <>
              {item.generation}
              {item.is_worm && " WORM"}
            </>
          ),
        },
        {
          head: "Set",
          cell: (item) =>
            item.volume?.set && (
              <span>
                <Link href={to.set(item.volume.set)}>{item.volume.set}</Link>
                {item.volume.copy && <span className="quiet-text"> copy {item.volume.copy}</span>}
              </span>
            ),
        },
        {
          head: "Files",
          isNumber: true,
          cell: (item) => item.volume && formatCount(item.volume.files),
        },
        {
          head: "Free",
          isNumber: true,
          cell: (item) =>
            item.volume?.remaining_bytes != null && formatBytes(item.volume.remaining_bytes),
        },
        { head: "Filled", cell: (item) => <Filled item={item} /> },
      ]}
    />
  );
}

function Filled({ item }: { item: CartridgeView }) {
  const { capacity_bytes: capacity, remaining_bytes: remaining } = item.volume ?? {};
  if (capacity == null || remaining == null) return null;
  return (
    <Meter
      label={`${item.barcode} filled`}
      value={capacity - remaining}
      max={capacity}
      text={`${formatBytes(capacity - remaining)} of ${formatBytes(capacity)}`}
    />
  );
}
