// One cartridge, as its page tells it: what is on it, what people noted of it and what that keeps from happening,
// what would be lost with it. And the dry run, which says the same before a backup.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { goTo, heading } from "./browser.mjs";

const fact = (page, name) =>
  page
    .locator("dl.facts dt", { hasText: new RegExp(`^${name}$`) })
    .locator("xpath=following-sibling::dd[1]");

/** From the root down to a file: its evidence and its other copy, and the file's own page behind its name. */
export async function contents({ main: { page }, seen, source }) {
  await goTo(page, `/cartridges/${seen.cartridge}`);
  await page.getByRole("link", { name: "What is on it" }).click();
  await heading(page, `On ${seen.cartridge}`);
  const list = page.getByRole("region", { name: "What is in the folder" });
  for (const folder of [...source.split("/").filter(Boolean), "letters"]) {
    await list.getByRole("link", { name: folder, exact: true }).click();
  }
  const row = list.getByRole("listitem").filter({ hasText: "file-1.txt" });
  await row.getByRole("link", { name: "FSP002L9" }).waitFor();
  await row.getByText(/Read back/).waitFor();
  await row.getByRole("link", { name: "file-1.txt" }).click();
  await heading(page, /file-1\.txt/);
}

/** A lock is obeyed: the dry run of the next backup passes the cartridge over and says why. */
export async function notesAndDryRun({ main: { page }, seen }) {
  const { cartridge } = seen;
  await goTo(page, `/cartridges/${cartridge}`);
  await page.getByRole("button", { name: "Give it a name" }).click();
  const naming = page.getByRole("dialog", { name: `Another name for ${cartridge}` });
  await naming.getByLabel("Name").fill("Letters of the year");
  await naming.getByRole("button", { name: "Keep the name" }).click();
  await fact(page, "Name").getByText("Letters of the year").waitFor();

  await page.getByRole("button", { name: "Lock it" }).click();
  const locking = page.getByRole("dialog", { name: `Lock ${cartridge}` });
  await locking.getByLabel("Why").fill("goes to the bank");
  await locking.getByRole("button", { name: "Lock it" }).click();
  await fact(page, "Lock").getByText("Locked by admin").waitFor();
  const estimate = await dryRun(page, seen.set);
  await estimate.getByText(new RegExp(`${cartridge}.*lock`, "i")).waitFor();

  await goTo(page, `/cartridges/${cartridge}`);
  await page.getByRole("button", { name: "Unlock it" }).click();
  const unlocking = page.getByRole("dialog", { name: `Unlock ${cartridge}` });
  await unlocking.getByRole("button", { name: "Unlock it" }).click();
  await fact(page, "Lock").getByText("may be written").waitFor();
  const open = await dryRun(page, seen.set);
  await open.getByText("To be written").waitFor();
  assert.equal(await open.getByText(/lock/i).count(), 0);
}

/** The dry run of every file of a set, in the wizard; nothing is started. */
async function dryRun(page, set) {
  await goTo(page, `/backup?set=${set}`);
  await page.getByRole("button", { name: "Back", exact: true }).click();
  await page.getByRole("radio", { name: /Every file/ }).check();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("button", { name: "Dry run" }).click();
  const panel = page.getByRole("region", { name: "Count it first" });
  await panel.getByText("Time at best").waitFor();
  return panel;
}

/** Until the day that is named nothing erases it, and ending that early takes its barcode. */
export async function retention({ main: { page } }) {
  const barcode = "FSP002L9";
  await goTo(page, `/cartridges/${barcode}`);
  await page.getByRole("button", { name: "Keep what is on it" }).click();
  const keeping = page.getByRole("dialog", { name: `Keep what is on ${barcode}` });
  await keeping.getByLabel("Until the end of").fill("2099-12-31");
  await keeping.getByRole("button", { name: "Keep it until then" }).click();
  await fact(page, "Kept until").getByText("2099-12-31 23:59:59").waitFor();
  const format = page.getByRole("button", { name: "Format", exact: true });
  assert.equal(await format.getAttribute("aria-disabled"), "true");

  await page.getByRole("button", { name: "End the retention" }).click();
  const ending = page.getByRole("dialog", { name: `End the retention of ${barcode}` });
  const end = ending.getByRole("button", { name: "End it", exact: true });
  assert.equal(await end.getAttribute("aria-disabled"), "true");
  await ending.getByLabel(`Type ${barcode}`).fill(barcode);
  await end.click();
  await fact(page, "Kept until").getByText("no day is named").waitFor();
}

/** What only it holds; and the signed list of a run, whose sum is the one that the page states. */
export async function lossAndManifest({ main: { page }, seen }) {
  await goTo(page, `/cartridges/${seen.cartridge}`);
  const loss = page.getByRole("region", { name: "If this one is lost" });
  await loss.getByText(/nothing/i).waitFor();
  const runs = page.getByRole("region", { name: "Runs on it, with their signed lists" });
  const row = runs.getByRole("row").filter({ hasText: seen.run });
  const began = page.waitForEvent("download");
  await row.getByRole("link", { name: `Manifest of ${seen.run}` }).click();
  const bytes = readFileSync(await (await began).path());
  await row.getByText(createHash("sha256").update(bytes).digest("hex")).waitFor();
  const story = page.getByRole("region", { name: "Its life" });
  await story
    .getByText(/format/i)
    .first()
    .waitFor();
}

/** Lines of a job, found by its number; what is read does not move away. */
export async function logs({ main: { page }, seen }) {
  await goTo(page, `/settings/logs?job=${seen.backupJob}`);
  const lines = page.locator("ol.log > li");
  await lines.first().waitFor();
  assert.equal(
    await lines.count(),
    await lines.filter({ hasText: `job ${seen.backupJob}` }).count(),
  );
  await page.getByLabel("Words").fill("no line has these words");
  await page.getByText("No line is like that").waitFor();
  await page.getByLabel("Words").fill("");
  await lines.first().waitFor();

  await page.getByRole("button", { name: "Change" }).click();
  const dialog = page.getByRole("dialog", { name: "How long lines are kept" });
  await dialog.getByLabel("Days").fill("45");
  await dialog.getByRole("button", { name: "Keep them so long" }).click();
  await page.getByText(/45 days, and/).waitFor();
  await page.getByRole("button", { name: "Take old lines away now" }).click();
  const cleaning = page.getByRole("dialog", { name: "Take old lines away now" });
  await cleaning.getByRole("button", { name: "Take them away" }).click();
  await cleaning.waitFor({ state: "detached" });
}
