// What the console shows of self-tests and of the library's calibration, and what it asks for.
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { CalibrationView, Role, SelfTestView, SessionView } from "../../src/api/types";
import { Calibration } from "../../src/pages/equipment/Calibration";
import { SelfTestPage } from "../../src/pages/selftest/SelfTestPage";
import { setSession } from "../../src/stores/session";
import { draw } from "./render";
import { jobView } from "./samples";
import { type Answer, fill, serve } from "./serve";

const TESTS = "GET /api/self-tests";
const BEGIN_TEST = "POST /api/self-tests";
const MEASURED = "GET /api/library/calibration";
const MEASURE = "POST /api/library/calibration";

const passed: SelfTestView = {
  job: 4,
  state: "incomplete",
  began: "2026-11-22T03:00:00Z",
  ended: "2026-11-22T03:00:05Z",
  checks: [
    { subject: "catalog", result: "passed", sentence: "Its 12 tables are whole.", took_ms: 31 },
    { subject: "drive", about: "XYZ1", result: "passed", sentence: "It answers.", took_ms: 4 },
    {
      subject: "drive",
      about: "XYZ2",
      result: "failed",
      sentence: "It does not answer.",
      advice: "Look at its cable.",
      took_ms: 900,
    },
    { subject: "clock", result: "warning", sentence: "No time server answers.", took_ms: 12 },
  ],
};
const atWork: SelfTestView = { job: 7, state: "running", began: null, ended: null, checks: [] };

function page<T>(items: T[]): () => Answer {
  return () => [200, { items, next: null }];
}

function signIn(role: Role) {
  setSession({ user: "ada", role, csrf: "word", is_password_interim: false } as SessionView);
}

/** The cells of a table's rows, without its head. */
function cells(table: HTMLElement): (string | null)[][] {
  const [, ...rows] = within(table).getAllByRole("row");
  return rows.map((row) =>
    within(row)
      .getAllByRole("cell")
      .map((cell) => cell.textContent),
  );
}

function press(name: string) {
  const button = screen.getByRole("button", { name });
  fireEvent.click(button);
  return button;
}

afterEach(() => setSession(null));

describe("the page of self-tests", () => {
  it("shows part by part the last one that has ended, and counts of all", async () => {
    serve({ [TESTS]: page([atWork, passed]) });
    draw(<SelfTestPage />);
    const found = cells(await screen.findByRole("table", { name: "What each part has shown" }));
    expect(found.map(([part, which]) => [part, which])).toEqual([
      ["Catalog", ""],
      ["Drive", "XYZ1"],
      ["Drive", "XYZ2"],
      ["Clock", ""],
    ]);
    expect(found[2]?.[2]).toBe("Failed");
    expect(found[2]?.[3]).toMatch(/does not answer.*Look at its cable/);
    expect(found[2]?.[4]).toBe("900 ms");
    const all = cells(screen.getByRole("table", { name: "Self-tests" }));
    expect(all.map((row) => row.slice(2))).toEqual([
      ["0", "0", "0"],
      ["2", "1", "1"],
    ]);
    // One that has not begun has no time yet, and is found by its job.
    expect(all[0]?.[0]).toBe("job 7");
  });

  it("says so where none was done, and shows none that has not ended", async () => {
    serve({ [TESTS]: page([]) });
    const { unmount } = draw(<SelfTestPage />);
    expect(await screen.findByText("None was done yet")).toBeTruthy();
    unmount();
    serve({ [TESTS]: page([atWork]) });
    draw(<SelfTestPage />);
    await screen.findByRole("table", { name: "Self-tests" });
    expect(screen.queryByText("The last one")).toBeNull();
  });

  it("asks for one without a tape, and for one with the cartridge that was named", async () => {
    signIn("operator");
    const sent: unknown[] = [];
    const begin = (body: unknown): Answer => {
      sent.push(body);
      return [202, { ...jobView(8, "queued"), kind: "self_test", title: "Self-test" }];
    };
    serve({ [TESTS]: page([]), [BEGIN_TEST]: begin });
    draw(<SelfTestPage />);
    press("Test every part");
    await waitFor(() => expect(sent).toEqual([{}]));
    fill("Cartridge to write to", " fsp001l9 ");
    await waitFor(() => expect(press("Test every part").ariaDisabled).not.toBe("true"));
    await waitFor(() => expect(sent).toEqual([{}, { cartridge: "FSP001L9" }]));
  });

  it("tells a viewer why not, and asks for nothing", async () => {
    signIn("viewer");
    const asked = serve({ [TESTS]: page([]) });
    draw(<SelfTestPage />);
    await screen.findByText("None was done yet");
    const button = press("Test every part");
    expect(button.getAttribute("aria-disabled")).toBe("true");
    expect(screen.getByText(/Needs the role Operator/)).toBeTruthy();
    fireEvent.submit(button.closest("form") as HTMLFormElement);
    expect(asked).toEqual([TESTS]);
  });
});

describe("the calibration of the library", () => {
  const measured: CalibrationView = {
    job: 5,
    state: "completed",
    ended: "2026-11-22T03:10:00Z",
    measured: {
      library: "LIB1",
      cartridge: "FSP002L9",
      inventory_ms: 41_000,
      drives: [
        {
          drive: "XYZ1",
          bring_ms: 12_340,
          ready_ms: 21_000,
          locate_end_ms: 55_060,
          rewind_ms: 48_000,
          return_ms: 13_960,
        },
        { drive: "XYZ2", bring_ms: 9_000, ready_ms: 20_500, return_ms: 0 },
      ],
      left_out: [{ drive: "XYZ3", reason: "it is at work" }],
    },
  };
  const failed: CalibrationView = { job: 6, state: "failed", ended: "2026-11-23T03:10:00Z" };

  it("is the newest that has measured something, one row a drive", async () => {
    serve({ [MEASURED]: page([failed, measured]) });
    draw(<Calibration />);
    const table = await screen.findByRole("table", { name: /each drive and the robot took/ });
    expect(cells(table)).toEqual([
      ["XYZ1", "12.3 s", "21.0 s", "55.1 s", "48.0 s", "14.0 s"],
      // Without a volume on the cartridge there is no end to go to; nothing is not "0.0 s".
      ["XYZ2", "9.0 s", "20.5 s", "–", "–", "0.0 s"],
    ]);
    expect(screen.getByText(/XYZ3/).closest("p")?.textContent).toMatch(/left out: it is at work/);
  });

  it("says that plans assume where nothing was measured", async () => {
    serve({ [MEASURED]: page([failed]) });
    draw(<Calibration />);
    expect(await screen.findByText(/plans assume/)).toBeTruthy();
    expect(screen.queryByRole("table")).toBeNull();
  });

  it("needs a cartridge, and is asked for with its barcode", async () => {
    signIn("operator");
    const sent: unknown[] = [];
    const measure = (body: unknown): Answer => {
      sent.push(body);
      return [202, { ...jobView(9, "queued"), kind: "calibrate", title: "Calibration" }];
    };
    serve({ [MEASURED]: page([]), [MEASURE]: measure });
    draw(<Calibration />);
    const form = press("Measure the library").closest("form") as HTMLFormElement;
    fireEvent.submit(form);
    expect(screen.getByText("Name a cartridge first.")).toBeTruthy();
    fill("Cartridge to measure with", "fsp002l9");
    press("Measure the library");
    await waitFor(() => expect(sent).toEqual([{ cartridge: "FSP002L9" }]));
  });
});
