// An error in its one place: what happened, whether data is at risk, what to do, how to find it again.
import { Link } from "wouter";
import { ApiError, ApprovalNeeded, ConnectionError } from "../api/client";
import { riskOf } from "../api/errors";
import { Button } from "../ui/Button";
import { Notice } from "../ui/Notice";
import { to } from "../util/path-builder";
import { formatTime } from "../util/units";

export function ErrorBox({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const retry = onRetry && (
    <div className="actions">
      <Button look="small" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
  if (error instanceof ApiError) {
    const { problem } = error;
    return (
      <div role="alert">
        <Notice tone="bad">
          <strong>{problem.message}</strong>
          <p>{riskOf(problem.code)}</p>
          <p>{problem.next_step}</p>
          <p className="small quiet-text">
            <Link href={to.errorHelp(problem.code)} className="mono">
              {problem.code}
            </Link>
            {problem.request_id && (
              <>
                {" · request "}
                <span className="mono">{problem.request_id}</span>
              </>
            )}
          </p>
          {retry}
        </Notice>
      </div>
    );
  }
  if (error instanceof ApprovalNeeded) {
    return (
      <div role="status">
        <Notice tone="warn">
          <strong>It waits for a second admin: {error.approval.summary}</strong>
          <p>
            Nothing was done yet. When another admin has agreed, until{" "}
            {formatTime(error.approval.expires)}, ask for the same again.
          </p>
          <p>
            <Link href={to.approvals()}>Approvals</Link>
          </p>
        </Notice>
      </div>
    );
  }
  if (error instanceof ConnectionError) {
    return (
      <Notice tone="warn">
        <strong>The appliance does not answer.</strong>
        <p>Jobs go on without the console. This part appears as soon as it answers again.</p>
        {retry}
      </Notice>
    );
  }
  return (
    <div role="alert">
      <Notice tone="bad">
        <strong>This part of the console failed.</strong>
        <p>Data and jobs are not touched by it.</p>
        <p className="mono small">{error instanceof Error ? error.message : String(error)}</p>
        {retry}
      </Notice>
    </div>
  );
}
