// One cartridge: where it is, what is on it and what would be lost with it.
import { useState } from "react";
import { cartridge as askCartridge } from "../../api/queries";
import type { CartridgeView } from "../../api/types";
import { Ago } from "../../components/Ago";
import { BarcodeLabel } from "../../components/BarcodeLabel";
import { ErrorBox } from "../../components/ErrorBox";
import { EvidencePanel } from "../../components/EvidencePanel";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { CARTRIDGE_MEANING, CARTRIDGE_STATE } from "../../components/states";
import { CartridgeFormat, whyNotFormatted } from "../../forms/cartridge-format";
import { CartridgeMove } from "../../forms/cartridge-move";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button, ButtonLink } from "../../ui/Button";
import { Facts } from "../../ui/Figure";
import { Lamp } from "../../ui/Lamp";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { placeText } from "../../util/places";
import { BookPart } from "./BookPart";
import { LifeStory } from "./LifeStory";
import { Manifests } from "./Manifests";
import { VolumePart } from "./VolumePart";
import { WhatIfLost } from "./WhatIfLost";

export function CartridgePage({ barcode }: { barcode: string }) {
  const query = useLockAwareQuery(askCartridge(barcode));
  return (
    <Loaded
      query={query}
      what={`cartridge ${barcode}`}
      head={
        <PageHead
          title={`Cartridge ${barcode}`}
          crumb={{ href: to.cartridges(), text: "Cartridges" }}
          topic="cartridges"
        />
      }
    >
      {(cartridge) => <Body cartridge={cartridge} />}
    </Loaded>
  );
}

function Body({ cartridge }: { cartridge: CartridgeView }) {
  const { barcode, volume, place } = cartridge;
  const [open, setOpen] = useState<"move" | "format" | null>(null);
  const act = useJobAct();
  const whyNotMoved = useWhyNot("POST /api/library/moves");
  const whyNotVerified = useWhyNot("POST /api/verify");
  const whyNotFormat = useWhyNot("POST /api/cartridges/{barcode}/format");
  const isOurs = volume !== null && volume.files > 0;
  return (
    <>
      <PageHead
        title={`Cartridge ${barcode}`}
        crumb={{ href: to.cartridges(), text: "Cartridges" }}
        topic="cartridges"
        lead={
          <>
            <Lamp state={CARTRIDGE_STATE[cartridge.state]} /> · {placeText(place)}
            {cartridge.alias && <> · “{cartridge.alias}”</>}
          </>
        }
        actions={
          <>
            {place && (
              <Button icon="move" whyNot={whyNotMoved} onClick={() => setOpen("move")}>
                Move
              </Button>
            )}
            {isOurs && (
              <ButtonLink href={to.contents(barcode)} icon="folder">
                What is on it
              </ButtonLink>
            )}
            {isOurs && (
              <Button
                icon="good"
                whyNot={whyNotVerified}
                isBusy={act.isPending}
                onClick={() =>
                  act.mutate({ path: api.verify(), body: { scope: { cartridge: barcode } } })
                }
              >
                Verify
              </Button>
            )}
            <Button
              look="danger"
              whyNot={whyNotFormat ?? whyNotFormatted(cartridge)}
              onClick={() => setOpen("format")}
            >
              Format
            </Button>
          </>
        }
      />
      {act.error && <ErrorBox error={act.error} />}
      <div className="stack">
        <div className="columns">
          <Panel title="The cartridge">
            <div className="stack">
              <div style={{ maxWidth: "17rem" }}>
                <BarcodeLabel barcode={barcode} />
              </div>
              <p className="quiet-text">{CARTRIDGE_MEANING[cartridge.state]}</p>
              <Facts
                rows={[
                  [
                    "Generation",
                    <span key="g" className="mono">
                      {cartridge.generation ?? "not known"}
                    </span>,
                  ],
                  ["Where", place ? placeText(place) : (cartridge.location ?? "nobody knows")],
                  ["Last seen here", <Ago key="s" at={cartridge.last_seen} />],
                  ...(cartridge.cleanings_left == null
                    ? []
                    : [["Cleanings left", `about ${cartridge.cleanings_left}`] as const]),
                  ["Written once only", cartridge.is_worm ? "yes, WORM" : "no"],
                  ["Write switch", cartridge.is_write_protected ? "protects it" : "open"],
                ]}
              />
            </div>
          </Panel>
          <VolumePart cartridge={cartridge} />
        </div>
        <BookPart cartridge={cartridge} />
        {isOurs && <WhatIfLost barcode={barcode} />}
        {isOurs && (
          <EvidencePanel scope={{ cartridge: barcode }} title="What is proven of what is on it" />
        )}
        {isOurs && <Manifests barcode={barcode} />}
        <LifeStory barcode={barcode} />
      </div>
      {open === "move" && place && (
        <CartridgeMove barcode={barcode} from={place} onClose={() => setOpen(null)} />
      )}
      {open === "format" && <CartridgeFormat barcode={barcode} onClose={() => setOpen(null)} />}
    </>
  );
}
