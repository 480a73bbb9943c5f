// The query cache. Nothing is asked again because a window was focused, and nothing that happens
// in the background is shown as a note: only what a person did may make one.
import { QueryClient } from "@tanstack/react-query";
import { ApiError, ConnectionError } from "./client";

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        // A refusal stays one, and a lost connection has its own probe.
        retry: (failures, error) =>
          !(error instanceof ApiError) && !(error instanceof ConnectionError) && failures < 1,
        // The appliance is on the local network even where the browser believes to be offline.
        networkMode: "always",
        staleTime: 8000,
        gcTime: 5 * 60_000,
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}
