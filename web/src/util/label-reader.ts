// Reads the label of a cartridge from a picture: Code 39 with six characters and the two of the medium, as
// libraries read it. Loaded only by the page that has a camera.
import BinaryBitmap from "@zxing/library/esm/core/BinaryBitmap";
import GlobalHistogramBinarizer from "@zxing/library/esm/core/common/GlobalHistogramBinarizer";
import Code39Reader from "@zxing/library/esm/core/oned/Code39Reader";
import RGBLuminanceSource from "@zxing/library/esm/core/RGBLuminanceSource";
import { isBarcode } from "./barcode";

/** Four bytes a pixel, as a canvas gives them. */
export interface Picture {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** What the label says, or nothing: no label, one of something else, or not to be read in this picture. */
export function readLabel(picture: Picture): string | null {
  const source = new RGBLuminanceSource(greys(picture), picture.width, picture.height);
  try {
    const text = new Code39Reader()
      .decode(new BinaryBitmap(new GlobalHistogramBinarizer(source)))
      .getText();
    return isBarcode(text) ? text : null;
  } catch {
    // The library throws for a picture without a code, which most pictures are.
    return null;
  }
}

/** Green counts most, as for the eye. */
function greys({ data, width, height }: Picture): Uint8ClampedArray {
  const greys = new Uint8ClampedArray(width * height);
  for (let at = 0; at < greys.length; at += 1) {
    const pixel = at * 4;
    greys[at] = ((data[pixel] ?? 0) + 2 * (data[pixel + 1] ?? 0) + (data[pixel + 2] ?? 0)) >> 2;
  }
  return greys;
}
