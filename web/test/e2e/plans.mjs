// What is set once and then looked after: schedules and windows, pools and recovery kits.
import assert from "node:assert/strict";
import { callApi, goTo, heading } from "./browser.mjs";
import { numberOfJob, waitForEnd } from "./journey.mjs";

/** From the root to the folder, one step after the other; what is ticked stands in the wizard. */
export async function chooseFolders({ main: { page }, source }) {
  await goTo(page, "/backup");
  await page.getByRole("button", { name: "Choose folders" }).click();
  const dialog = page.getByRole("dialog", { name: "Choose folders and files" });
  for (const part of source.split("/").filter(Boolean)) {
    await dialog.getByRole("button", { name: part, exact: true }).click();
    await dialog.locator(`[aria-current=location]:has-text("${part}")`).waitFor();
  }
  await dialog.getByRole("checkbox", { name: "Take letters" }).check();
  await dialog.getByRole("button", { name: "Take 1" }).click();
  assert.equal(await page.getByLabel("Paths").inputValue(), `${source}/letters`);
}

/** Made, in the calendar, paused, and run by hand. */
export async function schedule({ main: { page }, seen }) {
  await goTo(page, "/schedules");
  await page.getByText("Nothing starts by itself yet").waitFor();
  await page.getByRole("button", { name: "Make a schedule" }).click();
  const dialog = page.getByRole("dialog", { name: "Make a schedule" });
  await dialog.getByLabel("Name").fill("nightly");
  await dialog.getByLabel("Set", { exact: true }).selectOption(seen.set);
  await dialog.getByLabel("How often").selectOption("daily");
  await dialog.getByLabel("At", { exact: true }).fill("03:15");
  await dialog.getByText(/03:15 · .*03:15/).waitFor();
  await dialog.getByRole("button", { name: "Make it" }).click();
  const plan = page.getByRole("region", { name: "The next two weeks" });
  await plan.getByRole("link", { name: "nightly" }).nth(12).waitFor();
  await plan.getByText("03:15").first().waitFor();
  await page
    .getByRole("row", { name: /nightly/ })
    .getByRole("link")
    .click();
  await heading(page, "Schedule nightly");
  await page.getByRole("button", { name: "Pause it" }).click();
  await page.getByText("nothing while it is paused").waitFor();
  await page.getByRole("button", { name: "Switch it on" }).click();
  await page.getByRole("button", { name: "Run now" }).click();
  await page.getByRole("link", { name: /^Job \d+$/ }).waitFor();
}

export async function maintenanceWindow({ main: { page } }) {
  await goTo(page, "/schedules");
  await page.getByRole("button", { name: "Add a window" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a maintenance window" });
  await dialog.getByLabel("Name").fill("office");
  await dialog.getByRole("button", { name: "Add it" }).click();
  await page.getByRole("button", { name: "Remove window office" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).click();
  await page.getByRole("button", { name: "Remove window office" }).waitFor({ state: "detached" });
}

/** A sealed pool is blocked until groups of a printed kit were typed back; then the kit is proven. */
export async function sealedPool({ main: { page }, seen }) {
  await goTo(page, "/pools");
  await page.getByRole("button", { name: "Make a pool" }).click();
  await page.getByRole("dialog").getByLabel("Name", { exact: true }).fill("private");
  await page.getByRole("dialog").getByRole("button", { name: "Make the pool" }).click();
  const row = page.getByRole("row", { name: /^private/ });
  await row.waitFor();
  assert.equal(await row.getByText("Sealed", { exact: true }).count(), 0);
  await page.getByRole("link", { name: "Make a recovery kit" }).click();
  await heading(page, "Recovery kit");
  await page.getByRole("button", { name: "Make a kit and show it" }).click();
  await page.getByRole("img", { name: "The same groups, to be scanned" }).waitFor();
  const paper = page.getByRole("list", { name: "Groups" }).getByRole("listitem");
  const groups = await paper.allTextContents();
  await page.getByRole("button", { name: "Type back from the paper" }).click();
  const dialog = page.getByRole("dialog", { name: "Type back from the paper" });
  for (const field of await dialog.getByRole("textbox").all()) {
    const label = await field.evaluate((it) => it.labels[0].textContent);
    await field.fill(groups[Number(label.match(/\d+/)[0]) - 1]);
  }
  await dialog.getByRole("button", { name: "Confirm the kit" }).click();
  await page.getByText("The paper is right.").waitFor();
  await goTo(page, "/pools");
  await row.getByText("Sealed", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Prove a kit" }).click();
  seen.kit = groups.join("-");
  await page.getByLabel("The kit").fill(seen.kit);
  await page.getByRole("dialog").getByRole("button", { name: "Prove it" }).click();
  await page.getByText(/The kit opens 1 data key/).waitFor();
  await page.getByRole("button", { name: "Good" }).click();
  await page.getByText("Proven", { exact: true }).waitFor();
  await retention(page, row);
}

/** What the typed kit opens on a tape by itself stands beside the kit, with the cartridge. */
export async function kitOnTape({ main: { page }, seen, source }) {
  const barcode = "FSP007L9";
  const format = await callApi(page, "POST", `/api/cartridges/${barcode}/format`, {});
  await ended(page, format.id);
  const spec = { set: "sealed", paths: [`${source}/letters`], pool: "private", copies: 1 };
  const backup = await callApi(page, "POST", "/api/backups", { ...spec, cartridges: [barcode] });
  await ended(page, backup.id);
  await goTo(page, "/pools");
  await page.getByRole("button", { name: "Prove it on a tape" }).click();
  const dialog = page.getByRole("dialog", { name: "Prove a kit on a tape" });
  const act = dialog.getByRole("button", { name: "Prove it" });
  assert.equal(await act.getAttribute("aria-disabled"), "true");
  await dialog.getByLabel("The kit").fill(`1${seen.kit}`);
  await act.click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByLabel("The kit").fill(seen.kit);
  await dialog.getByLabel("Cartridge").fill(barcode);
  await act.click();
  await page.getByRole("link", { name: /^Job \d+$/ }).click();
  await ended(page, await numberOfJob(page));
  await goTo(page, "/pools");
  await page.getByRole("cell", { name: barcode }).waitFor();
}

async function ended(page, job) {
  await goTo(page, `/jobs/${job}`);
  await waitForEnd(page);
}

/** How long runs of a pool are kept, and what nobody needs any more. */
async function retention(page, row) {
  await row.getByText("for ever", { exact: true }).waitFor();
  const open = page.getByRole("button", { name: "How long runs of private are kept" });
  await open.click();
  const dialog = page.getByRole("dialog");
  const act = dialog.getByRole("button", { name: "Keep them so" });
  await dialog.getByLabel("For ever").uncheck();
  await dialog.getByLabel("Days").fill("0");
  assert.equal(await act.getAttribute("aria-disabled"), "true");
  await dialog.getByLabel("Days").fill("90");
  await act.click();
  await row.getByText("90 days, and the newest 2 for ever").waitFor();
  await page.getByText("Everything is still needed").waitFor();
  await open.click();
  await dialog.getByLabel("For ever").check();
  await act.click();
  await row.getByText("for ever", { exact: true }).waitFor();
  await page.getByText("Everything is still needed").waitFor({ state: "detached" });
}
