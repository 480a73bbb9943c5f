// The only way pages ask the API. Under a lock, and while the connection is lost, nothing is asked
// again; after it each query is asked once at its own next interval, so that many of them do not
// come at the same moment.
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { Question } from "../api/queries";
import { useConnection } from "../stores/connection";
import { useIsUiLocked } from "./ui-lock";

export const INTERVAL_SECONDS_MIN = 8;
export const INTERVAL_SECONDS_MAX = 30;
/** How far intervals of equal length are moved apart, as a share of them. */
const SPREAD = 0.2;

/** The interval of a question: within the bounds, and a little different for each key. */
export function intervalMs(seconds: number, key: readonly unknown[]): number {
  let hash = 7;
  for (const character of JSON.stringify(key)) {
    hash = (hash * 31 + character.charCodeAt(0)) % 1009;
  }
  const spread = seconds * (1 + (hash / 1009) * SPREAD);
  return Math.round(Math.min(INTERVAL_SECONDS_MAX, Math.max(INTERVAL_SECONDS_MIN, spread)) * 1000);
}

export function useLockAwareQuery<T>(
  question: Question<T>,
  options: { enabled?: boolean } = {},
): UseQueryResult<T> {
  const isLocked = useIsUiLocked();
  const { isLost } = useConnection();
  const interval = intervalMs(question.intervalSeconds, question.queryKey);
  const isPaused = isLocked || isLost;
  return useQuery({
    queryKey: question.queryKey,
    queryFn: question.queryFn,
    enabled: options.enabled ?? true,
    staleTime: interval,
    refetchInterval: isPaused ? false : interval,
    refetchIntervalInBackground: false,
    refetchOnMount: !isPaused,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}
