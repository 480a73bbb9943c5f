// A whole recovery kit, typed from the paper, that is to open a file of a tape by itself.
import { useState } from "react";
import { ErrorBox } from "../components/ErrorBox";
import { useJobAct } from "../hooks/useAct";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { api } from "../util/path-builder";

export function KitDrill({ onClose }: { onClose: () => void }) {
  const [kit, setKit] = useState("");
  const [cartridge, setCartridge] = useState("");
  const act = useJobAct({ saysStarted: true, onDone: onClose });
  const whyNot = kit.trim() === "" ? "Type the kit." : undefined;
  return (
    <Dialog
      title="Prove a kit on a tape"
      onClose={onClose}
      onSubmit={() => {
        if (whyNot) return;
        const named = cartridge.trim() === "" ? {} : { cartridge: cartridge.trim() };
        act.mutate({ path: api.drillKitOnTape(), body: { kit: kit.trim(), ...named } });
      }}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={act.isPending}>
            Prove it
          </Button>
        </>
      }
    >
      <p>
        A cartridge of an encrypted set is loaded, and one of its files is opened with the keys on
        the tape and this kit alone. What this appliance knows is left aside: it is what happens on
        the day when it is gone. The kit is not kept.
      </p>
      <TextField
        label="The kit"
        hint="All groups in order; blanks, dashes and lines do not matter."
        value={kit}
        onChange={setKit}
        rows={4}
        isMono
      />
      <TextField
        label="Cartridge"
        hint="Its barcode; without one, the cartridge that was written last."
        value={cartridge}
        onChange={setCartridge}
        isMono
      />
      {act.error && <ErrorBox error={act.error} />}
    </Dialog>
  );
}
