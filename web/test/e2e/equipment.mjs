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

/** Every part is asked, and what each has shown stands on the page and in the history. */
export async function selfTest({ main: { page } }) {
  await goTo(page, "/self-test");
  await page.getByRole("button", { name: "Test every part" }).click();
  const last = page.getByRole("region", { name: "The last one" });
  await last.getByRole("cell", { name: "Audit log", exact: true }).waitFor();
  await last.getByText(/cartridges are where the catalog says/).waitFor();
  const history = page.getByRole("table", { name: "Self-tests" });
  await history
    .getByRole("cell", { name: /Completed|Incomplete/ })
    .first()
    .waitFor();
}

/** The robot takes a cartridge to each drive; the figures come by themselves. */
export async function calibrate({ main: { page } }) {
  await goTo(page, "/equipment");
  await page.getByLabel("Cartridge to measure with").fill("FSP009L9");
  await page.getByRole("button", { name: "Measure the library" }).click();
  await page.getByText(/Plans use it/).waitFor();
  const times = page.getByRole("table", { name: "How long each drive and the robot took" });
  await times.getByRole("columnheader", { name: "Get ready" }).waitFor();
}
