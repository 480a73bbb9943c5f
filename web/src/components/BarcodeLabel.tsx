// The label of a cartridge: bars in Code 39 and the text below.
import { encodeCode39 } from "../util/code39";

export function BarcodeLabel({ barcode }: { barcode: string }) {
  const { bars, width } = encodeCode39(barcode);
  return (
    <span className="label">
      <svg viewBox={`0 0 ${width} 10`} preserveAspectRatio="none" aria-hidden="true">
        {bars.map((bar) => (
          <rect key={bar.x} x={bar.x} y={0} width={bar.width} height={10} />
        ))}
      </svg>
      <span className="code">{barcode}</span>
    </span>
  );
}
