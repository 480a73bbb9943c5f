// How soon home is usable, with the processor throttled four times: a report for a person, and no test,
// since it depends on the machine. THROTTLE and ROUNDS change it.
import { enter, openBrowser, openWindow } from "./browser.mjs";
import { Engine } from "./engine.mjs";

const THROTTLE = Number(process.env.THROTTLE ?? 4);
const ROUNDS = Number(process.env.ROUNDS ?? 7);

/** Milliseconds from the address to the three answers; every round with an empty cache. */
async function once(browser, url, state) {
  const { context, page } = await openWindow(browser, url, { state });
  const debug = await context.newCDPSession(page);
  await debug.send("Emulation.setCPUThrottlingRate", { rate: THROTTLE });
  const began = performance.now();
  await page.goto("/", { waitUntil: "commit" });
  await page.waitForFunction(() => document.querySelectorAll(".answer .reply").length === 3);
  const took = performance.now() - began;
  // The browser says it a little later than it is.
  const paint = await page.waitForFunction(
    () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
  );
  const painted = await paint.jsonValue();
  await context.close();
  return { took, painted };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const engine = new Engine();
let browser;
try {
  await engine.start();
  browser = await openBrowser();
  const { context, page } = await openWindow(browser, engine.url);
  await enter(page, engine);
  const state = await context.storageState();
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push(await once(browser, engine.url, state));
  }
  const usable = Math.round(median(rounds.map((round) => round.took)));
  const painted = Math.round(median(rounds.map((round) => round.painted)));
  console.log(`home: first paint ${painted} ms, usable ${usable} ms`);
  console.log(`median of ${ROUNDS}, processor throttled ${THROTTLE} times`);
} finally {
  await browser?.close();
  await engine.end();
}
