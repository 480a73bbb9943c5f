// A cartridge by its barcode, as its label looks; leads to its page.
import { Link } from "wouter";
import { to } from "../util/path-builder";

export function CartridgeChip({ barcode }: { barcode: string | null }) {
  if (!barcode) return <span className="quiet-text">no barcode</span>;
  return (
    <Link href={to.cartridge(barcode)} className="barcode-chip">
      {barcode}
    </Link>
  );
}

export function CartridgeChips({ barcodes }: { barcodes: readonly string[] }) {
  if (barcodes.length === 0) return <span className="quiet-text">none</span>;
  return (
    <span className="actions">
      {barcodes.map((barcode) => (
        <CartridgeChip key={barcode} barcode={barcode} />
      ))}
    </span>
  );
}
