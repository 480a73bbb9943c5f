// Sets: each protected thing, how well it is protected, and when that was last shown.
import { Link } from "wouter";
import { sets } from "../../api/queries";
import type { SetView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { CartridgeChips } from "../../components/CartridgeChip";
import { EvidenceLadder } from "../../components/EvidenceLadder";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { RUN_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { TableFrame } from "../../table/TableFrame";
import { ButtonLink } from "../../ui/Button";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { to } from "../../util/path-builder";
import { formatBytes, formatCount } from "../../util/units";

export function SetsPage() {
  const query = useLockAwareQuery(sets());
  return (
    <>
      <PageHead
        title="Sets"
        topic="sets"
        lead="A set is one protected thing: its paths, its copies, and the runs that wrote them."
        actions={
          <ButtonLink href={to.backup()} icon="backup" look="primary">
            Back up
          </ButtonLink>
        }
      />
      <TableFrame label="Sets">
        <Loaded query={query} what="the sets">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="No set yet">
                <p>
                  The first backup makes one. Name it after what it protects: photos, accounts,
                  mail.
                </p>
                <ButtonLink href={to.backup()} icon="backup" look="primary">
                  Make the first backup
                </ButtonLink>
              </Empty>
            ) : (
              <SetTable items={page.items} />
            )
          }
        </Loaded>
      </TableFrame>
    </>
  );
}

function SetTable({ items }: { items: readonly SetView[] }) {
  return (
    <table className="table cards">
      <thead>
        <tr>
          <th>Set</th>
          <th>Newest run</th>
          <th>Evidence</th>
          <th className="number">Files</th>
          <th className="number">Size</th>
          <th className="number">Copies</th>
          <th className="number">Runs</th>
          <th>Begun</th>
          <th>Cartridges</th>
        </tr>
      </thead>
      <tbody>
        {items.map((set) => {
          const run = set.newest_run;
          return (
            <tr key={set.name}>
              <td>
                <Link href={to.set(set.name)}>{set.name}</Link>
              </td>
              <td data-label="Newest run">
                {run ? <Lamp state={RUN_STATE[run.state]} /> : "none"}
              </td>
              <td data-label="Evidence">
                {run && <EvidenceLadder rows={run.evidence} files={run.files} isSmall />}
              </td>
              <td className="number" data-label="Files">
                {run ? formatCount(run.files) : "–"}
              </td>
              <td className="number" data-label="Size">
                {run ? formatBytes(run.bytes) : "–"}
              </td>
              <td className="number" data-label="Copies">
                {set.copies}
              </td>
              <td className="number" data-label="Runs">
                {formatCount(set.runs)}
              </td>
              <td data-label="Begun">
                <Ago at={run?.started ?? null} />
              </td>
              <td data-label="Cartridges">
                <CartridgeChips barcodes={set.cartridges} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
