// How a set lies on its cartridges: the set, its copies, and each copy's volumes in sequence.
import { cartridges } from "../../api/queries";
import type { CartridgeView } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Panel } from "../../ui/Panel";
import { placeText } from "../../util/places";
import { formatBytes, formatCount } from "../../util/units";

/** Cartridges of each copy, in their sequence. */
export function byCopy(items: readonly CartridgeView[]): [string, CartridgeView[]][] {
  const copies = new Map<string, CartridgeView[]>();
  for (const item of items) {
    const copy = item.volume?.copy ?? "?";
    copies.set(copy, [...(copies.get(copy) ?? []), item]);
  }
  const sequence = (item: CartridgeView) => item.volume?.sequence ?? 0;
  return [...copies.entries()]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([copy, list]) => [copy, list.sort((a, b) => sequence(a) - sequence(b))]);
}

export function Topology({ set }: { set: string }) {
  const query = useLockAwareQuery(cartridges({ set }));
  return (
    <Panel title="Where its copies are" aside="each volume is readable by itself">
      <Loaded query={query} what="its cartridges">
        {(page) => (
          <div className="stack">
            {byCopy(page.items).map(([copy, items]) => (
              <section key={copy} aria-label={`Copy ${copy}`} className="stack tight">
                <h3>Copy {copy}</h3>
                <ol className="actions">
                  {items.map((item, index) => (
                    <li key={item.volume?.uuid ?? item.barcode} className="actions">
                      {index > 0 && (
                        <span className="quiet-text" aria-hidden="true">
                          ──
                        </span>
                      )}
                      <span className="stack" style={{ gap: "0.15rem" }}>
                        <CartridgeChip barcode={item.barcode} />
                        <small className="quiet-text">
                          {placeText(item.place)} · {formatCount(item.volume?.files ?? 0)} files ·{" "}
                          {formatBytes(item.volume?.bytes ?? 0)}
                        </small>
                      </span>
                    </li>
                  ))}
                </ol>
              </section>
            ))}
            {page.items.length === 0 && <p className="quiet-text">No cartridge holds it yet.</p>}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
