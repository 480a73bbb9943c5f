// What a job needs from a person, and what came of it.
import { Link } from "wouter";
import { riskOf } from "../../api/errors";
import type { JobView } from "../../api/types";
import { CartridgeChip } from "../../components/CartridgeChip";
import { JOB_STATE } from "../../components/states";
import { Notice } from "../../ui/Notice";
import { to } from "../../util/path-builder";
import { formatBytes } from "../../util/units";

export function NeedNotice({ job }: { job: JobView }) {
  const { need } = job;
  if (!need || job.ended) return null;
  return (
    <Notice tone="warn">
      <strong>It needs you: {need.sentence}</strong>
      {need.need === "cartridge" && (
        <ol className="stack tight">
          <li>
            1. Find the cartridge <CartridgeChip barcode={need.barcode} /> (
            <Link href={to.scan()}>scan labels</Link> with a phone) and put it into a mail slot.
          </li>
          <li>
            2. <Link href={to.library()}>Take inventory</Link>, so that the library sees it.
          </li>
          <li>3. Resume this job.</li>
        </ol>
      )}
      {need.need === "formatted_cartridge" && (
        <>
          <p>
            <Link href={to.cartridges({ state: "unknown" })}>Choose a cartridge and format it</Link>
            , then resume. At least <span className="mono">{formatBytes(need.remaining)}</span> are
            still to be written{need.copy ? ` to copy ${need.copy}` : ""}.
          </p>
          {need.passed_over.map(([barcode, reason]) => (
            <p key={barcode} className="small">
              <CartridgeChip barcode={barcode} /> was passed over: {reason}
            </p>
          ))}
        </>
      )}
      {need.need === "attention" && <p>Look at the device, then resume this job.</p>}
      {need.need === "key_server" && (
        <p>
          It goes on by itself when the <Link href={to.keyServer()}>key server</Link> gives the key.
        </p>
      )}
    </Notice>
  );
}

export function EndNotice({ job }: { job: JobView }) {
  const state = JOB_STATE[job.state];
  return (
    <>
      {job.error && (
        <Notice tone={job.ended ? "bad" : "warn"}>
          <strong>{job.error.message}</strong>
          <p>{riskOf(job.error.code)}</p>
          <p>{job.error.next_step}</p>
          {job.error.causes?.map((cause) => (
            <p key={cause} className="small mono">
              {cause}
            </p>
          ))}
          <p className="small">
            <Link href={to.errorHelp(job.error.code)} className="mono">
              {job.error.code}
            </Link>
          </p>
        </Notice>
      )}
      {job.outcome && (
        <Notice tone={state.tone}>
          <strong>{job.outcome.sentence}</strong>
          {job.outcome.destination && (
            <p>
              Restored to <span className="mono">{job.outcome.destination}</span>
            </p>
          )}
          {job.outcome.run && (
            <p>
              Run{" "}
              <Link href={to.run(job.outcome.run)} className="mono">
                {job.outcome.run}
              </Link>
            </p>
          )}
        </Notice>
      )}
    </>
  );
}
