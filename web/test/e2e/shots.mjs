// Pictures of every page, with a backup that runs, for a person to look at. SHOTS names the folder.
import { join } from "node:path";
import { enter, goTo, openBrowser, openWindow } from "./browser.mjs";
import { Engine } from "./engine.mjs";
import { everything } from "./journey.mjs";
import { pages } from "./pages.mjs";

const SIZES = [
  [1440, 900],
  [390, 844],
];
const folder = process.env.SHOTS ?? ".";
const engine = new Engine();

/** A backup that takes a while: the strongest compression of what is large on this machine. */
async function startLongBackup(page) {
  const compression = { zstd: { level: 19 } };
  const body = { set: "library", paths: ["/usr/lib"], compression, copies: 1 };
  await page.evaluate(async (data) => {
    const session = await fetch("/api/auth/session").then((answer) => answer.json());
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": session.csrf ?? "" };
    const post = (path, value) =>
      fetch(path, { method: "POST", headers, body: JSON.stringify(value) });
    await post("/api/cartridges/FSP003L9/format", {});
    await new Promise((done) => setTimeout(done, 1500));
    await post("/api/backups", data);
  }, body);
}

async function photograph(browser, state, seen, theme, [width, height]) {
  const { context, page } = await openWindow(browser, engine.url, { width, height, theme, state });
  for (const [name, path] of pages(seen)) {
    await goTo(page, path);
    await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`), fullPage: true });
  }
  await context.close();
}

async function photographRunning(browser, state, theme) {
  const { context, page } = await openWindow(browser, engine.url, { width: 1440, theme, state });
  await goTo(page, "/jobs?state=active");
  await page.getByRole("link", { name: "Back up set library" }).first().click();
  // Long enough for the charts to have something to draw.
  await page.waitForTimeout(12_000);
  await page.screenshot({ path: join(folder, `job-running-${theme}-1440.png`), fullPage: true });
  await page.getByRole("link", { name: "Home" }).first().click();
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(folder, `home-running-${theme}-1440.png`), fullPage: true });
  await context.close();
}

let browser;
try {
  await engine.start();
  browser = await openBrowser();
  const { context, page } = await openWindow(browser, engine.url);
  await enter(page, engine);
  const seen = await everything(page, engine);
  const state = await context.storageState();
  for (const theme of ["light", "dark"]) {
    for (const size of SIZES) await photograph(browser, state, seen, theme, size);
  }
  await photograph(browser, state, seen, "contrast", SIZES[0]);
  await startLongBackup(page);
  for (const theme of ["dark", "light"]) await photographRunning(browser, state, theme);
  console.log(`pictures are in ${folder}`);
} finally {
  await browser?.close();
  await engine.end();
}
