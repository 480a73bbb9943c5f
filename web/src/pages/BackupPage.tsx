// The wizard of a backup: what, as which set, how; then what will happen, before it does.
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { cartridges, library, pools, sets } from "../api/queries";
import type { CartridgeView } from "../api/types";
import { CartridgeChips } from "../components/CartridgeChip";
import { ErrorBox } from "../components/ErrorBox";
import { Loaded } from "../components/Loaded";
import { PageHead } from "../components/PageHead";
import { ENCRYPTION } from "../components/states";
import {
  type BackupDraft,
  EMPTY_DRAFT,
  linesOf,
  ofSet,
  preflight,
  toSpec,
  wrongPaths,
  wrongSet,
} from "../forms/backup-draft";
import { CartridgeFormat } from "../forms/cartridge-format";
import { useUiLock } from "../hooks/ui-lock";
import { useJobAct } from "../hooks/useAct";
import { useLockAwareQuery } from "../hooks/useLockAwareQuery";
import { useWhyNot } from "../hooks/useWhyNot";
import { Button } from "../ui/Button";
import { Choices, SelectField, TextField } from "../ui/Field";
import { Facts } from "../ui/Figure";
import { Notice } from "../ui/Notice";
import { Panel } from "../ui/Panel";
import { Steps } from "../ui/Steps";
import { api, to } from "../util/path-builder";
import { formatBytes, plural } from "../util/units";

const STEPS = ["What", "Set and copies", "Check and start"] as const;

interface StepProps {
  draft: BackupDraft;
  change: (part: Partial<BackupDraft>) => void;
  isShowingWrong: boolean;
}

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

function WhatStep({ draft, change, isShowingWrong }: StepProps) {
  return (
    <Panel title="Which folders and files">
      <div className="stack">
        <TextField
          label="Paths"
          hint="One a line, whole from the root, as /srv/photos. A folder stands for all in it."
          rows={5}
          isMono
          value={draft.paths}
          onChange={(paths) => change({ paths })}
          wrong={isShowingWrong ? wrongPaths(draft) : undefined}
        />
        <TextField
          label="Leave out"
          hint="Patterns of names, one a line, as *.tmp or .cache. Empty: everything is kept."
          rows={3}
          isMono
          value={draft.exclude}
          onChange={(exclude) => change({ exclude })}
        />
      </div>
    </Panel>
  );
}

function SetStep({ draft, change, isShowingWrong }: StepProps) {
  const query = useLockAwareQuery(sets());
  const known = query.data?.items.map((each) => each.name) ?? [];
  const list = useLockAwareQuery(pools());
  const offered = (list.data ?? []).map((pool) => ({
    value: pool.name,
    text: `${pool.name}: ${ENCRYPTION[pool.encryption].text}`,
  }));
  return (
    <Panel title="As which set, and how often">
      <div className="stack">
        <TextField
          label="Set"
          hint={
            known.length > 0
              ? `A new name makes a new set. Known: ${known.join(", ")}.`
              : "Named after what it protects: photos, accounts, mail."
          }
          value={draft.set}
          onChange={(set) => change({ set })}
          wrong={isShowingWrong ? wrongSet(draft) : undefined}
        />
        <Choices
          legend="Copies"
          name="copies"
          value={draft.copies}
          onChange={(copies) => change({ copies })}
          options={[
            {
              value: "1",
              title: "One copy",
              text: "On cartridges of its own. If one of them fails, its files are gone unless the originals are still there.",
            },
            {
              value: "2",
              title: "Two copies, A and B",
              text: "Each complete, on cartridges of its own, from one read of the source. Take one of them elsewhere.",
            },
          ]}
        />
        <Choices
          legend="Which files"
          name="mode"
          value={draft.mode}
          onChange={(mode) => change({ mode })}
          options={[
            {
              value: "incremental",
              title: "What has no evidence yet",
              text: "Files whose content is already indexed on tape are not written again. A set's first run writes everything.",
            },
            { value: "full", title: "Every file", text: "Writes all of it again." },
          ]}
        />
        {offered.length > 0 && (
          <SelectField
            label="Pool"
            value={draft.pool}
            onChange={(pool) => change({ pool })}
            hint="A set with runs stays in its pool."
            options={[{ value: "", text: "The set's own, or none" }, ...offered]}
          />
        )}
        <SelectField
          label="Compression"
          value={draft.compression}
          onChange={(compression) => change({ compression })}
          hint="Files are readable by any LTFS software either way; compressed ones are stored as NAME.zst."
          options={[
            { value: "none", text: "None: files lie on tape as they are" },
            { value: "zstd", text: "zstd: for text and databases, not for photos and films" },
          ]}
        />
      </div>
    </Panel>
  );
}

