// Debian's Chromium, and how a person uses the console: by role and name, as a screen reader does.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** A slow machine needs it; a failure is told after it. */
export const WAIT_MS = Number(process.env.WAIT_MS ?? 30_000);

export async function openBrowser(more = []) {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // Chromium's own sandbox does not work for root; the pages are our own, on the loopback.
    args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), ...more],
  });
}

/** A window of its own, with what went wrong in it. `isUnknown`: nobody vouches for its certificate. */
export async function openWindow(
  browser,
  url,
  { width = 1280, height = 900, theme, state, isUnknown } = {},
) {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height },
    ignoreHTTPSErrors: isUnknown ?? false,
    ...(state ? { storageState: state } : {}),
  });
  context.setDefaultTimeout(WAIT_MS);
  if (theme) {
    await context.addInitScript((name) => localStorage.setItem("fossilsafe-theme", name), theme);
  }
  if (process.env.DIST) await serveFrom(context, process.env.DIST, new URL(url).host);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  return { context, page, faults };
}

const TYPES = { js: "text/javascript", css: "text/css", svg: "image/svg+xml", woff2: "font/woff2" };

/** The console's files from a folder instead of the binary: a change of it then needs no Rust build. */
async function serveFrom(context, folder, host) {
  await context.route(
    (url) => url.host === host && !/^\/(api|ws)(\/|$)/.test(url.pathname),
    (route) => {
      const { pathname } = new URL(route.request().url());
      const ending = pathname.match(/\.(\w+)$/)?.[1];
      const path = join(folder, ending ? pathname : "index.html");
      if (!existsSync(path)) return route.fulfill({ status: 404 });
      return route.fulfill({ path, contentType: TYPES[ending] ?? "text/html; charset=utf-8" });
    },
  );
}

export async function goTo(page, path) {
  await page.goto(path);
  await settled(page);
}

/** Waits until the page stands: its heading is there and nothing is loading. */
export async function settled(page) {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.querySelector(".skeleton"));
}

export async function heading(page, name) {
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

/** Presses Tab until the control whose name fits has the focus. */
export async function tabTo(page, name, limit = 90) {
  for (let count = 0; count < limit; count += 1) {
    await page.keyboard.press("Tab");
    const names = await page.evaluate(() => {
      const { activeElement: element } = document;
      const label = element?.labels?.[0]?.textContent;
      return [element?.getAttribute("aria-label") ?? element?.textContent, label];
    });
    if (names.some((each) => each && name.test(each.trim()))) return;
  }
  throw new Error(`${name} cannot be reached with the Tab key`);
}

export const PASSWORD = "a sentence for the test";

/** First run or signing in. */
export async function enter(page, engine) {
  await page.goto("/");
  const first = page.getByRole("heading", { level: 1 });
  await first.waitFor();
  const title = await first.textContent();
  if (title === "First run") {
    await page.getByLabel("One-time code").fill(engine.code());
    await page.getByLabel("User").fill("admin");
    await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("New password again").fill(PASSWORD);
    await page.getByRole("button", { name: "Make the admin and go on" }).click();
  } else if (title === "Sign in") {
    await signIn(page, "admin", PASSWORD);
  }
  await heading(page, "Home");
}

export async function signIn(page, user, password) {
  await page.goto("/");
  await heading(page, "Sign in");
  await page.getByLabel("User").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A request as the one who is signed in on the page. */
export async function callApi(page, method, path, body) {
  const [status, answer] = await page.evaluate(
    async ([method, path, body]) => {
      const session = await fetch("/api/auth/session").then((it) => it.json());
      const headers = { "Content-Type": "application/json", "X-CSRF-Token": session.csrf };
      const response = await fetch(path, { method, headers, body });
      return [response.status, await response.text()];
    },
    [method, path, body === undefined ? undefined : JSON.stringify(body)],
  );
  if (status >= 400) throw new Error(`${method} ${path}: ${status} ${answer}`);
  return answer ? JSON.parse(answer) : undefined;
}
