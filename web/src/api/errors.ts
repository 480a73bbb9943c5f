// What the console adds to an error of the API: whether data is at risk. The API itself says what
// happened and what to do; help/errors.ts has a page for each code.
import { ERROR_PAGES } from "../help/errors";

const UNKNOWN = "Nothing was changed by this request.";

export function riskOf(code: string): string {
  return ERROR_PAGES[code]?.risk ?? UNKNOWN;
}
