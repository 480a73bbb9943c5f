// Passkeys with Chromium's virtual authenticator: made, used, refused where they are not good, removed. Passkeys are
// for names, so this window is at localhost and not at the address of the others.
import assert from "node:assert/strict";
import { goTo, heading, openWindow, PASSWORD, signIn } from "./browser.mjs";

const AUTHENTICATOR = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

export async function passkeys({ browser, engine }) {
  const url = engine.url.replace("127.0.0.1", "localhost");
  const { context, page, faults } = await openWindow(browser, url);
  const device = await context.newCDPSession(page);
  await device.send("WebAuthn.enable");
  await device.send("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR });
  await signIn(page, "admin", PASSWORD);
  await heading(page, "Home");
  await goTo(page, "/account");

  const panel = page.getByRole("region", { name: "Passkeys" });
  await panel.getByText("There is none").waitFor();
  await panel.getByRole("button", { name: "Make a passkey" }).click();
  const dialog = page.getByRole("dialog", { name: "Make a passkey" });
  await dialog.getByText("localhost", { exact: true }).waitFor();
  await dialog.getByLabel("Name").fill("blue key");
  await dialog.getByLabel("Your password").fill("not the password");
  await dialog.getByRole("button", { name: "Make it" }).click();
  await dialog.getByText(/is not right/).waitFor();
  await dialog.getByLabel("Your password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Make it" }).click();
  await dialog.waitFor({ state: "detached" });
  await panel.getByRole("row", { name: /blue key.*admin.*localhost/ }).waitFor();

  await page.getByRole("button", { name: "Sign out" }).first().click();
  await heading(page, "Sign in");
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await heading(page, "My account");
  await page.getByText("admin · Admin").waitFor();
  await panel.getByRole("button", { name: "Rename blue key" }).click();
  const rename = page.getByRole("dialog", { name: "Rename blue key" });
  await rename.getByLabel("Name").fill("red key");
  await rename.getByRole("button", { name: "Rename it" }).click();
  await panel.getByRole("button", { name: "Remove red key" }).click();
  const remove = page.getByRole("dialog", { name: "Remove red key" });
  await remove.getByRole("button", { name: "Remove it" }).click();
  await panel.getByText("There is none").waitFor();

  await page.getByRole("button", { name: "Sign out" }).first().click();
  await heading(page, "Sign in");
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page
    .getByText("The passkey is not taken")
    .or(page.getByText(/not known here/))
    .first()
    .waitFor();
  assert.deepEqual(faults, []);
  await context.close();
}
