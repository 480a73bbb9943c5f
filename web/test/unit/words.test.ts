// Figures, addresses, labels, and sentences about what will happen.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AlertView, CartridgeView, LibraryView, SetView } from "../../src/api/types";
import { JOB_KIND } from "../../src/components/states";
import { EMPTY_DRAFT, preflight, wrongPaths, wrongSet } from "../../src/forms/backup-draft";
import { ERROR_PAGES } from "../../src/help/errors";
import { lossTone } from "../../src/pages/cartridges/WhatIfLost";
import { isFirstRunning, safeReply } from "../../src/pages/home/SafeAnswer";
import { secondsLeft, thin } from "../../src/stores/throughput";
import { actText, objectOf } from "../../src/util/acts";
import { agentText } from "../../src/util/agent";
import { planBulk } from "../../src/util/bulk";
import { encodeCode39 } from "../../src/util/code39";
import { stepsOf } from "../../src/util/evidence";
import { readLabel } from "../../src/util/label-reader";
import { destinations, explainMove, whyNotTaken } from "../../src/util/moves";
import { gatherNeeds } from "../../src/util/needs";
import { api, to } from "../../src/util/path-builder";
import { formatBytes, formatDuration, formatRate, formatShare } from "../../src/util/units";
import { jobView, statusView } from "./samples";

describe("figures", () => {
  it("never round a part up to the whole or down to nothing", () => {
    expect(formatShare(999_999, 1_000_000)).toBe("99 %");
    expect(formatShare(1, 1_000_000)).toBe("< 1 %");
    expect(formatShare(5, 5)).toBe("100 %");
    expect(formatShare(0, 0)).toBe("–");
  });

  it("have three digits and the unit that fits", () => {
    expect(formatBytes(0)).toBe("0 B");
    expect(formatBytes(116_196_820)).toBe("111 MiB");
    expect(formatBytes(1023.7 * 1024)).toBe("1.00 MiB");
    expect(formatRate(1_318_000_000)).toBe("1.32 GB/s");
  });

  it("tell times in their two largest units", () => {
    expect(formatDuration(59.6)).toBe("1 min 00 s");
    expect(formatDuration(3661)).toBe("1 h 01 min");
    expect(formatDuration(200_000)).toBe("2 d 7 h");
  });
});

describe("addresses", () => {
  it("carry any name whole", () => {
    expect(to.file("/srv/a b&c.txt", "photos")).toBe("/file?path=%2Fsrv%2Fa+b%26c.txt&set=photos");
    expect(api.cartridge("FSP/01")).toBe("/api/cartridges/FSP%2F01");
    expect(api.jobs({ active: true, limit: 5 })).toBe("/api/jobs?active=true&limit=5");
  });
});

describe("the audit log", () => {
  it("says what was asked and about what, and keeps what it does not know", () => {
    const action = "POST /api/cartridges/{barcode}/format";
    expect(actText(action)).toBe("Make an empty volume on a cartridge");
    expect(objectOf(action, "/api/cartridges/FSP002L9/format")).toBe("FSP002L9");
    expect(actText("POST /api/of/another/release")).toBe("POST /api/of/another/release");
  });
});

describe("kinds of jobs", () => {
  it("are those of the API, each with a name", () => {
    const description = JSON.parse(readFileSync("../src/api/openapi.json", "utf8"));
    const { oneOf } = description.components.schemas.JobSpec;
    const kinds = oneOf.map((each: { properties: { kind: { const: string } } }) => {
      return each.properties.kind.const;
    });
    expect(Object.keys(JOB_KIND).sort()).toEqual(kinds.sort());
  });
});

describe("a browser", () => {
  it("is called by its name, version and system", () => {
    const agent =
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
    expect(agentText(agent)).toBe("Chromium 156 on Linux");
    expect(agentText("curl/8.14")).toBe("curl/8.14");
  });
});

