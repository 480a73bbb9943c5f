// How many frames a second the contents of a cartridge hold while they are scrolled, with a million rows:
// a report for a person, and no test, since it depends on the machine. The rows are made up here, in the
// API's form: a backup of a million files would take longer than all other tests. Measured by tracing.
import { enter, openBrowser, openWindow, settled } from "./browser.mjs";
import { Engine } from "./engine.mjs";

const ROWS = 1_000_000;
/** Rows in one answer: the engine gives a thousand, and scrolling so far by hand takes an hour. */
const PAGE = 100_000;
const SECONDS = Number(process.env.SECONDS ?? 5);
const CATEGORIES =
  "devtools.timeline,disabled-by-default-devtools.timeline.frame,cc,benchmark,toplevel";
/** A fast turn of the wheel: at 60 turns a second, 450 rows. */
const TURN_PX = 240;

function rowsFrom(start) {
  return Array.from({ length: Math.min(PAGE, ROWS - start) }, (_, index) => ({
    kind: "file",
    name: `photo-${String(start + index).padStart(7, "0")}.raw`,
    path: `/srv/photos/photo-${String(start + index).padStart(7, "0")}.raw`,
    size_bytes: 40_000_000 + index,
    modified: "2026-11-28T03:18:02Z",
    evidence: index % 3 === 0 ? "read_back" : "indexed",
    failure: null,
    run: "20261128T031802Z-1",
    other_copies: [
      { copy: "B", barcode: "FSP002L9", volume: "v", evidence: "indexed", failure: null },
    ],
  }));
}

async function answerMadeUp(context) {
  await context.route(/\/api\/cartridges\/[^/]+\/contents/, (route) => {
    const start = Number(new URL(route.request().url()).searchParams.get("after") ?? 0);
    const next = start + PAGE < ROWS ? String(start + PAGE) : null;
    return route.fulfill({ json: { items: rowsFrom(start), next } });
  });
}

/** Goes to the end until all rows are there. */
async function loadAll(page) {
  const list = page.getByRole("list", { name: "What is in the folder" });
  await list.waitFor();
  await page.waitForFunction(
    (rows) => {
      const box = document.querySelector(".hits");
      box.scrollTop = box.scrollHeight;
      return box.firstElementChild.clientHeight / 32 >= rows;
    },
    ROWS,
    { timeout: 120_000, polling: 200 },
  );
  return list;
}

async function traced(context, page, body) {
  const debug = await context.newCDPSession(page);
  const events = [];
  debug.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await debug.send("Tracing.start", { traceConfig: { includedCategories: CATEGORIES.split(",") } });
  await body();
  const ended = new Promise((done) => debug.once("Tracing.tracingComplete", done));
  await debug.send("Tracing.end");
  await ended;
  return events;
}

/** What became of the frames: shown, or dropped. */
function countFrames(events) {
  const states = events
    .filter((event) => event.name === "PipelineReporter")
    .flatMap((event) => event.args?.chrome_frame_reporter ?? event.args?.frame_reporter ?? [])
    .map((reporter) => reporter.state);
  const drawn = events
    .filter((event) => event.name === "DrawFrame")
    .map((event) => event.ts / 1000);
  drawn.sort((a, b) => a - b);
  const gaps = drawn
    .slice(1)
    .map((at, index) => at - drawn[index])
    .sort((a, b) => a - b);
  const seconds = ((drawn.at(-1) ?? 0) - (drawn[0] ?? 0)) / 1000;
  const main = events.find(
    (event) => event.name === "thread_name" && event.args?.name === "CrRendererMain",
  );
  const tasks = events.filter(
    (event) => /RunTask$/.test(event.name) && event.pid === main?.pid && event.tid === main?.tid,
  );
  // Microseconds of processor, which other programs on the machine do not change as they do the clock.
  const busy = tasks.reduce((sum, task) => sum + (task.tdur ?? 0), 0) / 1000;
  return {
    work: busy / drawn.length,
    perSecond: drawn.length / seconds,
    gap99: gaps[Math.floor(gaps.length * 0.99)] ?? 0,
    dropped: states.filter((state) => state === "STATE_DROPPED").length,
    all: states.length,
  };
}

const engine = new Engine();
let browser;
try {
  await engine.start();
  browser = await openBrowser();
  const { context, page } = await openWindow(browser, engine.url);
  await answerMadeUp(context);
  await enter(page, engine);
  await page.goto("/cartridges/FSP001L9/contents?path=/srv/photos");
  await settled(page);
  const list = await loadAll(page);
  await list.evaluate((box) => {
    box.scrollTop = box.scrollHeight / 2;
  });
  await list.hover();
  const events = await traced(context, page, async () => {
    const until = Date.now() + SECONDS * 1000;
    while (Date.now() < until) await page.mouse.wheel(0, TURN_PX);
  });
  const { perSecond, gap99, dropped, all, work } = countFrames(events);
  console.log(`contents with ${ROWS.toLocaleString("en")} rows: ${perSecond.toFixed(1)} frames/s`);
  console.log(
    `the page works ${work.toFixed(1)} ms of processor time a frame; 60 leave it 16.7 ms`,
  );
  console.log(
    `99 of 100 frames come within ${gap99.toFixed(1)} ms; ${dropped} of ${all} were dropped`,
  );
} finally {
  await browser?.close();
  await engine.end();
}
