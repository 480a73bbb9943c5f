// How a set lies on its cartridges: the set, its copies, and each copy's volumes in sequence.
import { cartridges } from "../../api/queries";
import type { CartridgeView } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { CARTRIDGE_STATE } from "../../components/states";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { placeText } from "../../util/places";
import { formatBytes, plural } from "../../util/units";

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
      <Loaded query={query} what="its cartridges" heightRem={5}>
        {(page) => (
          <div className="graph">
            <p className="root">{set}</p>
            <ul>
              {byCopy(page.items).map(([copy, items]) => (
                <li key={copy}>
                  <p className="branch">Copy {copy}</p>
                  <ol>
                    {items.map((item) => (
                      <li key={item.volume?.uuid ?? item.barcode} className="leaf">
                        <CartridgeChip barcode={item.barcode} />
                        <Lamp state={CARTRIDGE_STATE[item.state]} size={13} />
                        <small className="quiet-text">
                          {placeText(item.place)} · {plural(item.volume?.files ?? 0, "file")} ·{" "}
                          {formatBytes(item.volume?.bytes ?? 0)}
                        </small>
                      </li>
                    ))}
                  </ol>
                </li>
              ))}
            </ul>
            {page.items.length === 0 && <p className="quiet-text">No cartridge holds it yet.</p>}
          </div>
        )}
      </Loaded>
    </Panel>
  );
}
