// Pause, resume, cancel: what the API allows, each with what it does; the others say why not.
import { useState } from "react";
import type { JobAction, JobView } from "../api/types";
import { useJobAct } from "../hooks/useAct";
import { useWhyNot } from "../hooks/useWhyNot";
import { announce } from "../stores/announce";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { api } from "../util/path-builder";
import { ErrorBox } from "./ErrorBox";

interface Act {
  name: string;
  title: string;
  effect: string;
  /** What the button says while it cannot be pressed. */
  whyNot: string;
}

export const ACTS: Record<JobAction, Act> = {
  pause: {
    name: "Pause",
    title: "Pause this job?",
    effect:
      "It stops at its next safe point: what is in the drive is flushed and indexed first. It keeps its place, its drive and its cartridge, and goes on from there when you resume it.",
    whyNot: "Only a running job can be paused.",
  },
  resume: {
    name: "Resume",
    title: "Resume this job?",
    effect:
      "It goes on where it stopped. If it waited for a cartridge, it looks for it first and waits again if it is not there.",
    whyNot: "Only a paused or waiting job can be resumed.",
  },
  cancel: {
    name: "Cancel",
    title: "Cancel this job for good?",
    effect:
      "It stops at its next safe point and cannot be resumed. What is already on tape is indexed, stays readable and keeps its evidence; files it had not reached stay without a copy.",
    whyNot: "It has ended.",
  },
};

const ORDER: readonly JobAction[] = ["pause", "resume", "cancel"];

export function JobActions({ job }: { job: JobView }) {
  const [asked, setAsked] = useState<JobAction | null>(null);
  const act = useJobAct({
    saysStarted: false,
    onDone: (view) => {
      announce(`${view.title}: ${view.state}.`);
      setAsked(null);
    },
  });
  const whyNot = useWhyNot("POST /api/jobs/{id}/pause");
  const isOver = job.ended !== null;
  if (isOver) return null;
  return (
    <>
      {ORDER.filter((action) => job.allowed_actions.includes(action)).map((action) => (
        <Button
          key={action}
          look={action === "cancel" ? "danger" : action === "resume" ? "primary" : []}
          whyNot={whyNot}
          onClick={() => {
            act.reset();
            setAsked(action);
          }}
        >
          {ACTS[action].name}
        </Button>
      ))}
      {asked && (
        <Dialog
          title={ACTS[asked].title}
          onClose={() => setAsked(null)}
          onSubmit={() => act.mutate({ path: api.control(job.id, asked) })}
          footer={
            <>
              <Button onClick={() => setAsked(null)}>Leave it as it is</Button>
              <Button
                type="submit"
                look={asked === "cancel" ? ["danger", "primary"] : "primary"}
                isBusy={act.isPending}
              >
                {ACTS[asked].name} the job
              </Button>
            </>
          }
        >
          <p>{ACTS[asked].effect}</p>
          {act.error && <ErrorBox error={act.error} />}
        </Dialog>
      )}
    </>
  );
}
