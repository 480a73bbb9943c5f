// The last step: what will happen, and whether the cartridges and drives for it are here.
import { useState } from "react";
import { cartridges, library } from "../../api/queries";
import type { CartridgeView } from "../../api/types";
import { CartridgeChips } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { type BackupDraft, linesOf, preflight } from "../../forms/backup-draft";
import { CartridgeFormat } from "../../forms/cartridge-format";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { formatBytes, plural } from "../../util/units";
import { DryRun } from "./DryRun";
import type { StepProps } from "./steps";

export function CheckStep({ draft }: StepProps) {
  const list = useLockAwareQuery(cartridges());
  const box = useLockAwareQuery(library());
  const [formatted, setFormatted] = useState<string | null>(null);
  const drives = box.data?.drives.filter((drive) => drive.state !== "failed").length ?? 0;
  return (
    <>
      <Panel title="What will happen">
        <Facts
          rows={[
            ["Set", draft.set],
            [
              "Paths",
              <ul key="p">
                {linesOf(draft.paths).map((path) => (
                  <li key={path} className="mono">
                    {path}
                  </li>
                ))}
              </ul>,
            ],
            ["Copies", draft.copies],
            ["Mode", draft.mode],
            ["Left out", linesOf(draft.exclude).join(", ") || "nothing"],
            [
              "At most at risk",
              "32 GiB: an index is written to the tape after each, so a power cut can cost no more.",
            ],
          ]}
        />
      </Panel>
      <Loaded query={list} what="the cartridges">
        {(page) => (
          <CartridgeCheck
            draft={draft}
            items={page.items}
            drives={drives}
            onFormat={setFormatted}
            onRefresh={() => void list.refetch()}
          />
        )}
      </Loaded>
      <DryRun draft={draft} />
      {formatted && (
        <CartridgeFormat
          barcode={formatted}
          onClose={() => {
            setFormatted(null);
            // A person asked for this one look: the wizard's lock holds back only the background.
            setTimeout(() => void list.refetch(), 1500);
          }}
        />
      )}
    </>
  );
}

interface CheckProps {
  draft: BackupDraft;
  items: readonly CartridgeView[];
  drives: number;
  onFormat: (barcode: string) => void;
  onRefresh: () => void;
}

const OFFERED = 6;

function CartridgeCheck({ draft, items, drives, onFormat, onRefresh }: CheckProps) {
  const { usable, free, fresh, concern } = preflight(draft, items);
  const copies = Number(draft.copies);
  const notMine = useWhyNot("POST /api/cartridges/{barcode}/format");
  return (
    <Panel title="Cartridges and drives">
      <div className="stack">
        {usable.length > 0 && (
          <div className="actions">
            <span>
              {plural(usable.length, "cartridge")} can be written, with{" "}
              <span className="mono">{formatBytes(free)}</span> free:
            </span>
            <CartridgeChips barcodes={usable.map((item) => item.barcode)} />
          </div>
        )}
        {concern ? (
          <Notice tone="warn">
            <strong>{concern}</strong>
            <p>{notMine ? `Formatting: ${notMine}` : "Format one now, and look again:"}</p>
            <div className="actions">
              {(notMine ? [] : fresh.slice(0, OFFERED)).map((item) => (
                <Button key={item.barcode} look="small" onClick={() => onFormat(item.barcode)}>
                  Format {item.barcode}
                </Button>
              ))}
              <Button look={["small", "quiet"]} onClick={onRefresh}>
                Look again
              </Button>
            </div>
          </Notice>
        ) : (
          <Notice tone="good">
            <p>It can begin at once.</p>
          </Notice>
        )}
        {copies > drives && (
          <Notice tone="warn">
            <p>
              {copies} copies and {plural(drives, "drive")}: the copies are written one after the
              other, and the source is read as often.
            </p>
          </Notice>
        )}
      </div>
    </Panel>
  );
}
