// Streaming: what keeps the drive from waiting: memory, a staging folder or disk, and the rates that it needs.
import { useState } from "react";
import { streaming } from "../../api/queries";
import type { StagingState, StreamingState } from "../../api/types";
import { ErrorBox } from "../../components/ErrorBox";
import { Loaded } from "../../components/Loaded";
import { PageHead } from "../../components/PageHead";
import { FolderChoose } from "../../forms/folder-choose";
import {
  bridgedSeconds,
  ofStreaming,
  type RatesDraft,
  type StreamingDraft,
  streamingBody,
  whyNotStreaming,
} from "../../forms/streaming-draft";
import { useSend } from "../../hooks/useAct";
import { useLockAwareQuery } from "../../hooks/useLockAwareQuery";
import { useWhyNot } from "../../hooks/useWhyNot";
import { announce } from "../../stores/announce";
import { Button } from "../../ui/Button";
import { TextField, Tick } from "../../ui/Field";
import { Facts } from "../../ui/Figure";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api, to } from "../../util/path-builder";
import { formatBytes, formatDuration } from "../../util/units";
import { StagingDisks } from "./StagingDisks";

const RENEWS = ["streaming"];

export function StreamingPage() {
  const query = useLockAwareQuery(streaming());
  // Here, because the form begins anew when its folder has changed.
  const [isKept, setIsKept] = useState(false);
  return (
    <>
      <PageHead
        title="Streaming"
        crumb={{ href: to.settings(), text: "Settings" }}
        topic="streaming"
        lead="A drive that is fed too slowly stops, winds back and starts again. Memory and staging keep it going while the source takes a breath."
      />
      <Loaded query={query} what="how data goes to the drive">
        {(state) => (
          <div className="stack">
            {state.staging && <Staged staging={state.staging} />}
            <StreamingForm
              key={JSON.stringify([state.staging?.folder, state.staging?.limit_bytes])}
              state={state}
              onTurn={setIsKept}
            />
            {isKept && (
              <Notice tone="good">
                <p>It is kept, and counts from the next job.</p>
              </Notice>
            )}
            <StagingDisks />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Staged({ staging }: { staging: StagingState }) {
  const { trouble, disk_bytes: disk, free_bytes: free, staged_bytes: staged } = staging;
  return (
    <Panel title="Staged on disk">
      <div className="stack tight">
        {trouble && (
          <Notice tone="warn">
            <strong>Nothing is staged on disk: {trouble}.</strong>
            <p>Jobs go through memory alone, and the drive may stop more often.</p>
          </Notice>
        )}
        <Facts
          rows={[
            [
              "Folder",
              <span key="f" className="mono">
                {staging.folder}
              </span>,
            ],
            ["Reserved while a backup writes", formatBytes(staging.limit_bytes)],
            ["There now", staged == null ? "no backup uses it" : formatBytes(staged)],
            ["Free on its disk", free == null ? undefined : formatBytes(free)],
            ["Size of its disk", disk == null ? undefined : formatBytes(disk)],
          ]}
        />
      </div>
    </Panel>
  );
}

interface FormProps {
  state: StreamingState;
  /** Called with whether what is shown was kept. */
  onTurn: (isKept: boolean) => void;
}

function StreamingForm({ state, onTurn }: FormProps) {
  const [draft, setDraft] = useState(() => ofStreaming(state));
  const change = (part: Partial<StreamingDraft>) => setDraft((before) => ({ ...before, ...part }));
  const notMine = useWhyNot("PUT /api/streaming");
  const send = useSend<StreamingState>(RENEWS, {
    onDone: () => {
      onTurn(true);
      announce("It counts from the next job.");
    },
  });
  const whyNot = notMine ?? whyNotStreaming(draft, state);
  return (
    <Panel title="How it is set">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (whyNot !== undefined) return;
          onTurn(false);
          send.mutate({ method: "PUT", path: api.streaming(), body: streamingBody(draft, state) });
        }}
      >
        <TextField
          label="Memory, MiB"
          hint={`Between source and drive. From ${formatBytes(state.memory_least_bytes)} to ${formatBytes(state.memory_most_bytes)} on this machine.`}
          type="number"
          value={draft.memory}
          onChange={(memory) => change({ memory })}
          isMono
        />
        <StagingFields draft={draft} change={change} />
        <Rates draft={draft} change={change} state={state} />
        {send.error && <ErrorBox error={send.error} />}
        <div className="actions">
          <Button type="submit" look="primary" whyNot={whyNot} isBusy={send.isPending}>
            Keep it
          </Button>
        </div>
      </form>
    </Panel>
  );
}

interface Part {
  draft: StreamingDraft;
  change: (part: Partial<StreamingDraft>) => void;
}

function StagingFields({ draft, change }: Part) {
  const [isChoosing, setIsChoosing] = useState(false);
  return (
    <div className="stack tight">
      <Tick
        text="Stage on a disk what the memory cannot take"
        isOn={draft.isStaging}
        onTurn={(isStaging) => change({ isStaging })}
      />
      {draft.isStaging && (
        <>
          <div className="pair">
            <TextField
              label="Staging folder"
              hint="On a disk that is faster than the drive, and best on none that is backed up."
              value={draft.folder}
              onChange={(folder) => change({ folder })}
              placeholder="/mnt/fast/staging"
              isMono
            />
            <TextField
              label="Reserved, GB"
              hint="While a backup writes; free otherwise."
              type="number"
              value={draft.limit}
              onChange={(limit) => change({ limit })}
              isMono
            />
          </div>
          <Tick
            text="Only while a disk is mounted at that folder"
            isOn={draft.needsMount}
            onTurn={(needsMount) => change({ needsMount })}
          />
          <div className="actions">
            <Button icon="folder" onClick={() => setIsChoosing(true)}>
              Choose a folder
            </Button>
          </div>
        </>
      )}
      {isChoosing && (
        <FolderChoose
          choosing="one-folder"
          onChoose={([chosen]) => {
            change({ folder: chosen ?? "" });
            setIsChoosing(false);
          }}
          onClose={() => setIsChoosing(false)}
        />
      )}
    </div>
  );
}

function Rates({ draft, change, state }: Part & { state: StreamingState }) {
  const set = (generation: RatesDraft["generation"], part: Partial<RatesDraft>) =>
    change({
      rates: draft.rates.map((each) =>
        each.generation === generation ? { ...each, ...part } : each,
      ),
    });
  return (
    <fieldset className="stack tight">
      <legend>Rates of the drives, MB/s</legend>
      <p className="quiet-text">
        A drive follows the source between its slowest and its fastest rate. Below the slowest it
        stops. These are the published rates of full-height drives; half-height drives have a lower
        fastest one.
      </p>
      {draft.rates.map((each) => {
        const published = state.rates.find((it) => it.generation === each.generation);
        const bridged = bridgedSeconds(draft, each.slowest);
        return (
          <div key={each.generation} className="stack tight">
            <div className="pair">
              <TextField
                label={`${each.generation}, slowest`}
                type="number"
                value={each.slowest}
                onChange={(slowest) => set(each.generation, { slowest })}
                isMono
              />
              <TextField
                label={`${each.generation}, fastest`}
                type="number"
                value={each.fastest}
                onChange={(fastest) => set(each.generation, { fastest })}
                isMono
              />
            </div>
            <p className="hint">
              {bridged !== undefined &&
                `From full buffers the drive goes on for ${formatDuration(bridged)} when the source stands. `}
              {published?.is_set && "Set here. "}
            </p>
          </div>
        );
      })}
    </fieldset>
  );
}