describe("labels", () => {
  it("are Code 39: ten characters with start and stop, three wide elements each", () => {
    const { bars, width } = encodeCode39("FSP001L9");
    expect(bars).toHaveLength(10 * 5);
    // Each character: six narrow elements and three wide ones; a narrow gap between characters.
    expect(width).toBe(10 * (6 + 3 * 2.5) + 9);
  });

  it("are read back from a picture of them, also in bad light", () => {
    expect(readLabel(picture("FSP001L9", { dark: 0, light: 255, noise: 0 }))).toBe("FSP001L9");
    expect(readLabel(picture("CLN042CU", { dark: 70, light: 150, noise: 24 }))).toBe("CLN042CU");
  });

  it("are not seen where there is none, nor in a code of something else", () => {
    expect(readLabel(picture("", { dark: 90, light: 160, noise: 60 }))).toBeNull();
    expect(readLabel(picture("PARCEL12345", { dark: 0, light: 255, noise: 0 }))).toBeNull();
  });
});

/** A label as a camera sees it: grey, and with noise that is the same each time. */
function picture(text: string, { dark, light, noise }: Record<"dark" | "light" | "noise", number>) {
  const [width, height, scale, left] = [900, 60, 5, 60];
  const { bars } = encodeCode39(text);
  const data = new Uint8ClampedArray(width * height * 4);
  let seed = 1;
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const x = ((pixel % width) - left) / scale;
    const isBar = text !== "" && bars.some((bar) => x >= bar.x && x < bar.x + bar.width);
    seed = (seed * 48_271) % 2_147_483_647;
    data.fill((isBar ? dark : light) + (seed % (noise + 1)), pixel * 4, pixel * 4 + 3);
  }
  return { data, width, height };
}

const rows = (files: number[]) =>
  (["planned", "written", "flushed", "indexed", "read_back", "proven"] as const).map(
    (state, i) => ({
      state,
      files: files[i] ?? 0,
      bytes: 0,
    }),
  );

describe("the answer about safety", () => {
  it("is never good while anything is missing", () => {
    expect(safeReply(statusView("at_risk", { complete: 1, total: 2 }), false).tone).toBe("bad");
  });

  it("is not good either when something critical stands and every set is complete", () => {
    const reply = safeReply(statusView("at_risk", { proven_files: 100 }), false);
    expect(reply).toMatchObject({ tone: "bad", sentence: "as summed up" });
  });

  it("says that it is being summed up rather than that nothing is protected", () => {
    expect(safeReply(statusView("unknown"), false).text).toBe("Being summed up");
  });

  it("says that the first backup is running, and only then", () => {
    const open = { name: "docs", newest_run: { state: "open" }, newest_ended_run: null };
    const first = open as unknown as SetView;
    const running = [jobView(1, "running")];
    expect(isFirstRunning([first], running)).toBe(true);
    expect(isFirstRunning([first], [])).toBe(false);
    expect(isFirstRunning([{ ...first, newest_ended_run: "r1" }], running)).toBe(false);
    expect(isFirstRunning([first, { ...first, name: "photos" }], running)).toBe(false);
    const reply = safeReply(statusView("at_risk", { complete: 0 }), true);
    expect(reply).toMatchObject({ tone: "busy", text: "The first backup is running" });
  });

  it("does not call files read back that are only indexed", () => {
    const reply = safeReply(statusView("safe", { proven_files: 10 }), false);
    expect(reply.text).toBe("On tape and indexed");
    expect(reply.sentence).toContain("10 of 100 files");
  });

  it("says that nothing is protected when nothing is", () => {
    const sets = { total: 0, complete: 0, files: 0 };
    expect(safeReply(statusView("empty", sets), false).text).toBe("Nothing is protected yet");
  });

  it("counts a file on every step below its own", () => {
    expect(stepsOf(rows([0, 0, 0, 3, 2, 1])).map((step) => step.reached)).toEqual([
      6, 6, 6, 6, 3, 1,
    ]);
  });
});

describe("what needs somebody", () => {
  const alert = (part: Partial<AlertView>) =>
    ({ id: 1, kind: "drive_alert", severity: "warning", subject: "D1", ...part }) as AlertView;

  it("has the worst first, says a waiting job once, and leaves out what is only good to know", () => {
    const view = statusView("attention");
    const brief = { ...jobView(4, "waiting"), stage: "", bytes_done: 0, bytes_total: 0 };
    view.jobs.items = [brief];
    view.alerts.items = [
      alert({ kind: "job_waiting", subject: "4" }),
      alert({ id: 2, kind: "set_single_copy", severity: "info" }),
      alert({ id: 3, kind: "cartridge_needs_repair", severity: "critical", subject: "FSP002L9" }),
    ];
    const needs = gatherNeeds(view);
    expect(needs.map((item) => item.href)).toEqual([to.cartridge("FSP002L9"), to.job(4)]);
    expect(needs[0]?.tone).toBe("bad");
  });
});

