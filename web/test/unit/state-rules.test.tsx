// The rules of state, one test each; time is the test's own.
import { act, fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectionError } from "../../src/api/client";
import type { Question } from "../../src/api/queries";
import { useUiLock } from "../../src/hooks/ui-lock";
import {
  INTERVAL_SECONDS_MAX,
  INTERVAL_SECONDS_MIN,
  intervalMs,
  useLockAwareQuery,
} from "../../src/hooks/useLockAwareQuery";
import { markAnswered, markLost } from "../../src/stores/connection";
import { useToasts } from "../../src/stores/toasts";
import { draw } from "./render";

type Ask = (key: string) => Promise<number>;

function question(key: string, ask: Ask, intervalSeconds = 10): Question<number> {
  return { queryKey: [key], queryFn: () => ask(key), intervalSeconds };
}

function Watcher({ name, ask }: { name: string; ask: Ask }) {
  const { data } = useLockAwareQuery(question(name, ask));
  return <span>{`${name} ${data ?? "-"}`}</span>;
}

/** Two questions and a lock that a button takes and gives back. */
function Bench({ ask }: { ask: Ask }) {
  const [isOpen, setIsOpen] = useState(false);
  const [draft, setDraft] = useState("");
  const toasts = useToasts();
  useUiLock(isOpen);
  return (
    <>
      <Watcher name="a" ask={ask} />
      <Watcher name="b" ask={ask} />
      <button type="button" onClick={() => setIsOpen(!isOpen)}>
        lock
      </button>
      <input aria-label="draft" value={draft} onChange={(event) => setDraft(event.target.value)} />
      <output>{toasts.length} toasts</output>
    </>
  );
}

const seconds = (count: number) => act(() => vi.advanceTimersByTimeAsync(count * 1000));
const press = (name: string) => act(() => fireEvent.click(screen.getByRole("button", { name })));

function counting() {
  const times: Record<string, number[]> = { a: [], b: [] };
  const ask = vi.fn(async (key: string) => {
    times[key]?.push(Date.now());
    return times[key]?.length ?? 0;
  });
  return { ask, times };
}

beforeEach(() => {
  vi.useFakeTimers();
  markAnswered();
});

describe("questions", () => {
  it("are asked again at their interval while nothing is locked", async () => {
    const { ask, times } = counting();
    draw(<Bench ask={ask} />);
    await seconds(INTERVAL_SECONDS_MAX + 1);
    expect(times.a?.length).toBeGreaterThanOrEqual(3);
  });

  it("are not asked again while the console is locked, however long", async () => {
    const { ask, times } = counting();
    draw(<Bench ask={ask} />);
    await seconds(0);
    press("lock");
    await seconds(600);
    expect([times.a?.length, times.b?.length]).toEqual([1, 1]);
  });

  it("are asked once each at their own next interval after the lock, and not at one moment", async () => {
    const { ask, times } = counting();
    draw(<Bench ask={ask} />);
    await seconds(0);
    press("lock");
    await seconds(600);
    press("lock");
    const unlocked = Date.now();
    await seconds(INTERVAL_SECONDS_MIN - 1);
    expect([times.a?.length, times.b?.length]).toEqual([1, 1]);
    await seconds(7);
    expect([times.a?.length, times.b?.length]).toEqual([2, 2]);
    expect(times.a?.[1]).toBe(unlocked + intervalMs(10, ["a"]));
    expect(times.a?.[1]).not.toBe(times.b?.[1]);
  });

  it("that are marked stale under a lock wait for it too", async () => {
    const { ask, times } = counting();
    const { client } = draw(<Bench ask={ask} />);
    await seconds(0);
    press("lock");
    await act(() => client.invalidateQueries({ refetchType: "none" }));
    await seconds(60);
    expect(times.a?.length).toBe(1);
  });

  it("are not asked again because the window got the focus or the browser went online", async () => {
    const { ask, times } = counting();
    draw(<Bench ask={ask} />);
    await seconds(9.5);
    const before = times.a?.length;
    act(() => {
      document.dispatchEvent(new Event("visibilitychange"));
      window.dispatchEvent(new Event("focus"));
      window.dispatchEvent(new Event("online"));
    });
    await seconds(0.2);
    expect(times.a?.length).toBe(before);
  });

  it("stop while the connection is lost", async () => {
    const { ask, times } = counting();
    draw(<Bench ask={ask} />);
    await seconds(0);
    act(() => markLost());
    await seconds(120);
    expect(times.a?.length).toBe(1);
  });

  it("that fail in the background make no toast and leave what was shown", async () => {
    const { ask, times } = counting();
    draw(<Bench ask={ask} />);
    await seconds(0);
    ask.mockImplementation(async () => {
      throw new ConnectionError();
    });
    await seconds(40);
    expect(times.a?.length).toBe(1);
    expect(ask.mock.calls.length).toBeGreaterThan(2);
    expect(screen.getByText("a 1")).toBeTruthy();
    expect(screen.getByText("0 toasts")).toBeTruthy();
  });
});

describe("intervals", () => {
  it("are 8 to 30 seconds whatever is asked for", () => {
    for (const wanted of [0, 1, 8, 20, 30, 3600]) {
      const interval = intervalMs(wanted, ["key"]) / 1000;
      expect(interval).toBeGreaterThanOrEqual(INTERVAL_SECONDS_MIN);
      expect(interval).toBeLessThanOrEqual(INTERVAL_SECONDS_MAX);
    }
  });
});

describe("a draft", () => {
  it("stays as it was typed while answers come and go", async () => {
    const { ask } = counting();
    const { client } = draw(<Bench ask={ask} />);
    await seconds(0);
    fireEvent.change(screen.getByLabelText("draft"), { target: { value: "half a sen" } });
    await seconds(45);
    await act(() => client.invalidateQueries());
    await seconds(1);
    expect((screen.getByLabelText("draft") as HTMLInputElement).value).toBe("half a sen");
  });
});
