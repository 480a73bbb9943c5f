// The console in a real browser on the real program with its practice library. Prints one line a
// test, as scripts/count-results counts them, and ends with 1 if any failed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertNoted, bringCartridge, failedDrive, webhook } from "./alerts.mjs";
import { enter, goTo, heading, openBrowser, openWindow, tabTo } from "./browser.mjs";
import { contents, logs, lossAndManifest, notesAndDryRun, retention } from "./cartridges.mjs";
import { certificate } from "./certificate.mjs";
import { Engine } from "./engine.mjs";
import { calibrate, cleanDrive, selfTest } from "./equipment.mjs";
import { backUp, makeSource, numberOfJob, restoreFile, runOf, waitForEnd } from "./journey.mjs";
import { keyServer } from "./key-server.mjs";
import { keyboardOnly } from "./keyboard.mjs";
import {
  keptView,
  manyAtOnce,
  networkElsewhere,
  streamingSet,
  updatesWithoutSlots,
} from "./lists.mjs";
import { signInByProvider } from "./oidc.mjs";
import { pages, THEMES } from "./pages.mjs";
import { passkeys } from "./passkeys.mjs";
import {
  apiKey,
  auditLog,
  newUser,
  requiredFactor,
  secondFactor,
  signOut,
  twoAdmins,
  viewerSees,
} from "./people.mjs";
import { chooseFolders, kitOnTape, maintenanceWindow, schedule, sealedPool } from "./plans.mjs";
import { scanLabels } from "./scan.mjs";

const SCRIPT_BYTES_MAX = 250 * 1024;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const engine = new Engine();
const source = makeSource(engine.folder);
const seen = { set: "letters", cartridge: "FSP001L9", path: join(source, "letters/file-7.txt") };
let failed = 0;
let browser;
let main;
/** What the tests of other files work on. */
const world = { engine, seen, source };

/** ONLY=words runs the tests whose names have them, after the one that all others need. */
const only = new RegExp(process.env.ONLY ?? "");