function CheckStep({ draft }: StepProps) {
  const list = useLockAwareQuery(cartridges());
  const box = useLockAwareQuery(library());
  const [formatted, setFormatted] = useState<string | null>(null);
  const drives = box.data?.drives.filter((drive) => drive.state !== "failed").length ?? 0;
  return (
    <>
      <Panel title="What will happen">
        <Facts
          rows={[
            ["Set", draft.set],
            [
              "Paths",
              <ul key="p">
                {linesOf(draft.paths).map((path) => (
                  <li key={path} className="mono">
                    {path}
                  </li>
                ))}
              </ul>,
            ],
            ["Copies", draft.copies],
            ["Mode", draft.mode],
            ["Left out", linesOf(draft.exclude).join(", ") || "nothing"],
            [
              "At most at risk",
              "32 GiB: an index is written to the tape after each, so a power cut can cost no more.",
            ],
          ]}
        />
      </Panel>
      <Loaded query={list} what="the cartridges">
        {(page) => (
          <CartridgeCheck
            draft={draft}
            items={page.items}
            drives={drives}
            onFormat={setFormatted}
            onRefresh={() => void list.refetch()}
          />
        )}
      </Loaded>
      {formatted && (
        <CartridgeFormat
          barcode={formatted}
          onClose={() => {
            setFormatted(null);
            // A person asked for this one look: the wizard's lock holds back only the background.
            setTimeout(() => void list.refetch(), 1500);
          }}
        />
      )}
    </>
  );
}

interface CheckProps {
  draft: BackupDraft;
  items: readonly CartridgeView[];
  drives: number;
  onFormat: (barcode: string) => void;
  onRefresh: () => void;
}

const OFFERED = 6;

function CartridgeCheck({ draft, items, drives, onFormat, onRefresh }: CheckProps) {
  const { usable, free, fresh, concern } = preflight(draft, items);
  const copies = Number(draft.copies);
  const notMine = useWhyNot("POST /api/cartridges/{barcode}/format");
  return (
    <Panel title="Cartridges and drives">
      <div className="stack">
        {usable.length > 0 && (
          <div className="actions">
            <span>
              {plural(usable.length, "cartridge")} can be written, with{" "}
              <span className="mono">{formatBytes(free)}</span> free:
            </span>
            <CartridgeChips barcodes={usable.map((item) => item.barcode)} />
          </div>
        )}
        {concern ? (
          <Notice tone="warn">
            <strong>{concern}</strong>
            <p>{notMine ? `Formatting: ${notMine}` : "Format one now, and look again:"}</p>
            <div className="actions">
              {(notMine ? [] : fresh.slice(0, OFFERED)).map((item) => (
                <Button key={item.barcode} look="small" onClick={() => onFormat(item.barcode)}>
                  Format {item.barcode}
                </Button>
              ))}
              <Button look={["small", "quiet"]} onClick={onRefresh}>
                Look again
              </Button>
            </div>
          </Notice>
        ) : (
          <Notice tone="good">
            <p>It can begin at once.</p>
          </Notice>
        )}
        {copies > drives && (
          <Notice tone="warn">
            <p>
              {copies} copies and {plural(drives, "drive")}: the copies are written one after the
              other, and the source is read as often.
            </p>
          </Notice>
        )}
      </div>
    </Panel>
  );
}
