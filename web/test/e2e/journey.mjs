// What a person does first: a backup with the wizard, a restore with its proof. Used by the tests and
// by the screenshots and Lighthouse.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { callApi, goTo, heading, settled } from "./browser.mjs";

const FILES = 40;

/** A folder with something to keep. */
export function makeSource(folder) {
  const source = join(folder, "source");
  mkdirSync(join(source, "letters"), { recursive: true });
  for (let number = 0; number < FILES; number += 1) {
    const text = `Letter ${number}\n`.repeat(1 + number * 50);
    writeFileSync(join(source, "letters", `file-${number}.txt`), text);
  }
  return source;
}

export async function numberOfJob(page) {
  await page.waitForURL(/\/jobs\/\d+$/);
  return Number(page.url().match(/\/jobs\/(\d+)$/)[1]);
}

export async function waitForEnd(page) {
  await page.locator(".page-head .lamp", { hasText: "Completed" }).waitFor();
}

/** Formats a cartridge that is asked for in the wizard. */
async function formatInWizard(page, barcode) {
  const button = page.getByRole("button", { name: `Format ${barcode}` });
  await button.click();
  const dialog = page.getByRole("dialog", { name: `Format ${barcode}` });
  await dialog.getByRole("button", { name: "Format if it is blank" }).click();
  await dialog.waitFor({ state: "detached" });
  await button.waitFor({ state: "detached" });
}

/** Through the whole wizard, formatting the cartridges that two copies need. */
export async function backUp(page, { source, set }) {
  await goTo(page, "/backup");
  await page.getByLabel("Paths").fill(source);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByLabel("Set", { exact: true }).fill(set);
  await page.getByRole("radio", { name: /Two copies/ }).check();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByText(/2 copies need 2 formatted cartridges/).waitFor();
  for (const barcode of ["FSP001L9", "FSP002L9"]) await formatInWizard(page, barcode);
  await page.getByText("It can begin at once.").waitFor();
  await page.getByRole("button", { name: "Start the backup" }).click();
  const job = await numberOfJob(page);
  await waitForEnd(page);
  return job;
}

/** The run that a backup made, from its job's page. */
export async function runOf(page, job) {
  await goTo(page, `/jobs/${job}`);
  const link = page.getByRole("link", { name: /^\d{8}T\d{6}Z/ }).first();
  return (await link.textContent()).trim();
}

/** Search, choose, plan, start, and wait for the end. */
export async function restoreFile(page, { text, destination }) {
  await goTo(page, "/restore");
  await page.getByLabel("Words or parts of its path").fill(text);
  await page.getByRole("button", { name: /^Restore .*file-7\.txt$/ }).click();
  await page.getByLabel("Folder on the appliance").fill(destination);
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByRole("heading", { name: "The plan" }).waitFor();
  await settled(page);
  await page.getByRole("button", { name: "Start the restore" }).click();
  const job = await numberOfJob(page);
  await waitForEnd(page);
  await page.getByRole("link", { name: "Proof to print" }).click();
  await heading(page, "Proof of a restore");
  return job;
}

/** Something to show on every page: a backup, a schedule, a restore. Gives what `pages` asks for. */
export async function everything(page, engine) {
  const source = makeSource(engine.folder);
  const seen = { set: "letters", cartridge: "FSP001L9", path: join(source, "letters/file-7.txt") };
  seen.backupJob = await backUp(page, { source, set: seen.set });
  seen.run = await runOf(page, seen.backupJob);
  const task = { kind: "backup", set: seen.set, paths: [source] };
  await callApi(page, "POST", "/api/schedules", { name: "nightly", cron: "30 2 * * *", task });
  const destination = join(engine.folder, "restored");
  seen.restoreJob = await restoreFile(page, { text: "file-7", destination });
  return seen;
}
