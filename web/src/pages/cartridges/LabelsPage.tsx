// A sheet of barcode labels, to print: the bars and text that LTO labels carry.
import { useState } from "react";
import { useSearchParams } from "wouter";
import { cartridges } from "../../api/queries";
import { BarcodeLabel } from "../../components/BarcodeLabel";
import { PageHead } from "../../components/PageHead";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { isBarcode } from "../../util/barcode";
import { to } from "../../util/path-builder";

export function LabelsPage() {
  const query = useLockAwareQuery(cartridges());
  const [text, setText] = useState<string | null>(null);
  const known = (query.data?.items ?? []).map((item) => item.barcode);
  const [params] = useSearchParams();
  const asked = params.get("barcodes")?.split(" ");
  const shown = text ?? (asked ?? known.slice(0, 12)).join("\n");
  const barcodes = shown
    .split(/\s+/)
    .map((each) => each.toUpperCase())
    .filter(Boolean);
  const wrong = barcodes.filter((each) => !isBarcode(each));
  return (
    <>
      <PageHead
        title="Labels"
        crumb={{ href: to.cartridges(), text: "Cartridges" }}
        topic="cartridges"
        lead="Print at 100 % on label stock of 79 by 16 mm, then let the library read one before you print the rest."
        actions={
          <Button icon="print" look="primary" onClick={() => window.print()}>
            Print
          </Button>
        }
      />
      <div className="stack">
        <div className="no-print">
          <TextField
            label="Barcodes"
            hint="One a line: six characters and the generation, as FSP001L9."
            rows={6}
            isMono
            value={shown}
            onChange={setText}
            wrong={wrong.length > 0 ? `Not a barcode of a library: ${wrong.join(", ")}` : undefined}
          />
        </div>
        <Panel title="Sheet">
          <div className="label-sheet">
            {barcodes
              .filter((each) => isBarcode(each))
              .map((barcode) => (
                <BarcodeLabel key={barcode} barcode={barcode} />
              ))}
          </div>
        </Panel>
      </div>
    </>
  );
}
