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
import { Table } from "../../table/Table";
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
    <Table
      items={items}
      keyOf={(set) => set.name}
      columns={[
        { head: "Set", cell: (set) => <Link href={to.set(set.name)}>{set.name}</Link> },
        {
          head: "Newest run",
          cell: ({ newest_run: run }) => (run ? <Lamp state={RUN_STATE[run.state]} /> : "none"),
        },
        {
          head: "Evidence",
          cell: ({ newest_run: run }) =>
            run && <EvidenceLadder rows={run.evidence} files={run.files} isSmall />,
        },
        { head: "Files", isNumber: true, cell: (set) => formatCount(set.newest_run?.files ?? 0) },
        { head: "Size", isNumber: true, cell: (set) => formatBytes(set.newest_run?.bytes ?? 0) },
        { head: "Copies", isNumber: true, cell: (set) => set.copies },
        { head: "Runs", isNumber: true, cell: (set) => formatCount(set.runs) },
        { head: "Begun", cell: (set) => <Ago at={set.newest_run?.started ?? null} /> },
        { head: "Cartridges", cell: (set) => <CartridgeChips barcodes={set.cartridges} /> },
      ]}
    />
  );
}
