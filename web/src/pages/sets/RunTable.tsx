// Runs in a table: how each stands and what is proven of it.
import { Link } from "wouter";
import type { RunView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CartridgeChips } from "../../components/CartridgeChip";
import { EvidenceLadder } from "../../components/EvidenceLadder";
import { RUN_STATE } from "../../components/states";
import { Lamp } from "../../ui/Lamp";
import { to } from "../../util/path-builder";
import { formatBytes, formatCount } from "../../util/units";

export function RunTable({ items, hasSet }: { items: readonly RunView[]; hasSet: boolean }) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th>Run</th>
          {hasSet && <th>Set</th>}
          <th>State</th>
          <th>Mode</th>
          <th>Evidence</th>
          <th className="number">Files</th>
          <th className="number">Size</th>
          <th>Begun</th>
          <th>Cartridges</th>
        </tr>
      </thead>
      <tbody>
        {items.map((run) => (
          <tr key={run.run}>
            <td>
              <Link href={to.run(run.run)} className="mono">
                {run.run}
              </Link>
            </td>
            {hasSet && (
              <td data-label="Set">
                <Link href={to.set(run.set)}>{run.set}</Link>
              </td>
            )}
            <td data-label="State">
              <Lamp state={RUN_STATE[run.state]} />
            </td>
            <td data-label="Mode">{run.mode}</td>
            <td data-label="Evidence">
              <EvidenceLadder rows={run.evidence} files={run.files} isSmall />
            </td>
            <td className="number" data-label="Files">
              {formatCount(run.files)}
            </td>
            <td className="number" data-label="Size">
              {formatBytes(run.bytes)}
            </td>
            <td data-label="Begun">
              <Ago at={run.started} />
            </td>
            <td data-label="Cartridges">
              <CartridgeChips barcodes={run.cartridges} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
