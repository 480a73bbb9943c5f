// One place of the library map: its number, and the spine of the cartridge in it.
import type { DragEvent } from "react";
import type { CartridgeView, ElementView } from "../api/types";
import { Lamp, type State } from "../ui/Lamp";
import { KIND_NAME } from "../util/places";
import { BarcodeLabel } from "./BarcodeLabel";
import { CARTRIDGE_STATE } from "./states";

interface Props {
  element: ElementView;
  cartridge: CartridgeView | undefined;
  /** A cartridge is being dragged that this place could take. */
  isTarget: boolean;
  isDragged: boolean;
  onOpen: () => void;
  onDragStart: () => void;
  onDragEnd: () => void;
  onDrop: () => void;
}

export function stateOf(element: ElementView, cartridge: CartridgeView | undefined): State {
  if (element.exception) return { tone: "bad", icon: "warn", text: element.exception };
  if (cartridge) return CARTRIDGE_STATE[cartridge.state];
  return CARTRIDGE_STATE.unknown;
}

export function Bay(props: Props) {
  const { element, isTarget } = props;
  const drop = isTarget
    ? {
        onDragOver: (event: DragEvent) => event.preventDefault(),
        onDrop: (event: DragEvent) => {
          event.preventDefault();
          props.onDrop();
        },
      }
    : {};
  return (
    <li className={isTarget ? "bay is-target" : "bay"} {...drop}>
      <span className="place">
        <span>
          {KIND_NAME[element.kind]} <span className="mono">{element.number}</span>
        </span>
        {!element.is_accessible && <span className="tone-warn">out of reach</span>}
      </span>
      {element.is_full ? <Spine {...props} /> : <Nothing element={element} isTarget={isTarget} />}
    </li>
  );
}

function Nothing({ element, isTarget }: { element: ElementView; isTarget: boolean }) {
  return <span className="nothing">{element.exception ?? (isTarget ? "drop here" : "empty")}</span>;
}

export function Spine({ element, cartridge, isDragged, onOpen, onDragStart, onDragEnd }: Props) {
  const name = element.barcode ?? "cartridge without barcode";
  const state = stateOf(element, cartridge);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a real button cannot be dragged in every browser
    <div
      role="button"
      tabIndex={0}
      className={isDragged ? "spine is-dragged" : "spine"}
      draggable
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", name);
        // Chromium ends a drag at once if the page changes while it begins.
        setTimeout(onDragStart);
      }}
      onDragEnd={onDragEnd}
      onClick={onOpen}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onOpen();
      }}
    >
      {element.barcode ? <BarcodeLabel barcode={element.barcode} /> : <span>no barcode</span>}{" "}
      <Lamp state={state} size={13} />
      <span className="visually-hidden">{`, ${KIND_NAME[element.kind]} ${element.number}: move`}</span>
    </div>
  );
}
