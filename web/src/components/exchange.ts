// How long exchanging a cartridge takes in a plan, and whether that was measured here.
import type { ExchangeEstimate } from "../api/types";
import { formatDay } from "../util/units";

export function exchangeText(estimate: ExchangeEstimate | null | undefined): string {
  if (!estimate) return "cartridges brought by hand";
  const each = `${estimate.seconds_each} s a cartridge`;
  if (!estimate.measured) return `${each} (assumed: not measured yet)`;
  return `${each} (measured ${formatDay(new Date(estimate.measured))})`;
}
