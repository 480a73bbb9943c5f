// What people have noted of a cartridge: its name, its place outside, its lock, how long it is kept.
import { useState } from "react";
import type { CartridgeView } from "../../api/types";
import { CartridgeNote, type Note } from "../../forms/cartridge-note";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { formatTime } from "../../util/units";

export function BookPart({ cartridge }: { cartridge: CartridgeView }) {
  const { alias, location, lock, place, retained_until: until } = cartridge;
  const [open, setOpen] = useState<Note | null>(null);
  const notOperator = useWhyNot("PUT /api/cartridges/{barcode}/lock");
  const notAdmin = useWhyNot("PUT /api/cartridges/{barcode}/retention");
  const act = (note: Note, text: string, whyNot?: string) => (
    <Button look="small" whyNot={whyNot} onClick={() => setOpen(note)}>
      {text}
    </Button>
  );
  return (
    <Panel title="What people noted of it">
      <Facts
        rows={[
          [
            "Name",
            <span key="n" className="actions">
              {alias ?? "none"}
              {act("alias", alias ? "Change the name" : "Give it a name", notOperator)}
            </span>,
          ],
          [
            "Place outside",
            <span key="p" className="actions">
              {location ?? (place ? "it is in the library" : "nobody knows")}
              {!place && act("location", "Say where it was put", notOperator)}
            </span>,
          ],
          [
            "Lock",
            <span key="l" className="actions">
              {lock ? (
                <>
                  <Lamp state={{ tone: "warn", icon: "lock", text: `Locked by ${lock.by}` }} />
                  {lock.reason && <span className="quiet-text">{lock.reason}</span>}
                </>
              ) : (
                "may be written"
              )}
              {lock ? act("unlock", "Unlock it", notOperator) : act("lock", "Lock it", notOperator)}
            </span>,
          ],
          [
            "Kept until",
            <span key="r" className="actions">
              {until ? (
                <Lamp state={{ tone: "warn", icon: "lock", text: formatTime(until) }} />
              ) : (
                "no day is named"
              )}
              {act("retention", until ? "Keep it longer" : "Keep what is on it", notAdmin)}
              {until && act("release", "End the retention", notAdmin)}
            </span>,
          ],
        ]}
      />
      {open && <CartridgeNote note={open} cartridge={cartridge} onClose={() => setOpen(null)} />}
    </Panel>
  );
}
