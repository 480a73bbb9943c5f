// Lists that are worked with: many cartridges at once, a view that is kept, and what an appliance says that
// cannot be updated from here.
import assert from "node:assert/strict";
import { goTo } from "./browser.mjs";

/** What would be done, and with which not, stands there before anything is. */
export async function manyAtOnce({ main: { page } }) {
  await goTo(page, "/cartridges");
  for (const barcode of ["FSP001L9", "FSP009L9"]) {
    await page.getByRole("checkbox", { name: `Choose ${barcode}` }).check();
  }
  await page.getByRole("button", { name: "Format", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Format what is blank" });
  await dialog.getByText("FSP009L9").waitFor();
  await dialog.getByText("there is a volume on it").waitFor();
  await dialog.getByRole("button", { name: "Format 1" }).click();
  await dialog.waitFor({ state: "detached" });
  await goTo(page, "/jobs?kind=format");
  await page
    .getByRole("link", { name: /FSP009L9/ })
    .first()
    .waitFor();
}

/** It is kept in the appliance: another load of the page has it. */
export async function keptView({ main: { page } }) {
  await goTo(page, "/cartridges?state=open");
  await page.getByRole("button", { name: "Keep this view" }).click();
  const dialog = page.getByRole("dialog", { name: "Keep this view" });
  await dialog.getByLabel("Name").fill("to write on");
  await dialog.getByRole("button", { name: "Keep it", exact: true }).click();
  await page.getByRole("link", { name: "to write on" }).waitFor();
  await goTo(page, "/cartridges");
  await page.getByRole("link", { name: "to write on" }).click();
  await page.waitForURL(/state=open/);
  assert.equal(await page.getByLabel("State").inputValue(), "open");
  await page.getByRole("button", { name: "Forget the view to write on" }).click();
  await page.getByRole("link", { name: "to write on" }).waitFor({ state: "detached" });
}

/** Where no image was started, the page says who keeps the network, and offers nothing. */
export async function networkElsewhere({ main: { page } }) {
  await goTo(page, "/settings/network");
  await page.getByText(/so nothing is changed here/).waitFor();
  await page.getByText(/nmtui/).waitFor();
  assert.equal(await page.getByRole("button", { name: "Change" }).count(), 0);
  await goTo(page, "/settings/time");
  await page.getByText(/so nothing is set here/).waitFor();
  await page.getByText("Time zone", { exact: true }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Change" }).count(), 0);
}

/** Memory and rates are kept; a folder that is not there is refused, and the page still shows what counts. */
export async function streamingSet({ main: { page } }) {
  await goTo(page, "/settings/streaming");
  await page.getByLabel("Memory, MiB").fill("128");
  await page.getByLabel("LTO-9, fastest").fill("300");
  await page.getByText("Stage on a disk what the memory cannot take").click();
  await page.getByLabel("Staging folder").fill("/no/such/folder");
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.getByText(/\/no\/such\/folder cannot be used/).waitFor();
  await page.getByLabel("Staging folder").fill("/tmp");
  await page.getByLabel("Reserved, GB").fill("1");
  await page.getByRole("button", { name: "Keep it" }).click();
  await page.getByText("It is kept, and counts from the next job.").waitFor();
  const staged = page.getByRole("region", { name: "Staged on disk" });
  await staged.getByText("/tmp", { exact: true }).waitFor();
  await goTo(page, "/settings/streaming");
  assert.equal(await page.getByLabel("Memory, MiB").inputValue(), "128");
  assert.equal(await page.getByLabel("LTO-9, fastest").inputValue(), "300");
  await page.getByText("Set here.").waitFor();
  await page.getByText("Stage on a disk what the memory cannot take").click();
  await page.getByRole("button", { name: "Keep it" }).click();
  await staged.waitFor({ state: "detached" });
}

/** The practice library runs on no image: the page says so, and how it is updated instead. */
export async function updatesWithoutSlots({ main: { page } }) {
  await goTo(page, "/settings/updates");
  await page.getByText(/was not started from a FossilSafe image/).waitFor();
  assert.equal(await page.getByRole("button", { name: /Install/ }).count(), 0);
}
