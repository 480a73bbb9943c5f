// How many frames a second the contents of a cartridge hold while they are scrolled, with a million rows:
// a report for a person, and no test, since it depends on the machine. The rows are made up here, in the
// API's form: a backup of a million files would take longer than all other tests. Measured by tracing.
import { enter, openBrowser, openWindow, settled } from "./browser.mjs";
import { Engine } from "./engine.mjs";

const ROWS = 1_000_000;
/** Rows in one answer: the engine gives a thousand, and scrolling so far by hand takes an hour. */
const PAGE = 100_000;
const SECONDS = Number(process.env.SECONDS ?? 4);
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const CATEGORIES =
  "devtools.timeline,disabled-by-default-devtools.timeline.frame,benchmark,toplevel,viz";
/** A fast turn of the wheel in each sixtieth of a second: 450 rows a second. */
const SPEED_PX = 240 * 60;
const FRAME_MS = 1000 / 60;
/** Where the time of a frame goes, by the threads of the browser. The drawing is done without a graphics card
 *  where there is none. */
const THREADS = {
  page: /^Renderer\/CrRendererMain$/,
  raster: /^Renderer\/ThreadPoolForegroundWorker$/,
  compositor: /^Renderer\/Compositor$/,
  display: /^GPU Process\/VizCompositorThread$/,
};
/** And that of the page itself, by the names of the trace. */
const STEPS = {
  scripts: /^FunctionCall$|^V8\./,
  style: /^UpdateLayoutTree$/,
  layout: /^Layout$/,
  "pre-paint": /^PrePaint$/,
  paint: /^Paint$/,
  layers: /^Layerize$|^UpdateLayer|^Commit$/,
};

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

/** What the whole browser did meanwhile: the page is drawn by more than one process. */
async function traced(browser, body) {
  const debug = await browser.newBrowserCDPSession();
  const events = [];
  debug.on("Tracing.dataCollected", ({ value }) => {
    for (const event of value) events.push(event);
  });
  await debug.send("Tracing.start", { traceConfig: { includedCategories: CATEGORIES.split(",") } });
  await body();
  const ended = new Promise((done) => debug.once("Tracing.tracingComplete", done));
  await debug.send("Tracing.end");
  await ended;
  await debug.detach();
  return events;
}

/** The names of a trace's threads, "process/thread", by their numbers. */
function threadNames(events) {
  const named = (what) => events.filter((event) => event.name === what);
  const processes = new Map(named("process_name").map(({ pid, args }) => [pid, args.name]));
  return new Map(
    named("thread_name").map(({ pid, tid, args }) => [
      `${pid}:${tid}`,
      `${processes.get(pid)}/${args.name}`,
    ]),
  );
}

/** Milliseconds of processor time of one thread's steps, each without those within it. */
function ownTimes(events) {
  const times = new Map();
  const open = [];
  const patterns = Object.entries(STEPS);
  const inOrder = events
    .filter((event) => event.ph === "X" && patterns.some(([, step]) => step.test(event.name)))
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  for (const event of inOrder) {
    const { ts, dur, tdur = 0 } = event;
    const [name] = patterns.find(([, step]) => step.test(event.name));
    while (open.length > 0 && open.at(-1).end <= ts) open.pop();
    const around = open.at(-1);
    if (around) times.set(around.name, times.get(around.name) - tdur / 1000);
    times.set(name, (times.get(name) ?? 0) + tdur / 1000);
    open.push({ name, end: ts + dur });
  }
  return times;
}

function sum(values) {
  return values.reduce((all, value) => all + value, 0);
}

/** What was drawn of the page, and what a frame of it took. */
function measure(events) {
  const laidOut = events.filter((event) => event.name === "PrePaint").map((event) => event.pid);
  const mine = laidOut[Math.floor(laidOut.length / 2)];
  const drawn = events
    .filter((event) => event.name === "DrawFrame" && event.pid === mine)
    .map((event) => event.ts / 1000)
    .sort((a, b) => a - b);
  const took = drawn.at(-1) - drawn[0];
  const gaps = drawn.slice(1).map((at, index) => at - drawn[index]);
  const names = threadNames(events);
  const isOf = (pattern) => (event) =>
    pattern.test(names.get(`${event.pid}:${event.tid}`)) &&
    (event.pid === mine || names.get(`${event.pid}:${event.tid}`).startsWith("GPU"));
  const tasks = events.filter((event) => /^Thread\w+(::|_)RunTask$/.test(event.name));
  const threads = Object.entries(THREADS).map(([name, pattern]) => {
    const all = tasks.filter(isOf(pattern)).map((task) => (task.tdur ?? 0) / 1000);
    return [name, sum(all) / drawn.length];
  });
  const own = ownTimes(events.filter(isOf(THREADS.page)));
  const steps = Object.keys(STEPS).map((name) => [name, (own.get(name) ?? 0) / drawn.length]);
  return {
    perSecond: ((drawn.length - 1) / took) * 1000,
    // Turns of the screen at which nothing new was there to be shown.
    missed: Math.max(0, Math.round(took / FRAME_MS) - (drawn.length - 1)),
    turns: Math.round(took / FRAME_MS),
    gap99: gaps.sort((a, b) => a - b)[Math.floor(gaps.length * 0.99)],
    threads,
    steps,
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** The median of each part, as "page 8.1, raster 4.0". */
function medians(rounds, of) {
  return of(rounds[0])
    .map(([name], index) => {
      const time = median(rounds.map((round) => of(round)[index][1]));
      return `${name} ${time.toFixed(1)}`;
    })
    .join(", ");
}

const engine = new Engine();
let browser;
try {
  await engine.start();
  browser = await openBrowser();
  const { context, page } = await openWindow(browser, engine.url, { width: 1440, height: 900 });
  await answerMadeUp(context);
  await enter(page, engine);
  await page.goto("/cartridges/FSP001L9/contents?path=/srv/photos");
  await settled(page);
  const list = await loadAll(page);
  const box = await list.boundingBox();
  const debug = await context.newCDPSession(page);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await list.evaluate((box) => {
      box.scrollTop = box.scrollHeight / 2;
    });
    await list.hover();
    const events = await traced(browser, () =>
      // The browser turns the wheel itself, once a frame: a turn asked for over the wire comes late.
      debug.send("Input.synthesizeScrollGesture", {
        x: box.x + box.width / 2,
        y: box.y + box.height / 2,
        yDistance: -SPEED_PX * SECONDS,
        speed: SPEED_PX,
        gestureSourceType: "mouse",
        preventFling: true,
      }),
    );
    rounds.push(measure(events));
    const { perSecond, missed, turns, gap99 } = rounds.at(-1);
    console.log(
      `${perSecond.toFixed(1)} frames/s, ${missed} of ${turns} missed, 99 of 100 within ${gap99.toFixed(0)} ms`,
    );
  }
  const perSecond = median(rounds.map((round) => round.perSecond));
  console.log(`contents with ${ROWS.toLocaleString("en")} rows: ${perSecond.toFixed(1)} frames/s`);
  console.log("processor time of a frame in ms, of which each thread has 16.7:");
  console.log(`  ${medians(rounds, (round) => round.threads)}`);
  console.log(`  of the page: ${medians(rounds, (round) => round.steps)}`);
} finally {
  await browser?.close();
  await engine.end();
}
