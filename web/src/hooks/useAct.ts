// Something that a person asks for: sent once, with its refusal at hand for the one place that shows it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { post } from "../api/client";
import type { JobView } from "../api/types";
import { addToast } from "../stores/toasts";
import { to } from "../util/path-builder";

interface Options<T> {
  onDone?: (answer: T) => void;
}

/** A job that is started or steered; its view goes into the cache at once. */
export function useJobAct(options: Options<JobView> & { saysStarted?: boolean } = {}) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ path, body }: { path: string; body?: unknown }) => post<JobView>(path, body),
    onSuccess: (job) => {
      client.setQueryData(["job", job.id], job);
      void client.invalidateQueries({ queryKey: ["jobs"] });
      if (options.saysStarted !== false) {
        const link = { href: to.job(job.id), text: `Job ${job.id}` };
        addToast({ tone: "good", text: `${job.title}: started.`, link });
      }
      options.onDone?.(job);
    },
  });
}
