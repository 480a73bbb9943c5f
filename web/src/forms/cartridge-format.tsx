// The dialog that formats a cartridge. What is on it is shown first; unless it is blank, its barcode
// has to be typed.
import { useState } from "react";
import { cartridge as askCartridge, evidence } from "../api/queries";
import type { CartridgeView } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { CARTRIDGE_MEANING } from "../components/states";
import { useJobAct } from "../hooks/useAct";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useWhyNot } from "../hooks/useWhyNot";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Notice } from "../ui/Notice";
import { api } from "../util/path-builder";
import { formatBytes, formatTime, plural } from "../util/units";

export function CartridgeFormat({ barcode, onClose }: { barcode: string; onClose: () => void }) {
  const { data } = useLockAwareQuery(askCartridge(barcode));
  return data ? <FormatDialog cartridge={data} onClose={onClose} /> : null;
}

/** True until the day is over until which what is on it is kept. */
function isRetained(
  cartridge: CartridgeView,
): cartridge is CartridgeView & { retained_until: string } {
  return cartridge.retained_until !== null && Date.parse(cartridge.retained_until) > Date.now();
}

/** Why a cartridge may not be formatted at all. */
export function whyNotFormatted(cartridge: CartridgeView): string | undefined {
  if (cartridge.state === "cleaning") return "It is a cleaning cartridge.";
  if (cartridge.is_write_protected) return "The switch on its side protects it.";
  if (cartridge.is_worm && cartridge.volume) return "It is WORM: what is on it cannot be erased.";
  if (cartridge.lock) return `${cartridge.lock.by} has locked it.`;
  if (isRetained(cartridge)) {
    return `What is on it is kept until ${formatTime(cartridge.retained_until)}.`;
  }
  if (!cartridge.place) return "It is not in the library.";
  return undefined;
}

function FormatDialog({ cartridge, onClose }: { cartridge: CartridgeView; onClose: () => void }) {
  const { barcode, volume } = cartridge;
  const [name, setName] = useState("");
  const [typed, setTyped] = useState("");
  const table = useLockAwareQuery(evidence({ cartridge: barcode }), { enabled: volume !== null });
  const act = useJobAct({ onDone: onClose });
  const mayHoldData = cartridge.state !== "blank";
  const isTyped = typed.trim().toUpperCase() === barcode;
  const isBlankOnly = cartridge.state === "unknown" && typed === "";
  const notMine = useWhyNot("POST /api/cartridges/{barcode}/format");
  const whyNot =
    notMine ??
    whyNotFormatted(cartridge) ??
    (mayHoldData && !isTyped && !isBlankOnly
      ? "Type the barcode as it is on the label."
      : undefined);
  return (
    <Dialog
      title={`Format ${barcode}`}
      onClose={onClose}
      onSubmit={() => {
        if (whyNot) return;
        const body = {
          ...(name ? { volume_name: name } : {}),
          ...(mayHoldData && isTyped ? { typed_barcode: barcode } : {}),
        };
        act.mutate({ path: api.format(barcode), body });
      }}
      footer={
        <>
          <Button onClick={onClose}>Leave it as it is</Button>
          <Button
            type="submit"
            look={volume ? ["danger", "primary"] : "primary"}
            whyNot={whyNot}
            isBusy={act.isPending}
          >
            {isBlankOnly ? "Format if it is blank" : volume ? "Erase and format" : "Format"}
          </Button>
        </>
      }
    >
      <p>{CARTRIDGE_MEANING[cartridge.state]}</p>
      {volume && volume.files > 0 && (
        <Notice tone="bad">
          <strong>
            {plural(volume.files, "copy", "copies")} ({formatBytes(volume.bytes)}) on it would be
            lost
            {volume.set ? `, of set ${volume.set}` : ""}.
          </strong>
          {table.data && <p>{table.data.sentence}</p>}
        </Notice>
      )}
      <TextField
        label="Volume name"
        hint={`Shown by every LTFS software; ${barcode} if left empty.`}
        value={name}
        onChange={setName}
      />
      {mayHoldData && (
        <TextField
          label={`Type ${barcode}`}
          hint={
            cartridge.state === "unknown"
              ? "Without it, only a blank cartridge is formatted: the drive looks first."
              : "So that it is this one and no other."
          }
          value={typed}
          onChange={setTyped}
          isMono
        />
      )}
      {act.error && <ErrorBox error={act.error} />}
    </Dialog>
  );
}
