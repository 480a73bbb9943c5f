// A table as lists have it: columns are said once, a row is an item; on a phone each row is a card with
// the columns' names in it.
import type { ReactNode } from "react";

export interface Column<T> {
  head: string;
  /** What a card calls it, where the head is too long for one. */
  label?: string;
  isNumber?: boolean;
  className?: string;
  cell: (item: T) => ReactNode;
}

interface Props<T> {
  items: readonly T[];
  keyOf: (item: T) => string | number;
  columns: readonly Column<T>[];
  /** Buttons at the end of a row. */
  actions?: (item: T) => ReactNode;
  /** Rows can be ticked; each tick is called by the row's name. */
  ticks?: {
    nameOf: (item: T) => string;
    isTicked: (item: T) => boolean;
    onTurn: (item: T) => void;
  };
  /** Said to a screen reader where no heading names the table. */
  caption?: string;
}

export function Table<T>({ items, keyOf, columns, actions, ticks, caption }: Props<T>) {
  return (
    <table className="table cards">
      {caption && <caption className="visually-hidden">{caption}</caption>}
      <thead>
        <tr>
          {ticks && (
            <th>
              <span className="visually-hidden">Chosen</span>
            </th>
          )}
          {columns.map((column) => (
            <th key={column.head} className={column.isNumber ? "number" : undefined}>
              {column.head}
            </th>
          ))}
          {actions && (
            <th>
              <span className="visually-hidden">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <tr key={keyOf(item)} className={ticks ? "has-tick" : undefined}>
            {ticks && (
              <td className="tick-cell">
                <input
                  type="checkbox"
                  className="check"
                  aria-label={`Choose ${ticks.nameOf(item)}`}
                  checked={ticks.isTicked(item)}
                  onChange={() => ticks.onTurn(item)}
                />
              </td>
            )}
            {columns.map((column, index) => (
              <td
                key={column.head}
                className={classOf(column)}
                data-label={index === 0 ? undefined : (column.label ?? column.head)}
              >
                {column.cell(item)}
              </td>
            ))}
            {actions && <td>{actions(item)}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function classOf<T>({ isNumber, className }: Column<T>): string | undefined {
  return isNumber ? "number" : className;
}
