// Calibration: how long robot and drives take to exchange a cartridge, measured; plans use the newest one.
import { useState } from "react";
import { calibrations } from "../../api/queries";
import type { CalibrationView, DriveTimes } from "../../api/types";
import { Ago } from "../../components/Ago";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Table } from "../../table/Table";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";

export function Calibration() {
  const query = useLockAwareQuery(calibrations());
  return (
    <Panel title="Calibration">
      <div className="stack">
        <Loaded query={query} what="the measurements">
          {({ items }) => <Last view={items.find((each) => each.measured)} />}
        </Loaded>
        <Measure />
      </div>
    </Panel>
  );
}

function Last({ view }: { view: CalibrationView | undefined }) {
  if (!view?.measured) {
    return (
      <p className="quiet-text">
        This library was not measured yet: plans assume how long an exchange takes, and say so.
      </p>
    );
  }
  const { cartridge, drives, left_out } = view.measured;
  return (
    <>
      <p>
        Measured <Ago at={view.ended ?? null} /> with <span className="mono">{cartridge}</span>.
        Plans use it.
      </p>
      <Table
        caption="How long each drive and the robot took"
        items={drives}
        keyOf={(times: DriveTimes) => times.drive}
        columns={[
          { head: "Drive", className: "mono", cell: (times) => times.drive },
          { head: "Bring", isNumber: true, cell: (times) => seconds(times.bring_ms) },
          { head: "Get ready", isNumber: true, cell: (times) => seconds(times.ready_ms) },
          { head: "To the end", isNumber: true, cell: (times) => seconds(times.locate_end_ms) },
          { head: "Rewind", isNumber: true, cell: (times) => seconds(times.rewind_ms) },
          { head: "Return", isNumber: true, cell: (times) => seconds(times.return_ms) },
        ]}
      />
      {left_out.map(({ drive, reason }) => (
        <p key={drive} className="small quiet-text">
          Drive <span className="mono">{drive}</span> was left out: {reason}
        </p>
      ))}
    </>
  );
}

function Measure() {
  const [barcode, setBarcode] = useState("");
  const notMine = useWhyNot("POST /api/library/calibration");
  const act = useJobAct();
  const cartridge = barcode.trim().toUpperCase();
  const whyNot = notMine ?? (cartridge ? undefined : "Name a cartridge first.");
  return (
    <form
      className="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        if (whyNot) return;
        act.mutate({ path: api.calibration(), body: { cartridge } });
      }}
    >
      <TextField
        label="Cartridge to measure with"
        hint="It is taken to each free drive and back. Nothing is written to it."
        value={barcode}
        onChange={setBarcode}
        isMono
      />
      {act.error && <ErrorBox error={act.error} />}
      <div className="actions">
        <Button type="submit" whyNot={whyNot} isBusy={act.isPending}>
          Measure the library
        </Button>
      </div>
    </form>
  );
}

function seconds(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "–" : `${(ms / 1000).toFixed(1)} s`;
}
