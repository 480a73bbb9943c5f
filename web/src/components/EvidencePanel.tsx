// What is proven of a set, a run or a cartridge: the ladder, each copy, what was left out and why.
import { evidence } from "../api/queries";
import type { EvidenceTable } from "../api/types";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { Table } from "../table/Table";
import { Lamp } from "../ui/Lamp";
import { Panel } from "../ui/Panel";
import { formatBytes, formatCount } from "../util/units";
import { CartridgeChip } from "./CartridgeChip";
import { EvidenceLadder } from "./EvidenceLadder";
import { Loaded } from "./Loaded";
import { EVIDENCE, LEFT_OUT } from "./states";

interface Props {
  scope: { set?: string; run?: string; cartridge?: string };
  title?: string;
}

export function EvidencePanel({ scope, title = "What is proven" }: Props) {
  const query = useLockAwareQuery(evidence(scope));
  return (
    <Panel title={title} aside={query.data?.scope}>
      <Loaded query={query} what="the evidence" heightRem={26}>
        {(table) => (
          <div className="stack">
            <p>
              <Lamp
                state={
                  table.is_complete
                    ? { tone: "good", icon: "good", text: "Complete" }
                    : { tone: "bad", icon: "warn", text: "Not complete" }
                }
              />{" "}
              <span className="quiet-text">{table.sentence}</span>
            </p>
            {table.files > 0 && <EvidenceLadder rows={table.rows} files={table.files} />}
            {table.copies.length > 1 && <Copies table={table} />}
            {table.left_out.length > 0 && <LeftOut table={table} />}
            {table.cartridges.length > 0 && <Cartridges table={table} />}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}

function Copies({ table }: { table: EvidenceTable }) {
  return (
    <div className="columns">
      {table.copies.map((copy) => (
        <div key={copy.copy}>
          <h3>Copy {copy.copy}</h3>
          <p className="small quiet-text">{copy.sentence}</p>
          <EvidenceLadder rows={copy.rows} files={table.files} isSmall />
        </div>
      ))}
    </div>
  );
}

function LeftOut({ table }: { table: EvidenceTable }) {
  return (
    <table className="table">
      <caption className="visually-hidden">Planned files without any copy</caption>
      <thead>
        <tr>
          <th>Not saved, because it</th>
          <th className="number">Files</th>
          <th className="number">Size as planned</th>
        </tr>
      </thead>
      <tbody>
        {table.left_out.map((row) => (
          <tr key={row.reason}>
            <td>{LEFT_OUT[row.reason] ?? row.reason}</td>
            <td className="number">{formatCount(row.files)}</td>
            <td className="number">{formatBytes(row.bytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cartridges({ table }: { table: EvidenceTable }) {
  return (
    <Table
      caption="Where the copies are"
      items={table.cartridges}
      keyOf={(each) => each.volume}
      columns={[
        { head: "Cartridge", cell: (each) => <CartridgeChip barcode={each.barcode} /> },
        {
          head: "Where",
          cell: (each) => (each.is_present ? "in the library" : "not in the library"),
        },
        {
          head: "Weakest copy on it",
          label: "Weakest",
          cell: (each) => <Lamp state={EVIDENCE[each.weakest]} />,
        },
        { head: "Files", isNumber: true, cell: (each) => formatCount(each.files) },
        { head: "Size", isNumber: true, cell: (each) => formatBytes(each.bytes) },
      ]}
    />
  );
}
