// What if this cartridge is lost: answered from the copies of its set, never guessed.
import { evidence } from "../../api/queries";
import type { CartridgeView, EvidenceTable } from "../../api/types";
import { CartridgeChips } from "../../components/CartridgeChip";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { plural } from "../../util/units";

interface Verdict {
  tone: "good" | "warn" | "bad";
  text: string;
  others: string[];
}

/** What the newest run of the set still has without one of its copies' cartridges. */
export function verdictOf(cartridge: CartridgeView, table: EvidenceTable): Verdict {
  const copy = cartridge.volume?.copy;
  const other = table.copies.find((each) => each.copy !== copy && each.is_complete);
  const others = table.cartridges.flatMap((each) =>
    each.barcode && each.barcode !== cartridge.barcode ? [each.barcode] : [],
  );
  if (!table.cartridges.some((each) => each.barcode === cartridge.barcode)) {
    return {
      tone: "warn",
      text: "The newest run of its set does not use it. Older versions of files may be on it alone.",
      others: [],
    };
  }
  if (other) {
    return {
      tone: "good",
      text: `The newest run stays whole: copy ${other.copy} has every file. Older versions that only this cartridge holds would be gone.`,
      others,
    };
  }
  return {
    tone: "bad",
    text: `${plural(cartridge.volume?.files ?? 0, "copy", "copies")} of files would be gone, and no other complete copy of the set exists. Make a second copy: back up the set with two copies.`,
    others,
  };
}

export function WhatIfLost({ cartridge }: { cartridge: CartridgeView }) {
  const set = cartridge.volume?.set;
  const query = useLockAwareQuery(evidence(set ? { set } : {}), { enabled: Boolean(set) });
  if (!set) return null;
  return (
    <Panel title="If this one is lost">
      <Loaded query={query} what="the other copies">
        {(table) => {
          const verdict = verdictOf(cartridge, table);
          return (
            <Notice tone={verdict.tone}>
              <p>{verdict.text}</p>
              {verdict.others.length > 0 && <CartridgeChips barcodes={verdict.others} />}
            </Notice>
          );
        }}
      </Loaded>
    </Panel>
  );
}
