// The wizard of a backup: what, as which set, how; then what will happen, before it does.
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { sets } from "../../api/queries";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import {
  type BackupDraft,
  EMPTY_DRAFT,
  ofSet,
  toSpec,
  wrongPaths,
  wrongSet,
} from "../../forms/backup-draft";
import { useUiLock } from "../../hooks/ui-lock";
import { useJobAct } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { Button } from "../../ui/Button";
import { Steps } from "../../ui/Steps";
import { api, to } from "../../util/path-builder";
import { CheckStep } from "./CheckStep";
import { SetStep } from "./SetStep";
import { WhatStep } from "./WhatStep";

const STEPS = ["What", "Set and copies", "Check and start"] as const;

export function BackupPage() {
  const query = useLockAwareQuery(sets());
  const [params] = useSearchParams();
  return (
    <>
      <PageHead
        title="Back up"
        topic="backup"
        lead="Writes folders and files of this machine to tape, as standard LTFS, with a signed list of what was written."
      />
      <Loaded query={query} what="the sets">
        {(page) => {
          const given = page.items.find((each) => each.name === params.get("set"));
          return (
            <Wizard start={given ? ofSet(given) : EMPTY_DRAFT} isOfSet={given !== undefined} />
          );
        }}
      </Loaded>
    </>
  );
}

function Wizard({ start, isOfSet }: { start: BackupDraft; isOfSet: boolean }) {
  const [draft, setDraft] = useState(start);
  const [step, setStep] = useState(isOfSet ? 2 : 0);
  const [isShowingWrong, setIsShowingWrong] = useState(false);
  const [, navigate] = useLocation();
  useUiLock(true);
  const act = useJobAct({ onDone: (job) => navigate(to.job(job.id)) });
  const notMine = useWhyNot("POST /api/backups");
  const wrong = [wrongPaths(draft), wrongSet(draft), undefined][step];
  const change = (part: Partial<BackupDraft>) => setDraft((before) => ({ ...before, ...part }));
  const props = { draft, change, isShowingWrong };
  const isLast = step === STEPS.length - 1;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong) return setIsShowingWrong(true);
        setIsShowingWrong(false);
        if (isLast && notMine) return;
        if (isLast) act.mutate({ path: api.backups(), body: toSpec(draft) });
        else setStep(step + 1);
      }}
    >
      <Steps names={STEPS} at={step} />
      <div className="stack">
        {step === 0 && <WhatStep {...props} />}
        {step === 1 && <SetStep {...props} />}
        {step === 2 && <CheckStep {...props} />}
        {act.error && <ErrorBox error={act.error} />}
        <div className="actions">
          {step > 0 && <Button onClick={() => setStep(step - 1)}>Back</Button>}
          <Button
            type="submit"
            look="primary"
            icon={isLast ? "backup" : "next"}
            whyNot={isLast ? notMine : undefined}
            isBusy={act.isPending}
          >
            {isLast ? "Start the backup" : "Next"}
          </Button>
        </div>
      </div>
    </form>
  );
}
