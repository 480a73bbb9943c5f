// How much can still be written to the cartridges that are here.
import { Link } from "wouter";
import { cartridges } from "../../api/queries";
import type { CartridgeView } from "../../api/types";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Figure, Figures } from "../../ui/Figure";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatCount, plural, splitBytes } from "../../util/units";

/** What can still be written, over the cartridges that are here. */
export function capacityOf(items: readonly CartridgeView[]) {
  const open = items.filter((item) => item.state === "open" && item.place);
  const free = open.reduce((sum, item) => sum + (item.volume?.remaining_bytes ?? 0), 0);
  const stored = items.reduce((sum, item) => sum + (item.volume?.bytes ?? 0), 0);
  const fresh = items.filter((item) => item.state === "blank" || item.state === "unknown").length;
  return { open: open.length, free, stored, fresh };
}

export function CapacityPart() {
  const query = useLockAwareQuery(cartridges());
  return (
    <Panel title="Room on tape" aside={<Link href={to.cartridges()}>Cartridges</Link>}>
      <Loaded query={query} what="the cartridges">
        {(page) => {
          const { open, free, stored, fresh } = capacityOf(page.items);
          return (
            <Figures>
              <Figure
                name="Free"
                value={splitBytes(free)}
                note={`on ${plural(open, "open cartridge")}`}
              />
              <Figure name="Stored" value={splitBytes(stored)} note="of files, all copies" />
              <Figure
                name="Not used yet"
                value={formatCount(fresh)}
                note="blank or not looked at"
              />
            </Figures>
          );
        }}
      </Loaded>
    </Panel>
  );
}
