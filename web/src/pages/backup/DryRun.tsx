// The backup, counted before it is begun: what would be written, which cartridges would take it, how long at
// best. The walk changes nothing and may take minutes, so a person asks for it.
import type { BackupEstimate, CopyEstimate } from "../../api/types";
import { CartridgeChips } from "../../components/CartridgeChip";
import { ErrorBox } from "../../components/ErrorBox";
import { exchangeText } from "../../components/exchange";
import { type BackupDraft, toSpec } from "../../forms/backup-draft";
import { useSend } from "../../hooks/useAct";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";
import { formatBytes, formatDuration, plural } from "../../util/units";

export function DryRun({ draft }: { draft: BackupDraft }) {
  const count = useSend<BackupEstimate>([]);
  const whyNot = useWhyNot("POST /api/backups/estimate");
  return (
    <Panel title="Count it first">
      <div className="stack tight">
        <div className="actions">
          <Button
            icon="search"
            isBusy={count.isPending}
            whyNot={whyNot}
            onClick={() => count.mutate({ path: api.backupEstimate(), body: toSpec(draft) })}
          >
            Dry run
          </Button>
          <span className="quiet-text">Looks at every file, and writes nothing.</span>
        </div>
        {count.error && <ErrorBox error={count.error} />}
        {count.data && (
          <div role="status">
            <Estimate estimate={count.data} />
          </div>
        )}
      </div>
    </Panel>
  );
}

function Estimate({ estimate }: { estimate: BackupEstimate }) {
  const lacks = estimate.copies.some((copy) => copy.bytes_without_room > 0);
  return (
    <div className="stack">
      <Notice tone={lacks ? "warn" : "good"}>
        <strong>{estimate.sentence}</strong>
        {!estimate.is_whole && (
          <p>The walk ended at its limit: there is more than what is counted here.</p>
        )}
      </Notice>
      <Facts
        rows={[
          ["To be written", amount(estimate.files_to_store, estimate.bytes_to_store)],
          ["Safe already", amount(estimate.files_unchanged, estimate.bytes_unchanged)],
          ["Not there any more", `${plural(estimate.files_gone, "file")}; their copies stay`],
          ["Time at best", formatDuration(estimate.seconds_at_best)],
          ...exchange(estimate),
          ...estimate.copies.map(
            (copy) => [`Copy ${copy.copy}`, <Where key={copy.copy} copy={copy} />] as const,
          ),
        ]}
      />
      <Paths title="The first files" paths={estimate.first_files} />
      {estimate.problems > 0 && (
        <Notice tone="warn">
          <strong>{plural(estimate.problems, "path")} could not be looked at.</strong>
          <Paths title="The first of them" paths={estimate.first_problems} />
        </Notice>
      )}
    </div>
  );
}

function exchange({ exchange }: BackupEstimate): (readonly [string, string])[] {
  if (!exchange || exchange.exchanges === 0) return [];
  const time = formatDuration(exchange.seconds);
  return [["Exchanging cartridges", `${time} more: ${exchangeText(exchange)}`]];
}

function amount(files: number, bytes: number): string {
  return `${plural(files, "file")}, ${formatBytes(bytes)}`;
}

function Where({ copy }: { copy: CopyEstimate }) {
  return (
    <div className="stack tight">
      {copy.cartridges.length > 0 && (
        <div className="actions">
          <CartridgeChips barcodes={copy.cartridges} />
        </div>
      )}
      {copy.bytes_without_room > 0 && (
        <span>
          No room for {formatBytes(copy.bytes_without_room)}:{" "}
          {plural(copy.cartridges_missing, "more empty cartridge")} would take it.
        </span>
      )}
      {copy.passed_over.map((why) => (
        <span key={why} className="quiet-text small">
          {why}
        </span>
      ))}
    </div>
  );
}

function Paths({ title, paths }: { title: string; paths: readonly string[] }) {
  if (paths.length === 0) return null;
  return (
    <details>
      <summary>{title}</summary>
      <ul>
        {paths.map((path) => (
          <li key={path} className="mono small">
            {path}
          </li>
        ))}
      </ul>
    </details>
  );
}
