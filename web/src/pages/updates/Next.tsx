// What is done next: a bundle is brought, installed, started; or the machine goes back.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { UpdatesState } from "../../api/types";
import { upload } from "../../api/upload";
import { AskDialog } from "../../components/AskDialog";
import { ErrorBox } from "../../components/ErrorBox";
import { useWhyNot } from "../../hooks/useWhyNot";
import { announce } from "../../stores/announce";
import { Button } from "../../ui/Button";
import { Tick } from "../../ui/Field";
import { Meter } from "../../ui/Meter";
import { Notice } from "../../ui/Notice";
import { Panel } from "../../ui/Panel";
import { api } from "../../util/path-builder";
import { formatBytes, formatShare, plural } from "../../util/units";

type Asked = "install" | "restart" | "rollback";

const RENEWS = ["updates"];

export function Next({ state }: { state: UpdatesState }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const notMine = useWhyNot("POST /api/updates/install");
  const whyNot = (action: UpdatesState["allowed_actions"][number], text: string) =>
    notMine ?? (state.allowed_actions.includes(action) ? undefined : text);
  const { bundle, channel } = state;
  const offered = bundle?.version ?? (channel?.published?.is_newer && channel.published.version);
  return (
    <Panel title="A newer version">
      <div className="stack">
        {state.is_restart_needed && (
          <Notice tone="warn">
            <p>The other slot starts next: restart the machine to use it.</p>
          </Notice>
        )}
        {bundle && (
          <Notice tone={bundle.is_newer ? "good" : "warn"}>
            <p>
              A bundle with version <span className="mono">{bundle.version}</span> (
              {formatBytes(bundle.size_bytes)}) is here, and its signature is right.
              {!bundle.is_newer && " It is not newer than what runs."}
            </p>
          </Notice>
        )}
        <Upload whyNot={whyNot("upload", "Not while an installation runs.")} />
        <div className="actions">
          <Button
            look="primary"
            whyNot={whyNot("install", "There is no bundle that can be installed.")}
            onClick={() => setAsked("install")}
          >
            {offered ? `Install ${offered}` : "Install"}
          </Button>
          <Button
            whyNot={whyNot("restart", "Nothing waits for a restart.")}
            onClick={() => setAsked("restart")}
          >
            Restart the machine
          </Button>
          <Button
            look="danger"
            whyNot={whyNot("rollback", "There is no good other slot to go back to.")}
            onClick={() => setAsked("rollback")}
          >
            Go back to the other slot
          </Button>
        </div>
      </div>
      {asked && <Ask asked={asked} state={state} onClose={() => setAsked(null)} />}
    </Panel>
  );
}

function Upload({ whyNot }: { whyNot: string | undefined }) {
  const client = useQueryClient();
  const [share, setShare] = useState(0);
  const send = useMutation({
    mutationFn: (file: File) => upload<UpdatesState>(api.updateBundle(), file, setShare),
    onSuccess: (state) => {
      client.setQueryData(["updates"], state);
      announce("The bundle is here, and its signature is right.");
    },
  });
  return (
    <div className="field">
      <label htmlFor="bundle">Bring a bundle</label>
      <input
        id="bundle"
        type="file"
        className="input"
        accept=".raucb,.fsu,application/octet-stream"
        disabled={whyNot !== undefined || send.isPending}
        aria-describedby="bundle-hint"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) send.mutate(file);
          event.target.value = "";
        }}
      />
      <span className="hint" id="bundle-hint">
        {whyNot ??
          "The file of a release, from this device. Its signature is checked before it is kept."}
      </span>
      {send.isPending && (
        <Meter
          label="Sent"
          value={share}
          max={1}
          tone="busy"
          text={share < 1 ? `${formatShare(share, 1)} sent` : "being checked"}
        />
      )}
      {send.error && <ErrorBox error={send.error} />}
    </div>
  );
}

const WORDS: Record<Asked, { title: string; act: string; text: string; done: string }> = {
  install: {
    title: "Install the newer version",
    act: "Install it",
    text: "It is written to the slot that does not run, and checked. What runs goes on; nothing changes before a restart.",
    done: "The installation has begun.",
  },
  restart: {
    title: "Restart the machine",
    act: "Restart it",
    text: "The console does not answer for about a minute. A new version has to answer its self-test; if it does not, the machine goes back to this one by itself.",
    done: "The machine restarts.",
  },
  rollback: {
    title: "Go back to the other slot",
    act: "Go back",
    text: "The other slot becomes the one that starts next. Data and settings stay as they are.",
    done: "The other slot starts next.",
  },
};

interface AskProps {
  asked: Asked;
  state: UpdatesState;
  onClose: () => void;
}

function Ask({ asked, state, onClose }: AskProps) {
  const [isDuringJobs, setIsDuringJobs] = useState(false);
  const [isOlderToo, setIsOlderToo] = useState(false);
  const words = WORDS[asked];
  const jobs = asked === "rollback" ? 0 : state.jobs_active;
  const isOlder = asked === "install" && state.bundle?.is_newer === false;
  const path = { install: api.installUpdate, restart: api.restartMachine, rollback: api.rollBack };
  const body = {
    ...(asked === "rollback" ? {} : { during_jobs: isDuringJobs }),
    ...(asked === "install" ? { allow_older: isOlderToo } : {}),
  };
  return (
    <AskDialog
      title={words.title}
      act={words.act}
      isDanger={asked !== "install"}
      whyNot={
        (jobs > 0 && !isDuringJobs
          ? `${plural(jobs, "job")} would be in the middle of it.`
          : undefined) ?? (isOlder && !isOlderToo ? "It is not newer than what runs." : undefined)
      }
      sending={{ path: path[asked](), body }}
      renews={RENEWS}
      done={words.done}
      onClose={onClose}
    >
      <p>{words.text}</p>
      {jobs > 0 && (
        <Tick
          text="Also while jobs are at work: they go on from a safe point"
          isOn={isDuringJobs}
          onTurn={setIsDuringJobs}
        />
      )}
      {isOlder && (
        <Tick text="Also a version that is not newer" isOn={isOlderToo} onTurn={setIsOlderToo} />
      )}
    </AskDialog>
  );
}
