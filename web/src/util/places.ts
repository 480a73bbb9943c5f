// Places in a library, in a person's words.
import type { ElementKind, ElementView, Place } from "../api/types";

export const KIND_NAME: Record<ElementKind, string> = {
  slot: "slot",
  mail_slot: "mail slot",
  drive: "drive",
  robot: "robot",
};

export function placeText(place: Place | null): string {
  return place ? `${KIND_NAME[place.place]} ${place.number}` : "not in the library";
}

export function placeOf(element: ElementView): Place | null {
  return element.kind === "robot" ? null : { place: element.kind, number: element.number };
}

export function isSamePlace(a: Place | null, b: Place | null): boolean {
  return a !== null && b !== null && a.place === b.place && a.number === b.number;
}
