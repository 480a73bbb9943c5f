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

/** The practice library runs on no image: the page says so, and how it is updated instead. */
export async function updatesWithoutSlots({ main: { page } }) {
  await goTo(page, "/settings/updates");
  await page.getByText(/was not started from a FossilSafe image/).waitFor();
  assert.equal(await page.getByRole("button", { name: /Install/ }).count(), 0);
}
