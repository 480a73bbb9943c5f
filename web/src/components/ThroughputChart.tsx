// A strip chart of a job's rates and of its buffer, from the samples that this console has seen.
import type { Sample } from "../stores/throughput";
import { formatClock, formatRate } from "../util/units";

const WIDTH = 720;
const HEIGHT = 190;
const LEFT = 76;
const TOP = 8;
const BOTTOM = 24;
const LINES = 4;

type Pick = (sample: Sample) => number | null;

function pathOf(samples: readonly Sample[], pick: Pick, max: number): string {
  const first = samples[0]?.at ?? 0;
  const span = Math.max(1, (samples.at(-1)?.at ?? 1) - first);
  const height = HEIGHT - TOP - BOTTOM;
  let isDrawing = false;
  let path = "";
  for (const sample of samples) {
    const value = pick(sample);
    if (value === null) {
      isDrawing = false;
      continue;
    }
    const x = LEFT + ((sample.at - first) / span) * (WIDTH - LEFT);
    const y = TOP + height * (1 - value / max);
    path += `${isDrawing ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    isDrawing = true;
  }
  return path;
}

/** The next of 1, 2, 5, 10 … that holds a value. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  const steps = [1, 2, 5, 10] as const;
  return (steps.find((step) => step * power >= value) ?? 10) * power;
}

interface Trace {
  className: string;
  pick: Pick;
}

interface Props {
  samples: readonly Sample[];
  traces: readonly Trace[];
  format: (value: number) => string;
  label: string;
}

function Strip({ samples, traces, format, label }: Props) {
  const values = samples.flatMap((sample) => traces.map((trace) => trace.pick(sample) ?? 0));
  const max = roundUp(Math.max(1, ...values));
  const height = HEIGHT - TOP - BOTTOM;
  const [first, last] = [samples[0], samples.at(-1)];
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {Array.from({ length: LINES + 1 }, (_, line) => {
        const y = TOP + (height * line) / LINES;
        return (
          <g key={line}>
            <line className="grid" x1={LEFT} x2={WIDTH} y1={y} y2={y} />
            <text x={LEFT - 8} y={y + 4} textAnchor="end">
              {format(max * (1 - line / LINES))}
            </text>
          </g>
        );
      })}
      {traces.map((trace) => (
        <path
          key={trace.className}
          className={`trace ${trace.className}`}
          d={pathOf(samples, trace.pick, max)}
        />
      ))}
      {first && last && (
        <>
          <text x={LEFT} y={HEIGHT - 4}>
            {formatClock(new Date(first.at).toISOString())}
          </text>
          <text x={WIDTH} y={HEIGHT - 4} textAnchor="end">
            {formatClock(new Date(last.at).toISOString())}
          </text>
        </>
      )}
    </svg>
  );
}

const RATES: readonly Trace[] = [
  { className: "source", pick: (sample) => sample.source },
  { className: "drive", pick: (sample) => sample.drive },
];
const BUFFER: readonly Trace[] = [{ className: "buffer", pick: (sample) => sample.bufferSeconds }];

export function ThroughputChart({ samples }: { samples: readonly Sample[] }) {
  const latest = samples.at(-1);
  if (!latest || samples.length < 2) {
    return (
      <p className="quiet-text small">
        Rates are drawn while the job runs and this console is open; there are none yet.
      </p>
    );
  }
  const say = `Source ${formatRate(latest.source)}, drives ${formatRate(latest.drive)} at the end of the chart`;
  return (
    <div className="stack tight">
      <div className="legend-row">
        <Key className="source" text="what the source could give" />
        <Key className="drive" text="what the drives took" />
      </div>
      <Strip samples={samples} traces={RATES} format={formatRate} label={say} />
      <div className="legend-row">
        <Key className="buffer" text="seconds of data waiting for the drive" />
      </div>
      <Strip
        samples={samples}
        traces={BUFFER}
        format={(value) => `${value.toFixed(value < 10 ? 1 : 0)} s`}
        label={`Buffer ${latest.bufferSeconds ?? 0} seconds at the end of the chart`}
      />
    </div>
  );
}

function Key({ className, text }: { className: string; text: string }) {
  return (
    <span>
      <svg
        className="chart"
        width="22"
        height="8"
        style={{ width: 22, display: "inline" }}
        aria-hidden="true"
      >
        <path className={`trace ${className}`} d="M0 4H22" />
      </svg>
      {text}
    </span>
  );
}
