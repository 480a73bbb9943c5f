// The kept events of one job, from its first, and then as they happen.
import { useEffect, useState } from "react";
import type { JobEvent } from "../api/types";
import { api } from "../util/path-builder";

/** Events that come together are drawn together. */
const GATHER_MS = 150;

export interface JobLog {
  events: readonly JobEvent[];
  /** True once the job has ended and everything has been read. */
  isWhole: boolean;
}

export function useJobLog(job: number): JobLog {
  const [log, setLog] = useState<JobLog>({ events: [], isWhole: false });
  useEffect(() => {
    setLog({ events: [], isWhole: false });
    const source = new EventSource(api.jobEvents(job));
    let waiting: JobEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = (isWhole: boolean) => {
      timer = undefined;
      const fresh = waiting;
      waiting = [];
      setLog((before) => ({ events: [...before.events, ...fresh], isWhole }));
    };
    source.addEventListener("message", (event) => {
      waiting.push(JSON.parse(event.data) as JobEvent);
      timer ??= setTimeout(() => flush(false), GATHER_MS);
    });
    source.addEventListener("end", () => {
      clearTimeout(timer);
      source.close();
      flush(true);
    });
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [job]);
  return log;
}
