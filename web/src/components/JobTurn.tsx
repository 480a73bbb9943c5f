// Whose turn a job has among those that wait for a drive, and changing it while it matters.
import type { JobView, Priority } from "../api/types";
import { useSend } from "../hooks/useAct";
import { useWhyNot } from "../hooks/useWhyNot";
import { announce } from "../stores/announce";
import { SelectField } from "../ui/Field";
import { api } from "../util/path-builder";
import { ErrorBox } from "./ErrorBox";
import { PRIORITY } from "./states";

export const PRIORITIES = (["high", "normal", "low"] as const).map((value) => ({
  value,
  text: PRIORITY[value],
}));

export function JobTurn({ job }: { job: JobView }) {
  const send = useSend<JobView>(["job", "jobs"], {
    onDone: (view) => announce(`${view.title}: ${PRIORITY[view.priority]}.`),
  });
  const whyNot = useWhyNot("PUT /api/jobs/{id}/priority");
  if (job.ended !== null || whyNot) return <span>{PRIORITY[job.priority]}</span>;
  const change = (priority: Priority) =>
    send.mutate({ method: "PUT", path: api.jobPriority(job.id), body: { priority } });
  return (
    <div className="stack tight">
      <SelectField
        label="Among jobs that wait for a drive"
        value={job.priority}
        onChange={change}
        options={PRIORITIES}
      />
      {send.error && <ErrorBox error={send.error} />}
    </div>
  );
}