async function test(name, body) {
  if (body !== firstRun && !only.test(name)) return;
  const began = Date.now();
  try {
    await body(main.page);
    console.log(`ok - console: ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed = 1;
    console.log(`not ok - console: ${name}`);
    console.log(String(error.stack ?? error).replace(/^/gm, "    "));
    const picture = join(tmpdir(), `console-${name.replace(/\W+/g, "-")}.png`);
    await main.page.screenshot({ path: picture, fullPage: true }).catch(() => undefined);
    console.log(`    picture: ${picture}`);
  }
}

/** Does something in a window of its own, signed in as the main one is. */
async function inWindow(options, body) {
  const state = await main.context.storageState();
  const each = await openWindow(browser, engine.url, { ...options, state });
  try {
    return await body(each.page);
  } finally {
    await each.context.close();
  }
}

async function firstRun(page) {
  await enter(page, engine);
  await page.getByText("Nothing is protected yet").waitFor();
  await page.getByText("Practice", { exact: true }).waitFor();
}

async function backup(page) {
  seen.backupJob = await backUp(page, { source, set: seen.set });
  await page
    .getByText(/all of them indexed in each of 2 copies/)
    .first()
    .waitFor();
  seen.run = await runOf(page, seen.backupJob);
  const evidence = page.getByRole("region", { name: "What is proven" });
  await evidence.getByText("Complete", { exact: true }).waitFor();
  await goTo(page, "/");
  await page.getByText("On tape and indexed").waitFor();
}

async function verify(page) {
  await goTo(page, `/sets/${seen.set}`);
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByRole("link", { name: /^Job \d+$/ }).click();
  await numberOfJob(page);
  await waitForEnd(page);
  await goTo(page, "/");
  await page.getByText("Yes: read back").waitFor();
}

/** The map must show the cartridge at its new place without being loaded again. */
async function moveByKeyboard(page) {
  await goTo(page, "/library");
  await tabTo(page, /^FSP005L9 .*, slot 4/);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Move FSP005L9" });
  await dialog.waitFor();
  await tabTo(page, /^drive 0/);
  await page.keyboard.type("mail slot 1");
  await dialog.getByText(/puts FSP005L9 into mail slot 1/).waitFor();
  await tabTo(page, /^Move it/);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^FSP005L9 .*, mail slot 1/ }).waitFor();
}

/** As a hand does it: not from one place to the other in no time. */
async function drag(page, from, to) {
  await to.scrollIntoViewIfNeeded();
  const [start, end] = [await from.boundingBox(), await to.boundingBox()];
  const middle = (box) => [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(...middle(start));
  await page.mouse.down();
  await page.mouse.move(...middle(end), { steps: 25 });
  await page.locator(".bay.is-target").first().waitFor();
  await page.mouse.move(middle(end)[0] + 4, middle(end)[1], { steps: 4 });
  await page.mouse.up();
}

async function moveByDrag(page) {
  await goTo(page, "/library");
  const empty = page.getByRole("listitem").filter({ hasText: /^slot 22/ });
  await drag(page, page.getByRole("button", { name: /^FSP005L9 .*, mail slot 1/ }), empty);
  const dialog = page.getByRole("dialog", { name: "Move FSP005L9" });
  await dialog.getByText(/from mail slot 1 to slot 22/).waitFor();
  await dialog.getByRole("button", { name: "Move it" }).click();
  await page.getByRole("button", { name: /^FSP005L9 .*, slot 22/ }).waitFor();
}

/** A volume with files on it is not formatted without its barcode. */
async function formatAsks(page) {
  await goTo(page, `/cartridges/${seen.cartridge}`);
  await page.getByRole("button", { name: "Format" }).click();
  const dialog = page.getByRole("dialog", { name: `Format ${seen.cartridge}` });
  await dialog.getByText(/would be lost/).waitFor();
  const erase = dialog.getByRole("button", { name: "Erase and format" });
  assert.equal(await erase.getAttribute("aria-disabled"), "true");
  await dialog.getByLabel(`Type ${seen.cartridge}`).fill("FSP002L9");
  assert.equal(await erase.getAttribute("aria-disabled"), "true");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}

async function restore(page) {
  const destination = join(engine.folder, "restored");
  seen.restoreJob = await restoreFile(page, { text: "file-7", destination });
  const back = readFileSync(join(destination, seen.path));
  assert.deepEqual(back, readFileSync(seen.path));
}

async function lostConnection(page) {
  await goTo(page, "/");
  await engine.stop();
  const band = page.getByRole("region", { name: "Connection" });
  try {
    await band.getByText(/does not answer/).waitFor();
    await page.getByText("Yes: read back").waitFor();
  } finally {
    await engine.start();
  }
  await band.waitFor({ state: "detached" });
  assert.equal(await page.locator(".toast").count(), 0);
}

/** An answer that no page can draw: the frame stays, Retry draws the page where it was. */
async function errorBoundary(page) {
  const answer = { json: { items: [{ name: "broken" }] } };
  await page.route("**/api/sets?*", (route) => route.fulfill(answer));
  await goTo(page, "/sets");
  await heading(page, "This page could not be shown");
  await page.getByRole("navigation", { name: "Pages", exact: true }).waitFor();
  await page.unroute("**/api/sets?*");
  await page.getByRole("button", { name: "Retry" }).click();
  await heading(page, "Sets");
  await page.getByRole("link", { name: seen.set }).first().waitFor();
}

async function skipLink(page) {
  await goTo(page, "/jobs");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the page");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
}

async function axeOnAll(theme) {
  const found = [];
  await inWindow({ theme }, async (page) => {
    for (const [name, path] of pages(seen)) {
      await goTo(page, path);
      for (const each of await violationsOn(page)) found.push(`${name}: ${each}`);
    }
  });
  if (found.length > 0) throw new Error(found.join("\n"));
}

async function violationsOn(page) {
  // Through the debugger: the console's own policy forbids foreign scripts, as it should.
  await page.evaluate(axe);
  const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
  return violations.map(({ id, help, nodes }) => {
    const where = nodes
      .slice(0, 3)
      .map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`);
    return `${id}: ${help}\n  ${where.join("\n  ")}`;
  });
}

/** A page in a state that no address leads to. */
async function hasNoViolation(page) {
  assert.deepEqual(await violationsOn(page), []);
}

/** 320 px is a small phone held upright, and 1280 px at 400 % zoom. */
async function narrow() {
  const wide = [];
  await inWindow({ width: 320, height: 640 }, async (page) => {
    for (const [name, path] of pages(seen)) {
      await goTo(page, path);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) wide.push(`${name}: ${over} px too wide`);
    }
  });
  assert.deepEqual(wide, []);
}

