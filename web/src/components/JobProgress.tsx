// How far a job is: stage, bar, and the figures of the data path with the part that limits it.
import type { Bottleneck, JobView } from "../api/types";
import { secondsLeft, useSamples } from "../stores/throughput";
import { Figure, Figures } from "../ui/Figure";
import { Meter } from "../ui/Meter";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatShare,
  splitBytes,
  splitRate,
} from "../util/units";

export const BOTTLENECK: Record<Bottleneck, { text: string; note: string }> = {
  source: { text: "the source", note: "The drive waits for the disk or network that is read." },
  processor: { text: "the processor", note: "Hashing or compressing takes all cores." },
  drive: { text: "the drive", note: "As it should be: the tape moves at its own speed." },
  other: { text: "another part", note: "A part that this console does not know." },
};

export function ProgressBar({ job }: { job: JobView }) {
  const { progress } = job;
  const isInBytes = progress.bytes_total > 0;
  const done = isInBytes ? progress.bytes_done : progress.files_done;
  const total = isInBytes ? progress.bytes_total : progress.files_total;
  const text = isInBytes
    ? `${formatBytes(done)} of ${formatBytes(total)}`
    : `${formatCount(done)} of ${formatCount(total)} files`;
  return (
    <div className="stack tight">
      <Meter
        label={`Progress of ${job.title}`}
        value={done}
        max={total}
        text={total > 0 ? text : "not known yet"}
        tone="busy"
      />
      <div className="legend-row">
        <span>{progress.stage || "starting"}</span>
        {total > 0 && (
          <span className="mono">
            {formatShare(done, total)} · {text}
          </span>
        )}
        {isInBytes && progress.files_total > 0 && (
          <span className="mono">
            {formatCount(progress.files_done)} of {formatCount(progress.files_total)} files
          </span>
        )}
        {progress.cartridge && (
          <span>
            cartridge <span className="mono">{progress.cartridge}</span>
          </span>
        )}
      </div>
    </div>
  );
}

export function StreamFigureRow({ job }: { job: JobView }) {
  const samples = useSamples(job.id);
  const stream = job.progress.stream;
  if (!stream || stream.drives.length === 0) return null;
  const drive = stream.drives.reduce((sum, each) => sum + each.bytes_per_second, 0);
  const waits = stream.drives.reduce((sum, each) => sum + each.underruns, 0);
  const left = secondsLeft(job, samples);
  return (
    <Figures>
      <Figure name="Source" value={splitRate(stream.source_bytes_per_second)} />
      <Figure
        name={stream.drives.length > 1 ? "Drives together" : "Drive"}
        value={splitRate(drive)}
      />
      <Figure name="Buffer" value={bufferOf(stream.buffer_seconds, stream.staged_bytes)} />
      <Figure name="Drive had to wait" value={{ value: formatCount(waits), unit: "times" }} />
      <Figure
        name="Limited by"
        value={stream.bottleneck ? BOTTLENECK[stream.bottleneck].text : "not known yet"}
      />
      <Figure
        name="About"
        value={left === null ? "–" : formatDuration(left)}
        note="left at this pace"
      />
    </Figures>
  );
}

function bufferOf(seconds: number | null, bytes: number) {
  return seconds === null ? splitBytes(bytes) : { value: formatCount(seconds), unit: "s" };
}
