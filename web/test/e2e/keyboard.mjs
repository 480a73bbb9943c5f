// From the one-time code to a restored file with the keyboard alone, on an appliance of its own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { heading, openWindow, PASSWORD, settled, tabTo } from "./browser.mjs";
import { Engine } from "./engine.mjs";
import { makeSource, numberOfJob, waitForEnd } from "./journey.mjs";

async function press(page, name) {
  await tabTo(page, name);
  await page.keyboard.press("Enter");
}

async function write(page, name, text) {
  await tabTo(page, name);
  await page.keyboard.type(text);
}

async function setUp(page, engine) {
  await page.goto("/");
  await heading(page, "First run");
  // The first field has the focus.
  await page.keyboard.type(engine.code());
  await write(page, /^User/, "admin");
  await write(page, /^New password$/, PASSWORD);
  await write(page, /^New password again/, PASSWORD);
  await page.keyboard.press("Enter");
  await heading(page, "Home");
  await settled(page);
}

async function backUp(page, source) {
  await press(page, /^Make the first backup/);
  await heading(page, "Back up");
  await settled(page);
  await write(page, /^Paths/, source);
  await press(page, /^Next/);
  await write(page, /^Set$/, "letters");
  await press(page, /^Next/);
  await settled(page);
  await press(page, /^Format FSP001L9/);
  await page.getByRole("dialog").waitFor();
  await press(page, /^Format if it is blank/);
  await page.getByText("It can begin at once.").waitFor();
  await press(page, /^Start the backup/);
  await numberOfJob(page);
  await waitForEnd(page);
}

async function restore(page, destination) {
  await press(page, /^Restore$/);
  await heading(page, "Restore");
  await settled(page);
  await write(page, /^Words or parts of its path/, "file-7");
  await page.getByRole("button", { name: /^Restore .*file-7\.txt$/ }).waitFor();
  await press(page, /^Restore .*file-7\.txt$/);
  await write(page, /^Folder on the appliance/, destination);
  await press(page, /^Show the plan/);
  await page.getByRole("heading", { name: "The plan" }).waitFor();
  await settled(page);
  await press(page, /^Start the restore/);
  await numberOfJob(page);
  await waitForEnd(page);
  await press(page, /^Proof to print/);
  await heading(page, "Proof of a restore");
}

export async function keyboardOnly({ browser }) {
  const engine = new Engine();
  const source = makeSource(engine.folder);
  const destination = join(engine.folder, "restored");
  try {
    await engine.start();
    const { context, page } = await openWindow(browser, engine.url);
    await setUp(page, engine);
    await backUp(page, source);
    await restore(page, destination);
    const file = join(source, "letters/file-7.txt");
    assert.deepEqual(readFileSync(join(destination, file)), readFileSync(file));
    await context.close();
  } finally {
    await engine.end();
  }
}
