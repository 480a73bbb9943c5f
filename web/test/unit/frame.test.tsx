// The frame: skip link, live region, connection banner, practice banner, error boundary, dialogs.
import { act, fireEvent, screen } from "@testing-library/react";
import { useState } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectionBand, PracticeBand } from "../../src/components/Bands";
import { ErrorBoundary } from "../../src/components/ErrorBoundary";
import { JobLog } from "../../src/components/JobLog";
import { LiveRegion } from "../../src/components/LiveRegion";
import { Shell } from "../../src/components/Shell";
import { useIsUiLocked } from "../../src/hooks/ui-lock";
import { SchedulePage } from "../../src/pages/schedules/SchedulePage";
import { announce } from "../../src/stores/announce";
import { markAnswered, markLost } from "../../src/stores/connection";
import { Button } from "../../src/ui/Button";
import { Dialog } from "../../src/ui/Dialog";
import { draw } from "./render";
import { statusView } from "./samples";
import { serve } from "./serve";

function answer(value: unknown) {
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response(JSON.stringify(value), { status: 200 })),
  );
}

beforeEach(() => {
  answer(statusView("empty"));
  markAnswered();
});

describe("the frame", () => {
  it("begins with a link that leads past the rail to the page", () => {
    draw(<Shell>page</Shell>);
    const first = document.querySelector("a[href], button, input");
    expect(first?.textContent).toBe("Skip to the page");
    expect(first?.getAttribute("href")).toBe("#main");
    expect(screen.getByRole("main").id).toBe("main");
  });

  it("says what is announced in a polite region, the same sentence twice too", () => {
    draw(<LiveRegion />);
    const region = screen.getByRole("status");
    expect(region.getAttribute("aria-live")).toBe("polite");
    act(() => announce("Moved."));
    const first = region.firstElementChild;
    act(() => announce("Moved."));
    expect(region.textContent).toBe("Moved.");
    expect(region.firstElementChild).not.toBe(first);
  });

  it("shows a banner while the connection is lost, and takes it away on return", () => {
    draw(<ConnectionBand />);
    expect(screen.queryByText(/does not answer/)).toBeNull();
    act(() => markLost());
    expect(screen.getByText(/does not answer/)).toBeTruthy();
    act(() => markAnswered());
    expect(screen.queryByText(/does not answer/)).toBeNull();
  });

  it("says that the library is for practice, and nothing when it is not", async () => {
    draw(<PracticeBand />);
    expect(await screen.findByText("Practice")).toBeTruthy();
    document.body.innerHTML = "";
    const view = statusView("empty");
    answer({ ...view, library: { ...view.library, is_practice: false } });
    draw(<PracticeBand />);
    await act(async () => {});
    expect(screen.queryByText("Practice")).toBeNull();
  });
});

let isBroken = true;
function Fragile() {
  if (isBroken) throw new Error("a page fell over");
  return <p>drawn</p>;
}

describe("the page of one thing", () => {
  it("has its head before the answer comes, and where there is no such thing", async () => {
    const problem = {
      status: 404,
      code: "schedule_unknown",
      message: "There is no schedule nightly.",
      next_step: "Look at the list.",
      request_id: "r1",
    };
    serve({ "GET /api/schedules/nightly": () => [404, problem] });
    draw(<SchedulePage name="nightly" />);
    const heading = () => screen.getByRole("heading", { level: 1 }).textContent;
    expect(heading()).toBe("Schedule nightly");
    expect(await screen.findByText(/There is no schedule nightly/)).toBeTruthy();
    expect(heading()).toBe("Schedule nightly");
  });
});

describe("the error boundary", () => {
  it("keeps the frame and draws the page again in place on Retry", () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    isBroken = true;
    draw(
      <Shell>
        <Fragile />
      </Shell>,
    );
    expect(screen.getByText("a page fell over")).toBeTruthy();
    expect(screen.getByRole("navigation", { name: "Pages" })).toBeTruthy();
    isBroken = false;
    fireEvent.click(screen.getByRole("button", { name: "Retry" }));
    expect(screen.getByText("drawn")).toBeTruthy();
  });

  it("forgets the error when another page is opened", () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    isBroken = true;
    const { rerender } = draw(
      <ErrorBoundary resetKey="/a">
        <Fragile />
      </ErrorBoundary>,
    );
    isBroken = false;
    rerender(
      <ErrorBoundary resetKey="/b">
        <Fragile />
      </ErrorBoundary>,
    );
    expect(screen.getByText("drawn")).toBeTruthy();
  });
});

function Locked() {
  const [isOpen, setIsOpen] = useState(false);
  const isLocked = useIsUiLocked();
  return (
    <>
      <p>{isLocked ? "locked" : "free"}</p>
      <button type="button" onClick={() => setIsOpen(true)}>
        open
      </button>
      {isOpen && (
        <Dialog title="Sure?" onClose={() => setIsOpen(false)} footer={null}>
          <Button onClick={() => setIsOpen(false)}>done</Button>
        </Dialog>
      )}
    </>
  );
}

describe("a dialog", () => {
  it("locks the console while it is open and no longer", () => {
    draw(<Locked />);
    fireEvent.click(screen.getByText("open"));
    expect(screen.getByText("locked")).toBeTruthy();
    fireEvent.click(screen.getByText("done"));
    expect(screen.getByText("free")).toBeTruthy();
  });

  it("closes on Escape without doing anything", () => {
    draw(<Locked />);
    fireEvent.click(screen.getByText("open"));
    fireEvent(screen.getByRole("dialog"), new Event("cancel", { cancelable: true }));
    expect(screen.getByText("free")).toBeTruthy();
  });
});

describe("a button that may not be pressed", () => {
  it("stays reachable, says why, and does nothing", () => {
    const onClick = vi.fn();
    draw(
      <Button whyNot="Only an admin may." onClick={onClick}>
        Format
      </Button>,
    );
    const button = screen.getByRole("button", { name: "Format" });
    fireEvent.click(button);
    expect(onClick).not.toHaveBeenCalled();
    expect(button.hasAttribute("disabled")).toBe(false);
    const reason = document.getElementById(button.getAttribute("aria-describedby") ?? "");
    expect(reason?.textContent).toBe("Only an admin may.");
  });
});

function event(id: number) {
  return { id, job: 1, at: "2026-11-28T03:18:02Z", level: "info" as const, message: `line ${id}` };
}

/** jsdom has no layout: the test says how high things are. */
function layout(log: HTMLElement, scrollTop: number) {
  Object.defineProperty(log, "scrollHeight", { value: 1000, configurable: true });
  Object.defineProperty(log, "clientHeight", { value: 200, configurable: true });
  log.scrollTop = scrollTop;
  fireEvent.scroll(log);
}

describe("a live log", () => {
  it("does not move under who reads further up, and says how many lines came", () => {
    const { rerender } = draw(<JobLog events={[event(1), event(2)]} />);
    const log = screen.getByLabelText("Log of the job");
    layout(log, 100);
    rerender(<JobLog events={[event(1), event(2), event(3), event(4)]} />);
    expect(log.scrollTop).toBe(100);
    fireEvent.click(screen.getByRole("button", { name: /2 new lines/ }));
    expect(log.scrollTop).toBe(1000);
  });

  it("keeps who is at its end there", () => {
    const { rerender } = draw(<JobLog events={[event(1)]} />);
    const log = screen.getByLabelText("Log of the job");
    layout(log, 800);
    rerender(<JobLog events={[event(1), event(2)]} />);
    expect(log.scrollTop).toBe(1000);
  });
});