async function firstLoad() {
  let bytes = 0;
  await inWindow({}, async (page) => {
    page.on("requestfinished", async (request) => {
      if (request.resourceType() === "script") bytes += (await request.sizes()).responseBodySize;
    });
    await goTo(page, "/");
  });
  assert.ok(bytes > 0 && bytes < SCRIPT_BYTES_MAX, `${bytes} bytes of scripts`);
  console.log(`    ${Math.round(bytes / 1024)} KiB of compressed JavaScript at the first load`);
}

async function all() {
  await test("first run leads to a home that says what is not there", firstRun);
  await test("a backup with the wizard, in two copies, formatting what it needs", backup);
  await test("folders to back up are chosen by looking into them", () => chooseFolders(world));
  await test("verifying a set is what makes home say read back", verify);
  await test("a cartridge moves by keyboard only", moveByKeyboard);
  await test("a cartridge moves by drag, after the dialog was read", moveByDrag);
  await test("formatting what holds files asks for the barcode", formatAsks);
  await test("a restore by search, plan and start gives the same bytes, with a proof", restore);
  await test("what is on a cartridge, from its root to a file", () => contents(world));
  await test("a locked cartridge is passed over, as the dry run says", () => notesAndDryRun(world));
  await test("what a lost cartridge would cost, and the signed list of a run", () =>
    lossAndManifest(world));
  await test("the log is searched, and its old lines taken away", () => logs(world));
  await test("a label before the camera of a phone says what it is", () => scanLabels(world));
  await test("a lost connection is shown, and its return too", lostConnection);
  await test("a self-test asks every part, and its result is kept", () => selfTest(world));
  await test("the library is measured with a cartridge", () => calibrate(world));
  await test("a drive is cleaned with a cartridge of the library", () => cleanDrive(world));
  await test("a drive that fails is for a person, and home says so", () => failedDrive(world));
  await test("a restore waits for a cartridge and goes on", () => bringCartridge(world));
  await test("somebody takes note of an alert", () => alertNoted(world));
  await test("a webhook is added, tried and removed", () => webhook(world));
  await test("a new user chooses a password before anything else", () => newUser(world));
  await test("a viewer sees what it may not do, with the reason", () => viewerSees(world));
  await test("who signs out is out", () => signOut(world));
  await test("a second factor, and a recovery code once", () => secondFactor(world));
  await test("where a second factor is required, who has none sets one up first", () =>
    requiredFactor(world));
  await test("a passkey is made, signs in, and is worth nothing once removed", () =>
    passkeys(world));
  await test("an API key is shown once and ends when taken away", () => apiKey(world));
  await test("two admins turn the two-person rule off", () => twoAdmins(world));
  await test("the audit log is searched, checked and exported", () => auditLog(world));
  await test("a schedule is made, shown in the calendar, paused and run", () => schedule(world));
  await test("a maintenance window is set and removed", () => maintenanceWindow(world));
  await test("a sealed pool counts once its kit was typed back", () => sealedPool(world));
  await test("a kit opens a file of a tape by itself", () => kitOnTape(world));
  await test("a key server keeps the data key of a pool", () => keyServer(world));
  await test("many cartridges at once, and those that are left out", () => manyAtOnce(world));
  await test("a view of a list is kept and forgotten", () => keptView(world));
  await test("network: elsewhere than on the appliance it is said who keeps it", () =>
    networkElsewhere(world));
  await test("streaming: memory, rates and a staging folder are kept", () => streamingSet(world));
  await test("a certificate is made, asked for and refused over HTTPS", () =>
    certificate(world, hasNoViolation));
  await test("updates: without slots it is said what to do instead", () =>
    updatesWithoutSlots(world));
  await test("people of an identity provider sign in with the role of their group", () =>
    signInByProvider(main.page, world));
  await test("the first Tab skips to the page", skipLink);
  await test("first run, backup and restore with the keyboard alone", () => keyboardOnly(world));
  // It leaves an alert, and home then says so.
  await test("what is kept until a day is not formatted before it", () => retention(world));
  await test("no page made an error of its own", () => assert.deepEqual(main.faults, []));
  await test("a page that cannot be drawn is caught in its frame", errorBoundary);
  for (const theme of THEMES)
    await test(`axe finds nothing on any page, ${theme}`, () => axeOnAll(theme));
  await test("no page is wider than 320 px", narrow);
  await test("the first load is small", firstLoad);
}

try {
  await engine.start();
  browser = await openBrowser();
  main = await openWindow(browser, engine.url);
  Object.assign(world, { browser, main });
  await all();
} catch (error) {
  failed = 1;
  console.log(`not ok - console: ${error.stack}`);
} finally {
  await browser?.close();
  await engine.end();
}
process.exit(failed);
