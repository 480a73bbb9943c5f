// The volume on a cartridge: how full it is, of which set it is a part.
import { Link } from "wouter";
import type { CartridgeView } from "../../api/types";
import { Facts, Figure, Figures } from "../../ui/Figure";
import { Meter } from "../../ui/Meter";
import { Panel } from "../../ui/Panel";
import { to } from "../../util/path-builder";
import { formatBytes, formatCount, formatTime, splitBytes } from "../../util/units";

export function VolumePart({ cartridge }: { cartridge: CartridgeView }) {
  const { volume } = cartridge;
  if (!volume) {
    return (
      <Panel title="The volume on it">
        <p className="quiet-text">
          {cartridge.state === "unknown"
            ? "It was never loaded. Formatting makes a volume on it if it is blank; Recovery reads what is on it."
            : "There is none."}
        </p>
      </Panel>
    );
  }
  const { capacity_bytes: capacity, remaining_bytes: remaining } = volume;
  return (
    <Panel title="The volume on it" aside={<span className="mono">{volume.name}</span>}>
      <div className="stack">
        <Figures>
          <Figure name="Copies of files" value={formatCount(volume.files)} />
          <Figure name="Their size" value={splitBytes(volume.bytes)} />
          {remaining != null && <Figure name="Free" value={splitBytes(remaining)} />}
        </Figures>
        {capacity != null && remaining != null && (
          <Meter
            label="Filled"
            value={capacity - remaining}
            max={capacity}
            text={`${formatBytes(capacity - remaining)} of ${formatBytes(capacity)}`}
          />
        )}
        <Facts
          rows={[
            [
              "Set",
              volume.set ? (
                <Link key="s" href={to.set(volume.set)}>
                  {volume.set}
                </Link>
              ) : (
                "none yet"
              ),
            ],
            ["Copy", volume.copy ?? "–"],
            ["Place in the copy", volume.sequence ?? "–"],
            ["Formatted", volume.formatted ? formatTime(volume.formatted) : "not known"],
            ["Index generation", volume.index_generation ?? "–"],
            [
              "Volume",
              <span key="u" className="mono small">
                {volume.uuid}
              </span>,
            ],
          ]}
        />
      </div>
    </Panel>
  );
}
