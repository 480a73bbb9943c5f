// Who may do what: a new user, what a viewer sees, second factors, keys, two admins, the audit log.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { goTo, heading, openWindow, PASSWORD, signIn } from "./browser.mjs";

/** Signs in for the first time, with what the admin was told, and chooses a password. */
async function enterFirst({ browser, engine }, user, first) {
  const { context, page } = await openWindow(browser, engine.url);
  await signIn(page, user, first);
  await heading(page, "Choose your password");
  await page.getByLabel("Present password").fill(first);
  await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set the password and go on" }).click();
  await heading(page, "Home");
  return { context, page };
}

/** Adds somebody on the page; the answer is the first password, which is shown this once. */
async function addUser(page, name, role) {
  await goTo(page, "/settings/users");
  await page.getByRole("button", { name: "Add a user" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a user" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("radio", { name: role }).check();
  await dialog.getByRole("button", { name: "Add the user" }).click();
  const shown = page.getByRole("dialog", { name: `${name} may sign in` });
  const first = await shown.getByRole("list", { name: "First password" }).textContent();
  await shown.getByRole("button", { name: "I have noted it" }).click();
  await page.getByRole("row", { name: new RegExp(`^${name}`) }).waitFor();
  return first;
}

export async function newUser(world) {
  const first = await addUser(world.main.page, "vera", "Viewer");
  const { context, page } = await enterFirst(world, "vera", first);
  await page.getByText("vera · Viewer").waitFor();
  world.seen.viewer = await context.storageState();
  await context.close();
}

/** Everything that starts work is there, cannot be pressed, and says which role it needs. */
export async function viewerSees({ browser, engine, seen }) {
  const { context, page } = await openWindow(browser, engine.url, { state: seen.viewer });
  const isOff = async (path, name, reason) => {
    await goTo(page, path);
    const button = page.getByRole("button", { name, exact: true });
    await button.focus();
    await page.keyboard.press("Enter");
    assert.equal(await button.getAttribute("aria-disabled"), "true", `${name} on ${path}`);
    const why = await button.getAttribute("aria-describedby");
    assert.match(await page.locator(`[id="${why}"]`).textContent(), reason);
  };
  await isOff("/library", "Take inventory", /role Operator; yours is Viewer/);
  await isOff(`/cartridges/${seen.cartridge}`, "Format", /role Admin; yours is Viewer/);
  await isOff(`/cartridges/${seen.cartridge}`, "Move", /role Operator/);
  await isOff(`/sets/${seen.set}`, "Verify", /role Operator/);
  await isOff(`/backup?set=${seen.set}`, "Start the backup", /role Operator/);
  await isOff("/recovery", "Read all of the library", /role Admin/);
  await isOff("/settings/users", "Add a user", /role Admin/);
  await page.getByText("Not with your role").waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  await context.close();
}

export async function signOut({ browser, engine }) {
  const { context, page } = await openWindow(browser, engine.url);
  await signIn(page, "vera", PASSWORD);
  await heading(page, "Home");
  await page.getByRole("button", { name: "Sign out" }).click();
  await heading(page, "Sign in");
  await page.reload();
  await heading(page, "Sign in");
  await context.close();
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_SECONDS = 30;

/** What an authenticator shows, `steps` later than now (RFC 6238). */
function codeOf(secret, steps) {
  const letters = [...secret.replace(/\W/g, "")];
  const bits = letters.map((it) => BASE32.indexOf(it).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / STEP_SECONDS) + steps));
  const hash = createHmac("sha1", key).update(counter).digest();
  const value = hash.readUInt32BE(hash[19] & 0xf) & 0x7fffffff;
  return String(value % 1e6).padStart(6, "0");
}

/** Set up by what is on the screen; then the recovery code signs in, once. */
export async function secondFactor({ browser, engine }) {
  const { context, page } = await openWindow(browser, engine.url);
  await signIn(page, "vera", PASSWORD);
  await heading(page, "Home");
  await goTo(page, "/account");
  await page.getByRole("button", { name: "Set up an authenticator" }).click();
  const dialog = page.getByRole("dialog", { name: "Set up an authenticator" });
  await dialog.getByLabel("Your password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Next" }).click();
  await dialog.getByRole("img", { name: /QR code/ }).waitFor();
  const secret = await dialog.locator("[data-secret]").textContent();
  await dialog.getByRole("textbox", { name: "Code" }).fill(codeOf(secret, 0));
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  const codes = dialog.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  const recovery = await codes.first().textContent();
  await dialog.getByRole("button", { name: "I have kept them" }).click();
  await page.getByRole("button", { name: "Sign out" }).first().click();
  for (const isGood of [true, false]) {
    await heading(page, "Sign in");
    await signIn(page, "vera", PASSWORD);
    await page.getByLabel("Code").waitFor();
    await page.getByRole("button", { name: "Use a recovery code instead" }).click();
    await page.getByLabel("Recovery code").fill(recovery);
    await page.getByRole("button", { name: "Sign in" }).click();
    if (!isGood) break;
    await heading(page, "Home");
    await page.getByRole("button", { name: "Sign out" }).click();
  }
  await page.getByRole("alert").waitFor();
  await heading(page, "Sign in");
  await context.close();
}

