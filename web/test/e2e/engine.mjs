// The real program with a practice library, started for a test and ended with it.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const target =
  process.env.CARGO_TARGET_DIR ?? new URL("../../../target", import.meta.url).pathname;
const BUILDS = ["x86_64-unknown-linux-musl/release", "release", "debug"];
/** Long enough for a debug build on a busy machine. */
const START_MS = 60_000;
const ADDRESS = /https?:\/\/127\.0\.0\.1:\d+/;

export function binary() {
  if (process.env.FOSSILSAFE) return process.env.FOSSILSAFE;
  const found = BUILDS.map((build) => join(target, build, "fossilsafe")).find(existsSync);
  if (!found) throw new Error(`no fossilsafe below ${target}: build it first`);
  return found;
}

export class Engine {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "fossilsafe-console-"));
    this.listen = "127.0.0.1:0";
    this.output = "";
  }

  /** Starts it; a second start takes the same address and data. */
  async start() {
    const options = ["--data", join(this.folder, "data"), "--listen", this.listen];
    const practice = ["--practice-library", "--practice-capacity", "1GiB"];
    const stdio = ["ignore", "pipe", "pipe"];
    this.child = spawn(binary(), ["run", ...options, ...practice], { stdio });
    const began = this.output.length;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (text) => {
        this.output += text;
      });
    }
    const deadline = Date.now() + START_MS;
    while (!ADDRESS.test(this.output.slice(began))) {
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the engine did not start:\n${this.output}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
    this.url = this.output.slice(began).match(ADDRESS)[0];
    this.listen = new URL(this.url).host;
  }

  /** The one-time code of the first run, as it stands on the terminal. */
  code() {
    return this.output.match(/\bcode ([A-Z0-9]{3,6}(?:-[A-Z0-9]{3,6})+)/i)?.[1];
  }

  /** What the owner of the machine says on its command line. */
  async tell(words) {
    await promisify(execFile)(binary(), [...words, "--server", this.listen]);
  }

  async stop() {
    if (!this.child || this.child.exitCode !== null) return;
    this.child.kill("SIGTERM");
    await once(this.child, "exit");
  }

  async end() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
