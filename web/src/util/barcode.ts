// What a library reads on a label: six characters that name the cartridge, and two for the medium.

const BARCODE = /^[A-Z0-9]{8}$/;

export function isBarcode(text: string): boolean {
  return BARCODE.test(text);
}

/** As a hand types it: blanks and small letters do not count. */
export function tidyBarcode(text: string): string {
  return text.replace(/\s+/g, "").toUpperCase();
}
