// The dialog that moves a cartridge: by keyboard, after a drag, from its page. It says what the move
// will do before it is done.
import { useState } from "react";
import { library as askLibrary, cartridges } from "../api/queries";
import type { LibraryView, Place } from "../api/types";
import { ErrorBox } from "../components/ErrorBox";
import { useJobAct } from "../hooks/useAct";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useWhyNot } from "../hooks/useWhyNot";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { SelectField } from "../ui/Field";
import { Notice } from "../ui/Notice";
import { destinations, explainMove, whyNotTaken } from "../util/moves";
import { api } from "../util/path-builder";
import { placeText } from "../util/places";

interface Props {
  barcode: string;
  from: Place;
  /** Where it was dropped. */
  to?: Place | undefined;
  onClose: () => void;
}

const keyOf = (place: Place) => `${place.place}:${place.number}`;

export function CartridgeMove(props: Props) {
  const { data } = useLockAwareQuery(askLibrary());
  return data ? <MoveDialog {...props} library={data} /> : null;
}

function MoveDialog({ barcode, from, to, onClose, library }: Props & { library: LibraryView }) {
  const places = destinations(library, from);
  const [chosen, setChosen] = useState(() => keyOf(to ?? places[0] ?? from));
  const list = useLockAwareQuery(cartridges());
  const cartridge = list.data?.items.find((item) => item.barcode === barcode);
  const act = useJobAct({ onDone: onClose });
  const target = places.find((place) => keyOf(place) === chosen);
  const notMine = useWhyNot("POST /api/library/moves");
  const whyNot =
    notMine ??
    whyNotTaken(library, from) ??
    (target ? undefined : places.length === 0 ? "No place is free." : "Choose where it goes.");
  return (
    <Dialog
      title={`Move ${barcode}`}
      onClose={onClose}
      onSubmit={() => {
        if (target && !whyNot) act.mutate({ path: api.moves(), body: { from, to: target } });
      }}
      footer={
        <>
          <Button onClick={onClose}>Leave it there</Button>
          <Button type="submit" look="primary" icon="move" whyNot={whyNot} isBusy={act.isPending}>
            Move it
          </Button>
        </>
      }
    >
      <p className="quiet-text">
        It is in <strong>{placeText(from)}</strong>.
      </p>
      <SelectField
        label="Where it goes"
        value={chosen}
        onChange={setChosen}
        options={places.map((place) => ({ value: keyOf(place), text: placeText(place) }))}
      />
      {target && (
        <Notice tone="busy">
          {explainMove({ barcode, from, to: target }, cartridge).map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </Notice>
      )}
      {act.error && <ErrorBox error={act.error} />}
    </Dialog>
  );
}
