// How a drive is: what it has raised (TapeAlert) in plain words, and what it counts.
import { driveHealth } from "../../api/queries";
import type { DriveAlertView, DriveHealthView, Severity } from "../../api/types";
import { Ago } from "../../components/Ago";
import { Loaded } from "../../components/Loaded";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { Figure, Figures } from "../../ui/Figure";
import type { Tone } from "../../ui/Lamp";
import { Notice } from "../../ui/Notice";
import { formatBytes, formatCount } from "../../util/units";

export function DriveHealth({ serial }: { serial: string }) {
  const query = useLockAwareQuery(driveHealth(serial));
  return (
    <Loaded query={query} what="how it is" heightRem={24}>
      {(health) => <Body health={health} />}
    </Loaded>
  );
}

const TONE: Record<Severity, Tone> = { info: "idle", warning: "warn", critical: "bad" };

function Body({ health }: { health: DriveHealthView }) {
  return (
    <section className="stack" aria-label={`How drive ${health.serial} is`}>
      {health.alerts.length === 0 ? (
        <Notice tone={health.is_cleaning_due ? "warn" : "good"}>
          <p>{health.sentence}</p>
        </Notice>
      ) : (
        health.alerts.map((alert) => <Raised key={alert.number} alert={alert} />)
      )}
      <Counters health={health} />
      <p className="small quiet-text">
        Asked <Ago at={health.at} />. Errors are counted from when the cartridge was loaded.
      </p>
    </section>
  );
}

function Raised({ alert }: { alert: DriveAlertView }) {
  return (
    <Notice tone={TONE[alert.severity]}>
      <p>{alert.sentence}</p>
      <p className="small quiet-text">
        TapeAlert <span className="mono">{alert.number}</span>
      </p>
    </Notice>
  );
}

/** What a drive does not count is not shown as nothing. */
function shown(count: number | null | undefined, format: (count: number) => string): string {
  return count == null ? "–" : format(count);
}

function Counters({ health }: { health: DriveHealthView }) {
  const { write, read, cartridge } = health;
  return (
    <div className="stack tight">
      <table className="table">
        <caption className="visually-hidden">What the drive counts</caption>
        <thead>
          <tr>
            <th>Since it was loaded</th>
            <th className="number">Written</th>
            <th className="number">Read</th>
          </tr>
        </thead>
        <tbody>
          {ROWS.map(([name, count, format]) => (
            <tr key={name}>
              <td>{name}</td>
              <td className="number">{shown(count(write), format)}</td>
              <td className="number">{shown(count(read), format)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Figures>
        <Figure
          name="Compression"
          value={shown(health.write_compression_percent, (percent) => (percent / 100).toFixed(2))}
          note="to 1, of what was written"
        />
        {cartridge.loads != null && (
          <Figure
            name="Cartridge threaded"
            value={{ value: formatCount(cartridge.loads), unit: "times" }}
          />
        )}
        {cartridge.written_bytes != null && (
          <Figure
            name="Written in its life"
            value={formatBytes(cartridge.written_bytes)}
            note={`${formatBytes(cartridge.read_bytes ?? 0)} read`}
          />
        )}
        {cartridge.unrecovered_write_errors != null && (
          <Figure
            name="Errors that stayed"
            value={formatCount(
              cartridge.unrecovered_write_errors + (cartridge.unrecovered_read_errors ?? 0),
            )}
            note="in the cartridge's life"
          />
        )}
      </Figures>
    </div>
  );
}

type Errors = DriveHealthView["write"];

const ROWS: readonly [
  string,
  (errors: Errors) => number | null | undefined,
  (n: number) => string,
][] = [
  ["Bytes", (errors) => errors.size_bytes, formatBytes],
  ["Errors, corrected", (errors) => errors.corrected, formatCount],
  ["Blocks done again", (errors) => errors.repeats, formatCount],
  ["Errors, not corrected", (errors) => errors.uncorrected, formatCount],
];
