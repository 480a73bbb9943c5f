// Rows of one height, of which only those that are seen are drawn: a million of them cost no more than a
// screen. More are asked for as the end comes near.
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useRef } from "react";

/** Browsers draw nothing below some 33.5 million pixels: a million rows have to fit. */
const ROW_PX = 32;
/** Rows from the end at which the next page is asked for. */
const AHEAD = 200;
const OVERSCAN = 12;
/** A row that left the screen is drawn anew as one that comes: as many as are ever there, or more. */
const DRAWN_MAX = 128;

interface Props<T> {
  label: string;
  items: readonly T[];
  hasMore: boolean;
  onMore: () => void;
  /** Must stay the same function: rows that stay on the screen are not drawn again then. */
  row: (item: T) => ReactNode;
}

interface DrawnProps {
  item: unknown;
  row: (item: never) => ReactNode;
}

const Drawn = memo(({ item, row }: DrawnProps) => row(item as never));

export function VirtualRows<T>({ label, items, hasMore, onMore, row }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    onChange: (instance) => {
      const last = instance.getVirtualItems().at(-1)?.index ?? 0;
      if (hasMore && last > items.length - AHEAD) onMore();
    },
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: the spacer between list and rows forbids ul and li
    <div ref={box} className="hits" tabIndex={0} role="list" aria-label={label}>
      <div style={{ height: rows.getTotalSize(), position: "relative" }} role="presentation">
        {rows.getVirtualItems().map((each) => {
          const item = items[each.index];
          return (
            item !== undefined && (
              // biome-ignore lint/a11y/useSemanticElements: as above
              <div
                key={each.index % DRAWN_MAX}
                role="listitem"
                aria-setsize={hasMore ? -1 : items.length}
                aria-posinset={each.index + 1}
                className="hit"
                style={{ height: ROW_PX, transform: `translateY(${each.start}px)` }}
              >
                <Drawn item={item} row={row} />
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}
