// What a move would do, said before it is done, and why it cannot be done.
import type { CartridgeView, ElementView, LibraryView, Place } from "../api/types";
import { placeOf, placeText } from "./places";
import { formatBytes, plural } from "./units";

export interface Move {
  barcode: string;
  from: Place;
  to: Place;
}

function elementAt(library: LibraryView, place: Place): ElementView | undefined {
  return library.elements.find(
    (element) => element.kind === place.place && element.number === place.number,
  );
}

/** Why a cartridge cannot be taken from where it is; nothing if it can. */
export function whyNotTaken(library: LibraryView, from: Place): string | undefined {
  const element = elementAt(library, from);
  if (!element?.is_accessible) return "The robot cannot reach it.";
  if (from.place !== "drive") return undefined;
  const drive = library.drives.find((each) => each.number === from.number);
  return drive?.job ? `Job ${drive.job} uses this drive.` : undefined;
}

/** Empty places that the robot can reach, drives first: that is where most moves go. */
export function destinations(library: LibraryView, from: Place): Place[] {
  const order = { drive: 0, slot: 1, mail_slot: 2, robot: 3 };
  return library.elements
    .filter((element) => !element.is_full && element.is_accessible)
    .sort((a, b) => order[a.kind] - order[b.kind] || a.number - b.number)
    .flatMap((element) => placeOf(element) ?? [])
    .filter((place) => {
      if (place.place !== "drive") return true;
      const drive = library.drives.find((each) => each.number === place.number);
      return from.place !== "drive" && drive?.job === null && drive.state !== "failed";
    });
}

function effectOf({ barcode, from, to }: Move): string {
  if (to.place === "drive") {
    return barcode.startsWith("CLN")
      ? `The robot puts the cleaning cartridge into drive ${to.number}, which cleans itself. One of the cartridge's uses is spent.`
      : `The robot takes ${barcode} from ${placeText(from)} and drive ${to.number} loads it. Nothing is read or written until a job does.`;
  }
  if (from.place === "drive") {
    return `Drive ${from.number} rewinds and unloads ${barcode}; the robot puts it into ${placeText(to)}. This can take two minutes.`;
  }
  if (to.place === "mail_slot") {
    return `The robot puts ${barcode} into ${placeText(to)}, where a person can take it out.`;
  }
  if (from.place === "mail_slot") {
    return `The robot takes ${barcode} in, from ${placeText(from)} to ${placeText(to)}.`;
  }
  return `The robot carries ${barcode} from ${placeText(from)} to ${placeText(to)}. Nothing on it changes.`;
}

/** What a move does, in sentences; the last ones are what it costs. */
export function explainMove(move: Move, cartridge: CartridgeView | undefined): string[] {
  const sentences = [effectOf(move)];
  const volume = cartridge?.volume;
  if (move.to.place === "mail_slot" && volume && volume.files > 0) {
    const of = volume.set ? ` of set ${volume.set}` : "";
    sentences.push(
      `${plural(volume.files, "file")}${of} (${formatBytes(volume.bytes)}) are on it. While it is out, a restore that needs it waits until somebody brings it back.`,
    );
  }
  return sentences;
}
