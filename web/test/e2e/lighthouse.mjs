// Lighthouse on some pages of the real program, signed in: a report for a person, and no test, since its
// figure for speed depends on the machine. The tool is fetched when it is asked for: nothing else needs it.
import { spawnSync } from "node:child_process";
import { enter, openBrowser, openWindow } from "./browser.mjs";
import { Engine } from "./engine.mjs";

const TOOL = "lighthouse@12.8.2";
const PORT = 19_333;
const PAGES = (
  process.env.PAGES ?? "/ /cartridges /jobs /restore /equipment /settings/audit"
).split(" ");
const CATEGORIES = ["performance", "accessibility", "best-practices"];

function measure(url, cookie) {
  const options = [
    "--quiet",
    "--output=json",
    `--port=${PORT}`,
    "--preset=desktop",
    `--only-categories=${CATEGORIES.join(",")}`,
    `--extra-headers=${JSON.stringify({ Cookie: cookie })}`,
  ];
  const { status, stdout, stderr } = spawnSync("npx", ["--yes", TOOL, url, ...options], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`lighthouse: ${stderr}`);
  return JSON.parse(stdout);
}

/** What took points, with its figure. */
function lost({ categories, audits }) {
  return CATEGORIES.flatMap((name) => categories[name].auditRefs)
    .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9)
    .map(({ id }) => `    ${audits[id].title}: ${audits[id].displayValue ?? "fails"}`);
}

const engine = new Engine();
let browser;
try {
  await engine.start();
  browser = await openBrowser([`--remote-debugging-port=${PORT}`]);
  const { context, page } = await openWindow(browser, engine.url);
  await enter(page, engine);
  const cookies = await context.cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  for (const path of PAGES) {
    const report = measure(engine.url + path, cookie);
    const figures = CATEGORIES.map(
      (name) => `${name} ${Math.round(report.categories[name].score * 100)}`,
    );
    console.log(`${path}: ${figures.join(", ")}`);
    for (const line of lost(report)) console.log(line);
  }
} finally {
  await browser?.close();
  await engine.end();
}
