// Runs in a table: how each stands and what is proven of it.
import { Link } from "wouter";
import type { RunView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CartridgeChips } from "../../components/CartridgeChip";
import { EvidenceLadder } from "../../components/EvidenceLadder";
import { RUN_STATE } from "../../components/states";
import { type Column, Table } from "../../table/Table";
import { Lamp } from "../../ui/Lamp";
import { to } from "../../util/path-builder";
import { formatBytes, formatCount } from "../../util/units";

const SET: Column<RunView> = {
  head: "Set",
  cell: (run) => <Link href={to.set(run.set)}>{run.set}</Link>,
};

const RUN: Column<RunView> = {
  head: "Run",
  cell: (run) => (
    <Link href={to.run(run.run)} className="mono">
      {run.run}
    </Link>
  ),
};

const REST: readonly Column<RunView>[] = [
  { head: "State", cell: (run) => <Lamp state={RUN_STATE[run.state]} /> },
  { head: "Mode", cell: (run) => run.mode },
  {
    head: "Evidence",
    cell: (run) => <EvidenceLadder rows={run.evidence} files={run.files} isSmall />,
  },
  { head: "Files", isNumber: true, cell: (run) => formatCount(run.files) },
  { head: "Size", isNumber: true, cell: (run) => formatBytes(run.bytes) },
  { head: "Begun", cell: (run) => <Ago at={run.started} /> },
  { head: "Cartridges", cell: (run) => <CartridgeChips barcodes={run.cartridges} /> },
];

export function RunTable({ items, hasSet }: { items: readonly RunView[]; hasSet: boolean }) {
  const columns = hasSet ? [RUN, SET, ...REST] : [RUN, ...REST];
  return <Table items={items} keyOf={(run) => run.run} columns={columns} />;
}
