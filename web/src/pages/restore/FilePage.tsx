// One file through time: its versions, newest first, and where their copies are.
import { useSearchParams } from "wouter";
import { versions } from "../../api/queries";
import type { FileVersion } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { EVIDENCE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { ButtonLink } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatBytes, formatTime } from "../../util/units";

export function FilePage() {
  const [params] = useSearchParams();
  const path = params.get("path") ?? "";
  const set = params.get("set") ?? undefined;
  const query = useLockAwareQuery(versions(path, set));
  const name = path.split("/").pop() || "File";
  return (
    <>
      <PageHead
        title={name}
        crumb={{ href: to.restore(), text: "Restore" }}
        topic="search"
        lead={<span className="mono">{path}</span>}
      />
      <Loaded query={query} what="its versions">
        {(page) => (
          <div className="stack">
            {page.items.length === 0 && (
              <Empty title="No version of it is in the catalog">
                <p>Its path may be spelled differently.</p>
              </Empty>
            )}
            {page.items.map((version) => (
              <Version key={`${version.set}-${version.run}`} version={version} path={path} />
            ))}
          </div>
        )}
      </Loaded>
    </>
  );
}

function Version({ version, path }: { version: FileVersion; path: string }) {
  return (
    <Panel
      title={`Stored ${formatTime(version.stored)}`}
      aside={
        <ButtonLink href={to.restore({ run: version.run, path })} look="small" icon="restore">
          Restore this version
        </ButtonLink>
      }
    >
      <div className="columns">
        <Facts
          rows={[
            ["Size", formatBytes(version.size_bytes)],
            ["Changed", formatTime(version.modified)],
            ["Set", version.set],
            [
              "Run",
              <span key="r" className="mono">
                {version.run}
              </span>,
            ],
            [
              "SHA-256",
              <span key="h" className="mono small">
                {version.sha256 ?? "not known"}
              </span>,
            ],
          ]}
        />
        <table className="table">
          <thead>
            <tr>
              <th>Copy</th>
              <th>Cartridge</th>
              <th>Evidence</th>
            </tr>
          </thead>
          <tbody>
            {version.copies.map((copy) => (
              <tr key={`${copy.copy}-${copy.volume}-${copy.part?.[0] ?? 0}`}>
                <td>
                  {copy.copy}
                  {copy.part && ` part ${copy.part[0]} of ${copy.part[1]}`}
                </td>
                <td>
                  <CartridgeChip barcode={copy.barcode} />
                </td>
                <td>
                  {copy.failure ? (
                    <span className="tone-bad">{copy.failure}</span>
                  ) : (
                    <Lamp state={EVIDENCE[copy.evidence]} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
