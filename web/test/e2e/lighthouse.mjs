// What Lighthouse says of every page, signed in, on an appliance that was used: a report for a person,
// and no test, since speed depends on the machine. It is fetched when asked for, and not kept.
// PRESET=mobile measures as on a slow phone; PAGES='/,/jobs' takes these only, and all take ten minutes.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enter, openBrowser, openWindow } from "./browser.mjs";
import { Engine } from "./engine.mjs";
import { everything } from "./journey.mjs";
import { pages } from "./pages.mjs";

const LIGHTHOUSE = "lighthouse@12.8.2";
const PRESET = process.env.PRESET ?? "desktop";
const CATEGORIES = ["accessibility", "best-practices", "performance"];

/** A port that nobody has. */
function freePort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

function run(args) {
  return new Promise((done, failed) => {
    const child = spawn("npm", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    child.on("error", failed);
    child.on("exit", (code) => (code === 0 ? done() : failed(new Error(said.slice(-2000)))));
  });
}

async function look(url, port, cookie, folder) {
  const output = join(folder, "report.json");
  await run([
    ...["exec", "--yes", `--package=${LIGHTHOUSE}`, "--", "lighthouse", url],
    ...[`--port=${port}`, "--quiet", "--output=json", `--output-path=${output}`],
    `--only-categories=${CATEGORIES.join(",")}`,
    `--extra-headers=${JSON.stringify({ Cookie: cookie })}`,
    ...(PRESET === "mobile" ? [] : [`--preset=${PRESET}`]),
  ]);
  return JSON.parse(readFileSync(output, "utf8"));
}

/** The sign-in page has good marks too. */
function isSignedIn(report) {
  const requests = report.audits["network-requests"].details.items;
  return requests.some(({ url, statusCode }) => /\/api\/status/.test(url) && statusCode === 200);
}

/** What keeps a page from full marks. */
function missed(report) {
  return CATEGORIES.filter((name) => name !== "performance").flatMap((name) =>
    report.categories[name].auditRefs
      .filter(({ id, weight }) => weight > 0 && (report.audits[id].score ?? 1) < 1)
      .map(({ id }) => `${id}: ${report.audits[id].title}`),
  );
}

/** What a slow page is slow in. */
function metrics(report) {
  const parts = report.categories.performance.auditRefs.filter(({ weight }) => weight > 0);
  return parts.map(({ id }) => `${id} ${report.audits[id].displayValue}`).join(", ");
}

const engine = new Engine();
const folder = mkdtempSync(join(tmpdir(), "fossilsafe-lighthouse-"));
let browser;
try {
  await engine.start();
  const port = await freePort();
  browser = await openBrowser([`--remote-debugging-port=${port}`]);
  const { context, page } = await openWindow(browser, engine.url);
  await enter(page, engine);
  const seen = await everything(page, engine);
  const paths = process.env.PAGES?.split(",") ?? pages(seen).map(([, path]) => path);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  console.log(`${PRESET}: ${CATEGORIES.join(", ")}`);
  for (const path of paths) {
    const once = () => look(engine.url + path, port, cookie, folder);
    // On a busy machine a trace may not begin in time.
    const report = await once().catch(once).catch(once);
    if (!isSignedIn(report)) throw new Error(`${path} was measured without a session`);
    const scores = CATEGORIES.map((name) => Math.round(report.categories[name].score * 100));
    console.log(`${path}: ${scores.join(", ")} (${report.finalDisplayedUrl})`);
    for (const audit of missed(report)) console.log(`  ${audit}`);
    if (report.categories.performance.score < 0.98) console.log(`  ${metrics(report)}`);
  }
} finally {
  await browser?.close();
  await engine.end();
  rmSync(folder, { recursive: true, force: true });
}
