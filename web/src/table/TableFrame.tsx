// The frame of a table: it scrolls sideways by itself where it must, also by keyboard.
import type { ReactNode } from "react";

export function TableFrame({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="panel flush table-wrap" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
