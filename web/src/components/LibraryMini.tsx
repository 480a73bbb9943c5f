// The library small: which slots are full, what the drives do.
import type { ElementView, LibraryView } from "../api/types";
import { Icon } from "../ui/Icon";
import { Lamp } from "../ui/Lamp";
import { plural } from "../util/units";
import { DRIVE_STATE } from "./states";

interface Props {
  library: LibraryView;
  part: "slots" | "drives";
}

export function LibraryMini({ library, part }: Props) {
  if (part === "drives") {
    return (
      <div className="mini drives-mini">
        {library.drives.map((drive) => (
          <span key={drive.serial}>
            <span className="mono">
              {drive.number === null ? drive.serial : `drive ${drive.number}`}
            </span>
            <Lamp state={DRIVE_STATE[drive.state]} size={13} />
          </span>
        ))}
      </div>
    );
  }
  const slots = library.elements.filter((element) => element.kind === "slot");
  return (
    <div className="stack tight">
      <Row elements={slots} what="slot" />
    </div>
  );
}

function Row({ elements, what }: { elements: readonly ElementView[]; what: string }) {
  const full = elements.filter((element) => element.is_full).length;
  return (
    <>
      <div
        className="mini"
        role="img"
        aria-label={`${full} of ${plural(elements.length, what)} hold a cartridge`}
      >
        {elements.map((element) => (
          <span
            key={element.address}
            className={element.is_full ? "is-full" : ""}
            title={`${what} ${element.number}: ${element.barcode ?? "empty"}`}
          >
            {element.barcode?.startsWith("CLN") ? (
              <Icon name="clean" size={13} />
            ) : element.is_full ? (
              <Icon name="full" size={13} />
            ) : null}
          </span>
        ))}
      </div>
      <p className="small quiet-text">
        <span className="mono">{full}</span> of {plural(elements.length, what)} full
      </p>
    </>
  );
}
