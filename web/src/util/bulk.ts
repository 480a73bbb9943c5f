// What can be done with many cartridges at once, and with which of them it cannot: said before it is done.
import type { CartridgeView, LibraryView, Place } from "../api/types";
import { whyNotTaken } from "./moves";
import { placeOf, placeText } from "./places";

export type BulkAct = "format" | "export" | "import" | "verify";

export interface BulkStep {
  barcode: string;
  /** What is done with it. */
  text: string;
  to?: Place;
  from?: Place;
}

export interface BulkPlan {
  steps: BulkStep[];
  leftOut: { barcode: string; why: string }[];
}

function freeOf(library: LibraryView, kind: "slot" | "mail_slot"): Place[] {
  return library.elements
    .filter((element) => element.kind === kind && !element.is_full && element.is_accessible)
    .sort((a, b) => a.number - b.number)
    .flatMap((element) => placeOf(element) ?? []);
}

/** Only what holds nothing: what would be lost is asked for one by one, with the barcode typed. */
function whyNotFormattedAtOnce(item: CartridgeView): string | undefined {
  if (!item.place) return "it is not in the library";
  if (item.state === "cleaning") return "it is a cleaning cartridge";
  if (item.is_write_protected) return "the switch on its side protects it";
  if (item.volume) return "there is a volume on it: format it from its own page";
  return undefined;
}

function moveAll(
  items: readonly CartridgeView[],
  library: LibraryView,
  target: "slot" | "mail_slot",
): BulkPlan {
  const free = freeOf(library, target);
  const plan: BulkPlan = { steps: [], leftOut: [] };
  for (const { barcode, place } of items) {
    const there = target === "mail_slot" ? "it is in a mail slot" : "it is in a slot";
    const why = !place
      ? "it is not in the library"
      : place.place === target
        ? there
        : whyNotTaken(library, place);
    if (why || !place) {
      plan.leftOut.push({ barcode, why: why ?? "" });
      continue;
    }
    const to = free.shift();
    if (!to) {
      plan.leftOut.push({ barcode, why: `no ${target === "slot" ? "slot" : "mail slot"} is free` });
      continue;
    }
    const text = `from ${placeText(place)} to ${placeText(to)}`;
    plan.steps.push({ barcode, text, from: place, to });
  }
  return plan;
}

export function planBulk(
  act: BulkAct,
  items: readonly CartridgeView[],
  library: LibraryView,
): BulkPlan {
  if (act === "export") return moveAll(items, library, "mail_slot");
  if (act === "import") return moveAll(items, library, "slot");
  const whyNot =
    act === "format"
      ? whyNotFormattedAtOnce
      : (item: CartridgeView) => (item.volume?.files ? undefined : "nothing of ours is on it");
  const text =
    act === "format" ? "formatted if it is blank" : "read again, and every hash compared";
  const plan: BulkPlan = { steps: [], leftOut: [] };
  for (const item of items) {
    const why = whyNot(item);
    if (why) plan.leftOut.push({ barcode: item.barcode, why });
    else plan.steps.push({ barcode: item.barcode, text });
  }
  return plan;
}
