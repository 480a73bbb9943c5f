// The plan of a restore: which cartridges, in which order, what has to be brought.
import { plan } from "../../api/queries";
import type { RestorePlan } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { exchangeText } from "../../components/exchange";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Figure, Figures } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { placeText } from "../../util/places";
import { formatBytes, formatCount, formatDuration, plural, splitBytes } from "../../util/units";
import { type RestoreDraft, toSpec } from "./restore-draft";

/** LTO-9 at full speed; older drives and small files are slower, so this is the least. */
const BEST_BYTES_PER_SECOND = 400e6;

export function leastSeconds(plan: RestorePlan): number {
  const cartridges = plan.steps.length + plan.missing.length;
  return plan.bytes / BEST_BYTES_PER_SECOND + cartridges * (plan.exchange?.seconds_each ?? 0);
}

export function PlanStep({ draft }: { draft: RestoreDraft }) {
  const query = useLockAwareQuery(plan(toSpec(draft)));
  return (
    <Loaded query={query} what="the plan">
      {(data) => <PlanBody plan={data} draft={draft} />}
    </Loaded>
  );
}

function PlanBody({ plan: data, draft }: { plan: RestorePlan; draft: RestoreDraft }) {
  return (
    <>
      <Panel title="The plan">
        <div className="stack">
          <p>{data.sentence}</p>
          <Figures>
            <Figure name="Files" value={formatCount(data.files)} />
            <Figure name="Size" value={splitBytes(data.bytes)} />
            <Figure
              name="Cartridges"
              value={formatCount(data.steps.length + data.missing.length)}
            />
            <Figure
              name="With real tape, at least"
              value={formatDuration(leastSeconds(data))}
              note={`LTO-9 at full speed, ${exchangeText(data.exchange)}`}
            />
          </Figures>
          <ol className="plan-steps">
            {data.steps.map((step) => (
              <li key={step.volume}>
                <CartridgeChip barcode={step.barcode} />
                <span className="small quiet-text">
                  {placeText(step.place)} · {plural(step.files, "file")}, {formatBytes(step.bytes)}
                </span>
              </li>
            ))}
          </ol>
        </div>
      </Panel>
      {data.missing.length > 0 && (
        <Notice tone="warn">
          <strong>Somebody has to bring {plural(data.missing.length, "cartridge")}:</strong>
          {data.missing.map((missing) => (
            <p key={missing.volume}>
              <CartridgeChip barcode={missing.barcode} /> for {plural(missing.files, "file")},{" "}
              {formatBytes(missing.bytes)}
            </p>
          ))}
          <p>
            {draft.missing === "wait"
              ? "The job restores everything else first and then waits for it."
              : "Its files are left out and listed."}
          </p>
        </Notice>
      )}
      {data.files_without_copy > 0 && (
        <Notice tone="bad">
          <strong>
            {plural(data.files_without_copy, "chosen file")} cannot be restored: no readable copy is
            known.
          </strong>
        </Notice>
      )}
    </>
  );
}
