// A measured value: name, figure in monospace, unit.
import type { ReactNode } from "react";
import type { Quantity } from "../util/units";

interface Props {
  name: string;
  value: Quantity | string;
  note?: ReactNode;
}

export function Figure({ name, value, note }: Props) {
  const quantity = typeof value === "string" ? { value, unit: "" } : value;
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd>
        {quantity.value}
        {quantity.unit && <span className="unit">{quantity.unit}</span>}
      </dd>
      {note && (
        <dd>
          <small>{note}</small>
        </dd>
      )}
    </div>
  );
}

export function Figures({ children }: { children: ReactNode }) {
  return <dl className="figures">{children}</dl>;
}

export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => [
        <dt key={`${name}-name`}>{name}</dt>,
        <dd key={name}>{value ?? "–"}</dd>,
      ])}
    </dl>
  );
}
