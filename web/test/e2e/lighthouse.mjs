// What Lighthouse says of the pages, signed in, with a backup on tape: a report for a person, and no test, since
// speed depends on the machine. It is fetched when it is asked for and stays out of the project.
// PRESET=mobile measures as on a slow phone; PAGES='/,/jobs' takes others.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enter, openBrowser, openWindow } from "./browser.mjs";
import { Engine } from "./engine.mjs";

const LIGHTHOUSE = "lighthouse@12.8.2";
const PRESET = process.env.PRESET ?? "desktop";
const PAGES = (
  process.env.PAGES ?? "/,/library,/cartridges,/jobs,/search,/restore,/settings"
).split(",");
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

const engine = new Engine();
const folder = mkdtempSync(join(tmpdir(), "fossilsafe-lighthouse-"));
let browser;
try {
  await engine.start();
  const port = await freePort();
  browser = await openBrowser([`--remote-debugging-port=${port}`]);
  const { context, page } = await openWindow(browser, engine.url);
  await enter(page, engine);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  console.log(`${PRESET}: ${CATEGORIES.join(", ")}`);
  for (const path of PAGES) {
    const report = await look(engine.url + path, port, cookie, folder);
    if (!isSignedIn(report)) throw new Error(`${path} was measured without a session`);
    const scores = CATEGORIES.map((name) => Math.round(report.categories[name].score * 100));
    console.log(`${path}: ${scores.join(", ")} (${report.finalDisplayedUrl})`);
    for (const audit of missed(report)) console.log(`  ${audit}`);
  }
} finally {
  await browser?.close();
  await engine.end();
  rmSync(folder, { recursive: true, force: true });
}
