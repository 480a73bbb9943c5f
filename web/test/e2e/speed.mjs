// How soon home is usable, with the processor throttled four times: a report for a person, and no test,
// since it depends on the machine. THROTTLE and ROUNDS change it.
import { enter, openBrowser, openWindow } from "./browser.mjs";
import { Engine } from "./engine.mjs";

const THROTTLE = Number(process.env.THROTTLE ?? 4);
const ROUNDS = Number(process.env.ROUNDS ?? 7);

/** Said by the page when the three answers stand: after how many milliseconds it was first painted. */
const USABLE = `new Promise((done) => {
  const look = () => {
    if (document.querySelectorAll(".answer .reply").length < 3) return requestAnimationFrame(look);
    const paint = () => {
      const painted = performance.getEntriesByName("first-contentful-paint")[0];
      return painted ? done(painted.startTime) : requestAnimationFrame(paint);
    };
    paint();
  };
  look();
})`;

/** A window that no test looks into: Playwright's part in a page takes half as long as the page itself. */
class PlainWindow {
  #answers = new Map();
  #last = 0;

  static async open(debug, cookies) {
    const { browserContextId: context } = await debug.send("Target.createBrowserContext");
    await debug.send("Storage.setCookies", { browserContextId: context, cookies });
    const target = { url: "about:blank", browserContextId: context, width: 1280, height: 900 };
    const { targetId } = await debug.send("Target.createTarget", target);
    const { sessionId } = await debug.send("Target.attachToTarget", { targetId, flatten: false });
    return new PlainWindow(debug, context, sessionId);
  }

  constructor(debug, context, session) {
    Object.assign(this, { debug, context, session });
    debug.on("Target.receivedMessageFromTarget", this.#take);
  }

  #take = ({ sessionId, message }) => {
    if (sessionId !== this.session) return;
    const { id, result } = JSON.parse(message);
    this.#answers.get(id)?.(result);
  };

  async send(method, params) {
    this.#last += 1;
    const id = this.#last;
    const answer = new Promise((done) => this.#answers.set(id, done));
    const message = JSON.stringify({ id, method, params });
    await this.debug.send("Target.sendMessageToTarget", { sessionId: this.session, message });
    return answer;
  }

  async close() {
    this.debug.off("Target.receivedMessageFromTarget", this.#take);
    await this.debug.send("Target.disposeBrowserContext", { browserContextId: this.context });
  }
}

/** Milliseconds from the address to the three answers; every round with an empty cache. */
async function once(debug, url, cookies) {
  const window = await PlainWindow.open(debug, cookies);
  await window.send("Emulation.setCPUThrottlingRate", { rate: THROTTLE });
  const began = performance.now();
  await window.send("Page.navigate", { url });
  const answer = await window.send("Runtime.evaluate", {
    expression: USABLE,
    awaitPromise: true,
    returnByValue: true,
  });
  const took = performance.now() - began;
  await window.close();
  return { took, painted: answer.result.value };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const engine = new Engine();
let browser;
try {
  await engine.start();
  browser = await openBrowser();
  const { context, page } = await openWindow(browser, engine.url);
  await enter(page, engine);
  const cookies = await context.cookies();
  await context.close();
  const debug = await browser.newBrowserCDPSession();
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.push(await once(debug, engine.url, cookies));
    console.log(`usable after ${Math.round(rounds.at(-1).took)} ms`);
  }
  const of = (name) => Math.round(median(rounds.map((round) => round[name])));
  console.log(`home: first paint ${of("painted")} ms, usable ${of("took")} ms`);
  console.log(`median of ${ROUNDS}, processor throttled ${THROTTLE} times`);
} finally {
  await browser?.close();
  await engine.end();
}
