// The signed lists of what each run put on a cartridge, to take away and to check elsewhere.
import { Link } from "wouter";
import { manifests } from "../../api/queries";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Table } from "../../table/Table";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatBytes } from "../../util/units";

export function Manifests({ barcode }: { barcode: string }) {
  const query = useLockAwareQuery(manifests(barcode));
  return (
    <Panel title="Runs on it, with their signed lists" isFlush>
      <Loaded query={query} what="the runs on it">
        {(page) => (
          <Table
            items={page.items}
            keyOf={(item) => `${item.run}-${item.copy}`}
            columns={[
              {
                head: "Run",
                cell: (item) => (
                  <Link href={to.run(item.run)} className="mono">
                    {item.run}
                  </Link>
                ),
              },
              {
                head: "Set",
                cell: (item) => (
                  <>
                    <Link href={to.set(item.set)}>{item.set}</Link> copy {item.copy}
                  </>
                ),
              },
              {
                head: "SHA-256 of the list",
                label: "SHA-256",
                className: "mono small agent",
                cell: (item) => item.sha256 ?? "not closed yet",
              },
              {
                head: "Size",
                isNumber: true,
                cell: (item) => (item.size_bytes == null ? "–" : formatBytes(item.size_bytes)),
              },
            ]}
            actions={(item) =>
              item.size_bytes != null && (
                <div className="actions">
                  <a
                    className="button small"
                    href={api.manifest(barcode, item.run)}
                    download={`${item.run}.manifest`}
                    aria-label={`Manifest of ${item.run}`}
                  >
                    Manifest
                  </a>
                  <a
                    className="button small quiet"
                    href={api.manifestSignature(barcode, item.run)}
                    download={`${item.run}.sig`}
                    aria-label={`Signature of ${item.run}`}
                  >
                    Signature
                  </a>
                </div>
              )
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}
