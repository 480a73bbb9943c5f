// Rows of one height, of which only those that are seen are drawn: a million of them cost no more than a
// screen. More are asked for as the end comes near.
import { type Range, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useRef } from "react";

/** Browsers draw nothing below some 33.5 million pixels: a million rows have to fit. */
const ROW_PX = 32;
/** Rows from the end at which the next page is asked for. */
const AHEAD = 200;
/** Rows that are there before they are seen, for a turn of the wheel that comes before they are drawn. */
const COMING = 10;
/** Rows that are still there after they were seen: the Tab key goes back by them. */
const GONE = 3;

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

/** More rows where one scrolls to, since each costs time in every frame. */
function drawnRows({ startIndex, endIndex, count }: Range, isUpwards: boolean): number[] {
  const first = Math.max(0, startIndex - (isUpwards ? COMING : GONE));
  const last = Math.min(count - 1, endIndex + (isUpwards ? GONE : COMING));
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const Drawn = memo(({ item, row }: DrawnProps) => row(item as never));

export function VirtualRows<T>({ label, items, hasMore, onMore, row }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const rows: Virtualizer<HTMLDivElement, Element> = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    rangeExtractor: (range) => drawnRows(range, rows.scrollDirection === "backward"),
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
                key={each.index}
                role="listitem"
                aria-setsize={hasMore ? -1 : items.length}
                aria-posinset={each.index + 1}
                className="hit"
                // Not by a transform: the compositor would have to sort one more layer a row in every frame.
                style={{ height: ROW_PX, top: each.start }}
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
