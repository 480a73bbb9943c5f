// Live events go into the cache, and under a lock they ask for nothing.
import { QueryObserver } from "@tanstack/react-query";
import { beforeEach, expect, it, vi } from "vitest";
import { followJobs } from "../../src/api/events";
import { createQueryClient } from "../../src/api/query-client";
import type { JobView, Page } from "../../src/api/types";
import { jobView } from "./samples";
import { TestEvents } from "./setup";

beforeEach(() => vi.useFakeTimers());

function follow(isLocked: boolean) {
  const client = createQueryClient();
  const ask = vi.fn(async (): Promise<Page<JobView>> => ({ items: [jobView(7, "running")] }));
  const observer = new QueryObserver(client, { queryKey: ["jobs", {}], queryFn: ask });
  const stopObserving = observer.subscribe(() => undefined);
  const stop = followJobs(client, () => isLocked);
  const events = TestEvents.all.at(-1);
  if (!events) throw new Error("nothing follows the engine");
  return { client, ask, events, stop: () => [stop(), stopObserving()] };
}

it("a view of a job reaches the job and the lists that show it, without asking", async () => {
  const { client, ask, events, stop } = follow(false);
  await vi.advanceTimersByTimeAsync(0);
  const view = { ...jobView(7, "running"), title: "moved on" };
  events.say("job", view);
  await vi.advanceTimersByTimeAsync(5000);
  expect(client.getQueryData(["job", 7])).toEqual(view);
  expect(client.getQueryData<Page<JobView>>(["jobs", {}])?.items[0]?.title).toBe("moved on");
  expect(ask).toHaveBeenCalledTimes(1);
  stop();
});

it("a change of state asks for what it touches, once for many changes", async () => {
  const { ask, events, stop } = follow(false);
  await vi.advanceTimersByTimeAsync(0);
  events.say("job", jobView(7, "completed"));
  events.say("job", jobView(8, "running"));
  events.say("job", jobView(8, "completed"));
  await vi.advanceTimersByTimeAsync(3000);
  expect(ask).toHaveBeenCalledTimes(2);
  stop();
});

it("a change of state under a lock only marks what it touches", async () => {
  const { client, ask, events, stop } = follow(true);
  await vi.advanceTimersByTimeAsync(0);
  events.say("job", jobView(7, "completed"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ask).toHaveBeenCalledTimes(1);
  expect(client.getQueryState(["jobs", {}])?.isInvalidated).toBe(true);
  stop();
});

it("nothing is followed any more after the end", () => {
  const { events, stop } = follow(false);
  stop();
  expect(events.isClosed).toBe(true);
});
