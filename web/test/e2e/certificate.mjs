// The certificate over HTTPS: engine and gateway as two services of their own, as on the appliance.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enter, goTo, openWindow } from "./browser.mjs";
import { binary } from "./engine.mjs";

/** Long enough for a debug build on a busy machine. */
const START_MS = 60_000;

class Services {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "fossilsafe-https-"));
    this.output = "";
    this.children = [];
  }

  async start() {
    const at = (name) => join(this.folder, name);
    const sockets = ["--gateway", at("gateway.sock"), "--sources", at("sources.sock")];
    const practice = ["--practice-library", "--practice-capacity", "1GiB"];
    const engine = ["--data", at("engine"), "--socket", at("engine.sock"), ...sockets];
    await this.service(["engine", ...engine, ...practice], /The engine answers/);
    const https = ["--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];
    const gateway = ["--engine", at("engine.sock"), "--socket", at("gateway.sock"), ...https];
    const said = await this.service(
      ["gateway", "--data", at("gateway"), ...gateway],
      /(https:\/\/127\.0\.0\.1:\d+)\./,
    );
    this.url = said[1];
  }

  async service(options, ready) {
    const child = spawn(binary(), options, { stdio: ["ignore", "pipe", "pipe"] });
    this.children.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (text) => {
        this.output += text;
      });
    }
    const deadline = Date.now() + START_MS;
    while (!ready.test(this.output)) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`a service did not start:\n${this.output}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
    return this.output.match(ready);
  }

  code() {
    return this.output.match(/\bcode ([A-Z0-9]{3,6}(?:-[A-Z0-9]{3,6})+)/i)?.[1];
  }

  async end() {
    for (const child of this.children.reverse()) {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Made here for names, asked for by a request, refused with the reason, and checked by `look`. */
export async function certificate({ browser }, look) {
  const services = new Services();
  try {
    await services.start();
    const { context, page, faults } = await openWindow(browser, services.url, { isUnknown: true });
    await enter(page, services);
    await goTo(page, "/settings/certificates");
    const served = page.getByRole("region", { name: "Served now" });
    await served.getByText("Made here", { exact: true }).waitFor();
    const before = await served.getByText(/^([0-9A-F]{2} ){31}[0-9A-F]{2}$/).textContent();

    await served.getByRole("button", { name: "Make one here" }).click();
    const making = page.getByRole("dialog", { name: "Make a certificate here" });
    await making.getByLabel("Names and addresses").fill("not a name!");
    await making.getByRole("button", { name: "Make it and serve it" }).click();
    await making.getByText(/letters, digits, hyphens and dots/).waitFor();
    await making.getByLabel("Names and addresses").fill("tape.example\n192.0.2.5");
    await making.getByRole("button", { name: "Make it and serve it" }).click();
    await making.waitFor({ state: "detached" });
    await served.getByText("tape.example 192.0.2.5").waitFor();
    await served.getByText(/which this certificate does not have/).waitFor();
    const after = await served.getByText(/^([0-9A-F]{2} ){31}[0-9A-F]{2}$/).textContent();
    assert.notEqual(after, before);

    await page.getByRole("button", { name: "Make a signing request" }).click();
    const asking = page.getByRole("dialog", { name: "Make a signing request" });
    await asking.getByLabel("Organisation").fill("An archive");
    await asking.getByRole("button", { name: "Make it" }).click();
    const waiting = page.getByRole("region", { name: "A signing request waits" });
    await waiting.getByText("An archive").waitFor();
    const download = page.waitForEvent("download");
    await waiting.getByRole("link", { name: "Download it" }).click();
    assert.equal((await download).suggestedFilename(), "fossilsafe.csr");

    const give = page.getByRole("region", { name: "Give a certificate" });
    const act = give.getByRole("button", { name: "Check it and serve it" });
    assert.equal(await act.getAttribute("aria-disabled"), "true");
    const own = await page.evaluate(async () => {
      const state = await (await fetch("/api/certificate")).json();
      return state.certificate.pem;
    });
    await give.getByLabel("Certificates", { exact: true }).fill(own);
    await act.click();
    await give.getByText(/not the key of the certificate/).waitFor();
    await look(page);
    await waiting.getByRole("button", { name: "Give it up" }).click();
    const giving = page.getByRole("dialog", { name: "Give the signing request up" });
    await giving.getByRole("button", { name: "Give it up" }).click();
    await page.getByRole("button", { name: "Make a signing request" }).waitFor();
    assert.deepEqual(faults, []);
    await context.close();
  } finally {
    await services.end();
  }
}
