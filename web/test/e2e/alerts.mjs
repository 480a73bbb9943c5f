// What needs somebody: a drive that fails, a cartridge that is not here, alerts and where they are sent.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { callApi, goTo, heading } from "./browser.mjs";
import { binary } from "./engine.mjs";
import { numberOfJob, waitForEnd } from "./journey.mjs";

/** The hand at the practice library: it is only there while the engine is not. */
function byHand(engine, ...action) {
  const library = join(engine.folder, "data", "practice-library");
  const { status, stderr } = spawnSync(binary(), ["vtl", "--library", library, ...action]);
  if (status !== 0) throw new Error(`vtl ${action.join(" ")}: ${stderr}`);
}

/** Does something at the library, and waits until the console has the engine back. */
async function meanwhile({ engine, main: { page } }, act) {
  // An engine that ends lets the streams of pages that are open run out first.
  await page.goto("about:blank");
  await engine.stop();
  try {
    act();
  } finally {
    await engine.start();
  }
  await goTo(page, "/");
  await heading(page, "Home");
}

const WRITE = 0x0a;

/** Every write fails in the drive itself: the job waits for a person and says at what to look. */
export async function failedDrive(world) {
  const { engine, source } = world;
  const { page } = world.main;
  const plan = join(engine.folder, "plan.json");
  const sense = { key: "HardwareError", code: 0x44, qualifier: 0 };
  const fault = { trigger: { opcode: { opcode: WRITE, nth: 1 } }, effect: { sense: { sense } } };
  writeFileSync(plan, JSON.stringify({ faults: [{ ...fault, times: "always" }] }));
  await meanwhile(world, () => byHand(engine, "fault", plan));
  const spec = { set: "faulty", paths: [source], copies: 1 };
  const { id } = await callApi(page, "POST", "/api/backups", spec);
  await goTo(page, `/jobs/${id}`);
  await page.getByText(/It needs you:/).waitFor();
  await page.getByText(/then resume/).waitFor();
  await goTo(page, "/");
  const needs = page.getByRole("region", { name: "What needs me?" });
  await needs.getByRole("link", { name: "See what it needs" }).first().waitFor();
  await meanwhile(world, () => byHand(engine, "fault", "--clear"));
  await goTo(page, `/jobs/${id}`);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel the job" }).click();
  await page.locator(".page-head .lamp", { hasText: "Cancelled" }).waitFor();
}

/** Both copies are elsewhere: the job waits, one is brought, and the bytes agree. */
export async function bringCartridge(world) {
  const { engine, seen } = world;
  const { page } = world.main;
  await meanwhile(world, () => {
    for (const barcode of ["FSP001L9", "FSP002L9"]) byHand(engine, "eject", barcode);
  });
  const destination = join(engine.folder, "brought");
  await goTo(page, `/restore?run=${seen.run}&path=${encodeURIComponent(seen.path)}`);
  await page.getByLabel("Folder on the appliance").fill(destination);
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByText(/Somebody has to bring 1 cartridge/).waitFor();
  await page.getByRole("button", { name: "Start the restore" }).click();
  const job = await numberOfJob(page);
  await page.getByText(/It needs you:/).waitFor();
  await page.getByText(/put it into a mail slot/).waitFor();
  await meanwhile(world, () => byHand(engine, "insert", "FSP001L9"));
  await goTo(page, `/jobs/${job}`);
  // The library was looked at when it came back, and so the job has gone on by itself.
  await waitForEnd(page);
  assert.deepEqual(readFileSync(join(destination, seen.path)), readFileSync(seen.path));
  await meanwhile(world, () => byHand(engine, "insert", "FSP002L9"));
}

/** What the jobs above left; somebody takes note. */
export async function alertNoted({ main: { page } }) {
  await callApi(page, "POST", "/api/status/look");
  await goTo(page, "/alerts");
  const button = page.getByRole("button", { name: /^Take note/ }).first();
  await button.click();
  const dialog = page.getByRole("dialog", { name: "Take note of this alert" });
  await dialog.getByLabel("What others should know").fill("looked at on Saturday");
  await dialog.getByRole("button", { name: "I take care of it" }).click();
  await dialog.waitFor({ state: "detached" });
  await goTo(page, "/alerts?shown=all");
  await page.getByText("looked at on Saturday").first().waitFor();
}

/** A webhook on the loopback takes the trial; the log has it. */
export async function webhook({ main: { page } }) {
  const taken = [];
  const receiver = createServer((request, response) => {
    request.on("data", (part) => taken.push(String(part)));
    request.on("end", () => response.end());
  });
  await new Promise((done) => receiver.listen(0, "127.0.0.1", done));
  try {
    await goTo(page, "/settings/notifications");
    await page.getByRole("button", { name: "Add a channel" }).click();
    const dialog = page.getByRole("dialog", { name: "Add a channel" });
    await dialog.getByLabel("Name").fill("on-call");
    await dialog.getByLabel("Address").fill(`http://127.0.0.1:${receiver.address().port}/hook`);
    await dialog.getByLabel("Secret").fill("a secret for the test");
    await dialog.getByRole("button", { name: "Add it" }).click();
    await page.getByRole("button", { name: "Try on-call" }).click();
    await page.getByText("It was taken.").waitFor();
    assert.match(taken.join(""), /test/);
    await page.getByRole("button", { name: "Remove on-call" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).click();
    await page.getByText("Alerts are sent nowhere").waitFor();
  } finally {
    receiver.close();
  }
}
