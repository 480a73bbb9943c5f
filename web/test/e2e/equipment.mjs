// What is done with the equipment: a drive is cleaned.
import { goTo } from "./browser.mjs";
import { waitForEnd } from "./journey.mjs";

/** The cartridge comes from its slot, and the job says that it is back there. */
export async function cleanDrive({ main: { page } }) {
  await goTo(page, "/equipment");
  await page.getByRole("button", { name: "Clean it" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Clean drive 0" });
  await dialog.getByRole("button", { name: "Clean it" }).click();
  await dialog.waitFor({ state: "detached" });
  await goTo(page, "/jobs");
  await page
    .getByRole("link", { name: /^Clean/ })
    .first()
    .click();
  await waitForEnd(page);
}
