// The ladder of evidence: each step is as full as the share of files that reached it. The first empty
// step is what can be done next.
import type { EvidenceRow } from "../api/types";
import { stepsOf } from "../util/evidence";
import { formatCount, formatShare, plural } from "../util/units";
import { EVIDENCE } from "./states";

interface Props {
  rows: readonly EvidenceRow[];
  /** Files planned, of which the steps are shares. */
  files: number;
  isSmall?: boolean;
}

const HEIGHTS_PX = [14, 20, 27, 35, 44, 54] as const;
const FIRST_SAFE = 3;

export function EvidenceLadder({ rows, files, isSmall }: Props) {
  const steps = stepsOf(rows);
  const sentence = steps
    .slice(FIRST_SAFE)
    .map((step) => `${formatCount(step.reached)} ${EVIDENCE[step.state].text.toLowerCase()}`)
    .join(", ");
  if (isSmall) {
    return (
      <span
        className="ladder is-small"
        role="img"
        aria-label={`${plural(files, "file")}: ${sentence}`}
        title={sentence}
      >
        {steps.map((step, index) => (
          <Tread key={step.state} index={index} share={share(step.reached, files)} scale={0.36} />
        ))}
      </span>
    );
  }
  return (
    <ol className="ladder" aria-label={`Evidence for ${plural(files, "file")}`}>
      {steps.map((step, index) => (
        <li
          key={step.state}
          className={classOf(index, step.reached)}
          title={EVIDENCE[step.state].meaning}
        >
          <Tread index={index} share={share(step.reached, files)} scale={1} isBare />
          <span className="value">{formatShare(step.reached, files)}</span>
          <span className="name">{EVIDENCE[step.state].text}</span>
        </li>
      ))}
    </ol>
  );
}

function share(reached: number, files: number): number {
  return files > 0 ? reached / files : 0;
}

function classOf(index: number, reached: number): string {
  return ["step", index >= FIRST_SAFE ? "is-safe" : "", reached === 0 ? "is-next" : ""].join(" ");
}

interface TreadProps {
  index: number;
  share: number;
  scale: number;
  isBare?: boolean;
}

function Tread({ index, share, scale, isBare }: TreadProps) {
  const tread = (
    <span className="tread" style={{ height: (HEIGHTS_PX[index] ?? 0) * scale, display: "block" }}>
      <span style={{ height: `${share * 100}%`, width: "100%" }} />
    </span>
  );
  return isBare ? tread : <span className={classOf(index, share)}>{tread}</span>;
}