/** Who has none is led to one at once, and gets nowhere before; turning the rule on needs one of one's own. */
export async function requiredFactor(world) {
  const { main, browser, engine } = world;
  const first = await addUser(main.page, "rosa", "Operator");
  await main.page.getByRole("radio", { name: /For everybody/ }).check();
  await main.page.getByRole("button", { name: "Change the rule" }).click();
  const asked = main.page.getByRole("dialog", { name: "Change who needs a second factor" });
  await asked.getByRole("button", { name: "Change the rule" }).click();
  await asked.getByText("has not signed in with a second factor").waitFor();
  await main.page.keyboard.press("Escape");
  // Nobody is signed in there meanwhile: the rule would hold the admin too.
  await main.page.goto("about:blank");
  await engine.tell(["user", "second-factor", "everybody"]);
  const { context, page } = await openWindow(browser, engine.url);
  await signIn(page, "rosa", first);
  await heading(page, "Choose your password");
  await page.getByLabel("Present password").fill(first);
  await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password again").fill(PASSWORD);
  await page.getByRole("button", { name: "Set the password and go on" }).click();
  await heading(page, "Set up a second factor");
  await page.goto("/jobs");
  await heading(page, "Set up a second factor");
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Use an authenticator app" }).click();
  await page.getByRole("img", { name: /QR code/ }).waitFor();
  const secret = await page.locator("[data-secret]").textContent();
  await page.getByRole("textbox", { name: "Code" }).fill(codeOf(secret, 0));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await heading(page, "Keep your recovery codes");
  const codes = page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem");
  assert.equal(await codes.count(), 10);
  await page.getByRole("button", { name: "I have kept them" }).click();
  await heading(page, "Jobs");
  await context.close();
  await engine.tell(["user", "second-factor", "off"]);
  await goTo(main.page, "/settings/users");
}

/** The key that is shown opens the API; after it was taken away it does not. */
export async function apiKey({ main: { page }, engine }) {
  await goTo(page, "/settings/api-keys");
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByLabel("What it is for").fill("monitoring");
  await page.getByRole("dialog").getByRole("button", { name: "Make the key" }).click();
  const shown = page.getByRole("dialog", { name: "The key monitoring" });
  const key = await shown.getByRole("list", { name: "API key" }).textContent();
  await shown.getByRole("button", { name: "I have noted it" }).click();
  const ask = () =>
    fetch(`${engine.url}/api/library`, { headers: { Authorization: `Bearer ${key}` } });
  assert.equal((await ask()).status, 200);
  assert.equal((await page.content()).includes(key), false);
  await page.getByRole("button", { name: "Take monitoring away" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take it away" }).click();
  await page.getByText("There is no key").waitFor();
  assert.equal((await ask()).status, 401);
}

/** What destroys is only noted; the second admin agrees; the same request then goes through. */
export async function twoAdmins(world) {
  const { page } = world.main;
  const second = await enterFirst(world, "otto", await addUser(page, "otto", "Admin"));
  await goTo(page, "/settings/approvals");
  await page.getByRole("button", { name: "Turn it on" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Turn it on" }).click();
  await page.getByText("On: it takes two").waitFor();
  const askOff = async () => {
    await page.getByRole("button", { name: "Turn it off" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Ask to turn it off" }).click();
  };
  await askOff();
  await page.getByText(/It waits for a second admin/).waitFor();
  await page.getByRole("button", { name: "Leave it as it is" }).click();
  await goTo(second.page, "/settings/approvals");
  await second.page.getByRole("button", { name: /^Agree to/ }).click();
  await second.page.getByRole("dialog").getByRole("button", { name: "Agree" }).click();
  await second.page.getByText("Agreed, not used yet").waitFor();
  await askOff();
  await page.getByText("Off: each admin alone may destroy").waitFor();
  await second.context.close();
}

export async function auditLog({ main: { page } }) {
  await goTo(page, "/settings/audit?actor=otto");
  await page.getByRole("cell", { name: "otto" }).first().waitFor();
  assert.equal(await page.getByRole("cell", { name: "admin", exact: true }).count(), 0);
  await page.getByRole("button", { name: "Check the whole log" }).click();
  await page.getByText(/The log is whole/).waitFor();
  const waiting = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export" }).click();
  assert.equal((await waiting).suggestedFilename(), "fossilsafe-audit.ndjson");
}
