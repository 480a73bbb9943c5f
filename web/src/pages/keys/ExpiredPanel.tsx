// What nobody needs any more by the retention of a pool: the cartridges that can be used again, and the runs.
import { Link } from "wouter";
import { expired } from "../../api/queries";
import type { ExpiredView, PoolView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CartridgeChips } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Table } from "../../table/Table";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { plural } from "../../util/units";

export function ExpiredPanel({ pool }: { pool: PoolView }) {
  const query = useLockAwareQuery(expired(pool.name));
  return (
    <Panel title={`No longer needed in ${pool.name}`} isFlush>
      <Loaded query={query} what={`what is no longer needed in ${pool.name}`}>
        {(view) => <Body view={view} />}
      </Loaded>
    </Panel>
  );
}

function Body({ view }: { view: ExpiredView }) {
  if (view.runs.length === 0) {
    return (
      <Empty title="Everything is still needed">
        <p>Runs stand here when they are past their time and no kept run refers to them.</p>
      </Empty>
    );
  }
  return (
    <div className="stack">
      <p className="padded">
        {view.cartridges.length === 0
          ? "No cartridge holds only such runs, so none can be used again yet."
          : `${plural(view.cartridges.length, "cartridge")} can be used again: open it, and format it.`}
      </p>
      {view.cartridges.length > 0 && (
        <div className="padded">
          <CartridgeChips barcodes={view.cartridges.map((item) => item.barcode)} />
        </div>
      )}
      <Table
        items={view.runs}
        keyOf={(item) => item.run}
        columns={[
          {
            head: "Run",
            className: "mono",
            cell: (item) => <Link href={to.run(item.run)}>{item.run}</Link>,
          },
          { head: "Set", cell: (item) => item.set },
          { head: "Ended", cell: (item) => (item.ended ? <Ago at={item.ended} /> : "–") },
        ]}
      />
    </div>
  );
}