const cartridge = (barcode: string, part: Partial<CartridgeView> = {}): CartridgeView => ({
  barcode,
  generation: "LTO-9",
  place: { place: "slot", number: 0 },
  state: "open",
  sentence: "",
  is_worm: false,
  is_write_protected: false,
  alias: null,
  location: null,
  lock: null,
  retained_until: null,
  volume: {
    uuid: barcode,
    name: null,
    set: "docs",
    copy: "A",
    sequence: 1,
    formatted: null,
    index_generation: 1,
    capacity_bytes: 100,
    remaining_bytes: 50,
    files: 7,
    bytes: 7,
  },
  last_seen: null,
  ...part,
});

const box: LibraryView = {
  is_practice: true,
  changer: null,
  inventory_taken: null,
  elements: [
    {
      kind: "slot",
      number: 0,
      address: 1,
      is_full: true,
      barcode: "A00001L9",
      is_accessible: true,
    },
    { kind: "slot", number: 1, address: 2, is_full: false, barcode: null, is_accessible: true },
    { kind: "slot", number: 2, address: 3, is_full: false, barcode: null, is_accessible: false },
    { kind: "drive", number: 0, address: 4, is_full: false, barcode: null, is_accessible: true },
    {
      kind: "drive",
      number: 1,
      address: 5,
      is_full: true,
      barcode: "B00001L9",
      is_accessible: true,
    },
    {
      kind: "mail_slot",
      number: 0,
      address: 6,
      is_full: false,
      barcode: null,
      is_accessible: true,
    },
  ],
  drives: [0, 1].map((number) => ({
    number,
    serial: `S${number}`,
    vendor: "",
    product: "",
    revision: "",
    generation: "LTO-9",
    state: number === 0 ? ("empty" as const) : ("busy" as const),
    barcode: null,
    job: number === 0 ? null : 4,
    held_since: number === 0 ? null : "2026-11-28T03:18:02Z",
  })),
};

describe("moves", () => {
  it("lead only to empty places that the robot reaches", () => {
    const places = destinations(box, { place: "slot", number: 0 });
    expect(places).toEqual([
      { place: "drive", number: 0 },
      { place: "slot", number: 1 },
      { place: "mail_slot", number: 0 },
    ]);
  });

  it("do not take a cartridge out of a drive that a job uses", () => {
    expect(whyNotTaken(box, { place: "drive", number: 1 })).toContain("Job 4");
  });

  it("say what leaves with a cartridge that goes out", () => {
    const move = {
      barcode: "A00001L9",
      from: { place: "slot", number: 0 },
      to: { place: "mail_slot", number: 0 },
    } as const;
    expect(explainMove(move, cartridge("A00001L9")).join(" ")).toContain("7 files of set docs");
  });
});

describe("losing a cartridge", () => {
  const loss = { files: 9, bytes: 9, bytes_lost: 0, bytes_unproven: 0, items: [], sentence: "" };

  it("is bad when files would be gone, and not good when their other copies were never read", () => {
    expect(lossTone({ ...loss, files_lost: 1, files_unproven: 0 })).toBe("bad");
    expect(lossTone({ ...loss, files_lost: 0, files_unproven: 1 })).toBe("warn");
    expect(lossTone({ ...loss, files_lost: 0, files_unproven: 0 })).toBe("good");
  });
});

describe("many cartridges at once", () => {
  const places = (kind: "slot" | "mail_slot", count: number) =>
    Array.from({ length: count }, (_, number) => ({
      kind,
      number,
      address: number,
      is_full: false,
      is_accessible: true,
      barcode: null,
      cartridge: null,
    }));
  const library = {
    ...box,
    elements: [
      ...places("mail_slot", 1),
      { ...places("slot", 1)[0], is_full: true, barcode: "A00001L9" },
    ] as LibraryView["elements"],
  };

  it("go out as far as mail slots are free, and the others are said to stay", () => {
    const both = [cartridge("A00001L9"), cartridge("B00001L9")];
    const { steps, leftOut } = planBulk("export", both, library);
    expect(steps).toMatchObject([{ barcode: "A00001L9", to: { place: "mail_slot", number: 0 } }]);
    expect(leftOut).toEqual([{ barcode: "B00001L9", why: "no mail slot is free" }]);
  });

  it("are never formatted at once when something is on them", () => {
    const blank = cartridge("C00001L9", { state: "blank", volume: null });
    const { steps, leftOut } = planBulk("format", [cartridge("A00001L9"), blank], library);
    expect(steps.map((step) => step.barcode)).toEqual(["C00001L9"]);
    expect(leftOut[0]?.why).toContain("own page");
  });
});

