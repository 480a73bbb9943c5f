// Something that a person asks for: sent once, with its refusal at hand for the one place that shows it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { get, post, request } from "../api/client";
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

export interface Sending {
  method?: "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
}

/** Anything else that is changed: the questions whose answers it changes are asked again. */
export function useSend<T = void>(
  renews: readonly string[],
  { onDone }: { onDone?: (answer: T) => void } = {},
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ method, path, body }: Sending) => request<T>(method ?? "POST", path, body),
    onSuccess: async (answer) => {
      await Promise.all(renews.map((name) => client.invalidateQueries({ queryKey: [name] })));
      onDone?.(answer);
    },
  });
}

/** A question that takes long and is asked only when a person presses a button. */
export function useCheck<T>(path: string) {
  return useMutation({ mutationFn: () => get<T>(path) });
}
