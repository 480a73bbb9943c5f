// How long the runs of a pool are kept. Nothing is erased by it: it says what nobody needs any more.
import { useState } from "react";
import type { PoolView } from "../api/types";
import { AskDialog } from "../components/AskDialog";
import { TextField, Tick } from "../ui/Field";
import { api } from "../util/path-builder";

interface Props {
  pool: PoolView;
  onClose: () => void;
}

/** A hundred years; the engine refuses more. */
const DAYS_MAX = 36_525;

function isCount(text: string, max: number): boolean {
  return /^[0-9]+$/.test(text) && Number(text) >= 1 && Number(text) <= max;
}

export function PoolRetention({ pool, onClose }: Props) {
  const [isForEver, setIsForEver] = useState(!pool.retention);
  const [days, setDays] = useState(String(pool.retention?.days ?? 365));
  const [runs, setRuns] = useState(String(pool.retention?.runs_min ?? 2));
  const isWhole = isCount(days, DAYS_MAX) && isCount(runs, 1_000_000);
  const retention = isForEver ? null : { days: Number(days), runs_min: Number(runs) };
  return (
    <AskDialog
      title={`How long runs of ${pool.name} are kept`}
      act="Keep them so"
      whyNot={isForEver || isWhole ? undefined : "Days and runs are whole numbers from 1."}
      sending={{ method: "PUT", path: api.poolRetention(pool.name), body: { retention } }}
      renews={["pools", "expired"]}
      done={`How long runs of ${pool.name} are kept is set.`}
      onClose={onClose}
    >
      <p>
        Nothing is ever erased by itself. What is past this is listed as no longer needed, and a
        person formats such a cartridge by typing its barcode.
      </p>
      <Tick text="For ever" isOn={isForEver} onTurn={setIsForEver} />
      {!isForEver && (
        <div className="pair">
          <TextField
            label="Days"
            hint="After the end of a run."
            value={days}
            onChange={setDays}
            inputMode="numeric"
          />
          <TextField
            label="Newest runs that always stay"
            hint="Of each set; nothing older goes before they are proven."
            value={runs}
            onChange={setRuns}
            inputMode="numeric"
          />
        </div>
      )}
    </AskDialog>
  );
}