describe("a backup's draft", () => {
  it("needs whole paths and a name that can be a folder", () => {
    expect(wrongPaths({ ...EMPTY_DRAFT, paths: "srv/photos" })).toContain("slash");
    expect(wrongPaths({ ...EMPTY_DRAFT, paths: "/srv/photos\n\n" })).toBeUndefined();
    expect(wrongSet({ ...EMPTY_DRAFT, set: "my photos" })).toBeDefined();
    expect(wrongSet({ ...EMPTY_DRAFT, set: "photos-2026" })).toBeUndefined();
  });

  it("is not called ready when a copy has no cartridge of its own", () => {
    const draft = { ...EMPTY_DRAFT, set: "docs", copies: "2" as const };
    expect(preflight(draft, [cartridge("A00001L9")]).concern).toContain("2 copies need 2");
    const two = [cartridge("A00001L9"), cartridge("B00001L9")];
    expect(preflight(draft, two).concern).toBeUndefined();
    const away = cartridge("B00001L9", { place: null });
    expect(preflight(draft, [cartridge("A00001L9"), away]).concern).toBeDefined();
  });
});

describe("time left", () => {
  const sample = (at: number, bytesDone: number) => ({
    at,
    source: 0,
    drive: 0,
    bufferSeconds: null,
    bytesDone,
  });
  const job = jobView(1, "running");
  job.progress.bytes_done = 100;
  job.progress.bytes_total = 200;

  it("follows the pace of the last minute and not of the beginning", () => {
    const samples = [sample(0, 0), sample(600_000, 90), sample(610_000, 100)];
    expect(secondsLeft(job, samples)).toBeCloseTo(100);
  });

  it("is not told when nothing moves or too little was seen", () => {
    expect(secondsLeft(job, [sample(0, 100), sample(20_000, 100)])).toBeNull();
    expect(secondsLeft(job, [sample(0, 99), sample(1000, 100)])).toBeNull();
  });

  it("keeps the first sample of a long run when samples are thinned", () => {
    const many = Array.from({ length: 1200 }, (_, at) => sample(at, at));
    expect(thin(many)).toHaveLength(600);
    expect(thin(many)[0]?.at).toBe(0);
  });
});

/** Codes in the engine's source: what stands first in an advice or second in an EngineError. */
function codesOfEngine(): string[] {
  const root = join(process.cwd(), "../src");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    /^(jobs\/error|gateway\/refusal|api\/(?!.*tests)[a-z_]+|api\/auth\/[a-z_]+|app\/engine\/(?!tests)[a-z_]+)\.rs$/.test(
      name,
    ),
  );
  const codes = new Set<string>();
  for (const name of files) {
    const text = readFileSync(join(root, name), "utf8").split("#[cfg(test)]")[0] ?? "";
    const patterns = [
      /(?:ApiError|EngineError)::new\(\s*[A-Za-z:]+,\s*"([a-z_]+)"/g,
      /(?:conflict|refused?)\(\s*"([a-z_]+)"/g,
      /=> (?:\{\s*)?\(\s*"([a-z_]+)",/g,
      /(?:let status = )?StatusCode::[A-Z_]+,\s*"([a-z_]+)",/g,
      /Self::new\(\s*status,\s*"([a-z_]+)"/g,
    ];
    for (const pattern of patterns) {
      for (const match of text.matchAll(pattern)) if (match[1]) codes.add(match[1]);
    }
  }
  return [...codes];
}

describe("the handbook", () => {
  it("has a page for every error code of the engine", () => {
    const codes = codesOfEngine();
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => !(code in ERROR_PAGES))).toEqual([]);
  });
});
