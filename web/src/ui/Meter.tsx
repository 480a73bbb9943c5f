// How much of a whole, as a bar with the words that a screen reader says.
import type { Tone } from "./Lamp";

interface Props {
  label: string;
  value: number;
  max: number;
  tone?: Tone;
  /** What the bar shows, in words. */
  text: string;
}

export function Meter({ label, value, max, tone, text }: Props) {
  const share = max > 0 ? Math.min(1, value / max) : 0;
  return (
    <span
      className={`meter tone-${tone ?? "idle"}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(share * 100)}
      aria-valuetext={text}
    >
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}
