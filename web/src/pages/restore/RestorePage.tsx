// Restoring: search first, choose, see the plan, start. Each step is in the address or in this page's
// own draft, and nothing is fetched under the person's hand.
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { ErrorBox } from "../../components/ErrorBox";
import { PageHead } from "../../components/PageHead";
import { useUiLock } from "../../hooks/ui-lock";
import { useJobAct } from "../../hooks/useAct";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Steps } from "../../ui/Steps";
import { api, to } from "../../util/path-builder";
import { FindStep } from "./FindStep";
import { PlanStep } from "./PlanStep";
import { EMPTY_RESTORE, type RestoreDraft, toSpec, wrongDestination } from "./restore-draft";
import { WhereStep } from "./WhereStep";

const STEPS = ["Find", "Where to", "Plan and start"] as const;

export function RestorePage() {
  const [params] = useSearchParams();
  const run = params.get("run");
  const path = params.get("path");
  const given: RestoreDraft = run
    ? { ...EMPTY_RESTORE, run, paths: path ? [path] : [] }
    : EMPTY_RESTORE;
  return (
    <>
      <PageHead
        title="Restore"
        topic="restore"
        lead="Brings files back from tape and compares each with the hash from when it was backed up. Tapes are only read."
      />
      {/* Another choice in the address is another restore. */}
      <Wizard key={`${run}|${path}`} start={given} />
    </>
  );
}

function Wizard({ start }: { start: RestoreDraft }) {
  const [draft, setDraft] = useState(start);
  const [step, setStep] = useState(start.run === "" ? 0 : 1);
  const [isShowingWrong, setIsShowingWrong] = useState(false);
  const [, navigate] = useLocation();
  useUiLock(step > 0);
  const act = useJobAct({ onDone: (job) => navigate(to.job(job.id)) });
  const change = (part: Partial<RestoreDraft>) => setDraft((before) => ({ ...before, ...part }));
  const wrong = step === 1 ? wrongDestination(draft) : undefined;
  const notMine = useWhyNot("POST /api/restore");
  const isLast = step === STEPS.length - 1;
  return (
    <>
      <Steps names={STEPS} at={step} />
      {step === 0 ? (
        <FindStep
          onChoose={(run, paths) => {
            change({ run, paths });
            setStep(1);
          }}
        />
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (wrong) return setIsShowingWrong(true);
            if (isLast && notMine) return;
            if (isLast) act.mutate({ path: api.restore(), body: toSpec(draft) });
            else setStep(step + 1);
          }}
        >
          {step === 1 && (
            <WhereStep draft={draft} change={change} isShowingWrong={isShowingWrong} />
          )}
          {step === 2 && <PlanStep draft={draft} />}
          {act.error && <ErrorBox error={act.error} />}
          <div className="actions">
            <Button onClick={() => setStep(step - 1)}>Back</Button>
            <Button
              type="submit"
              look="primary"
              icon={isLast ? "restore" : "next"}
              whyNot={isLast ? notMine : undefined}
              isBusy={act.isPending}
            >
              {isLast ? "Start the restore" : "Show the plan"}
            </Button>
          </div>
        </form>
      )}
    </>
  );
}
