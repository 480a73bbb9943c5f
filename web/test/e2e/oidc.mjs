// Signing in by a real identity provider: oidc-provider in this process, on loopback. Who is at its login
// page is said here; everything else goes over HTTP as between any two of them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { goTo, openWindow } from "./browser.mjs";

const CLIENT = "fossilsafe";
const SECRET = "a secret of the client, kept sealed";
const GROUPS = { ada: ["staff", "tape-operators"], mallory: ["strangers"] };

/** A provider for the console at that address. `people.next` is who signs in at it. */
async function startProvider(console_, people) {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT,
        client_secret: SECRET,
        redirect_uris: [`${console_}/sign-in/return`],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
    conformIdTokenClaims: false,
    cookies: { keys: ["for this test"] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: `id-of-${id}`, preferred_username: id, groups: GROUPS[id] }),
    }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
  });
  const answer = provider.callback();
  server.on("request", (request, response) => {
    if (!request.url.startsWith("/interaction/")) return answer(request, response);
    return interact(provider, people, request, response);
  });
  return { issuer, close: () => server.close() };
}

async function interact(provider, people, request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    const login = { accountId: people.next };
    return provider.interactionFinished(request, response, { login });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  const options = { mergeWithLastSubmission: true };
  return provider.interactionFinished(request, response, { consent }, options);
}

/** A browser that follows where it is sent, until it is sent back to the console. */
async function walk(from, console_) {
  const jar = new Map();
  let url = from;
  for (let step = 0; step < 12; step += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { headers: { cookie }, redirect: "manual" });
    for (const set of answer.headers.getSetCookie()) {
      const [name, value] = set.split(";")[0].split(/=(.*)/s);
      jar.set(name, value);
    }
    const location = answer.headers.get("location");
    if (!location) throw new Error(`${url} answers ${answer.status}: ${await answer.text()}`);
    url = new URL(location, url).href;
    if (url.startsWith(console_)) return new URL(url).searchParams;
  }
  throw new Error(`sent in circles: ${url}`);
}

async function post(url, path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
  return { status: answer.status, cookie, body: await answer.json() };
}

/** Begins, signs in at the provider, and returns what the page would send at the end. */
async function comeBack(url) {
  const { body: begun } = await post(url, "/api/auth/oidc/start", {});
  const asked = new URL(begun.authorize_url).searchParams;
  assert.equal(asked.get("code_challenge_method"), "S256");
  const back = await walk(begun.authorize_url, url);
  return { code: back.get("code"), state: back.get("state"), binding: begun.binding };
}

const finish = (url, answer) => post(url, "/api/auth/oidc/finish", answer);

/** As a person does it: a button, the provider's page, and back. */
async function inBrowser(page, url, people) {
  for (const [who, body] of [
    ["ada", (window) => window.getByRole("navigation").first().waitFor()],
    ["mallory", (window) => window.getByText("none of your groups has a role here").waitFor()],
  ]) {
    people.next = who;
    const each = await openWindow(page.context().browser(), url);
    try {
      await each.page.goto("/");
      await each.page.getByRole("button", { name: "Sign in with Example Login" }).click();
      await body(each.page);
      assert.equal(new URL(each.page.url()).search, "", "the code does not stay in the address");
      const session = await each.page.request.get("/api/auth/session");
      assert.equal(session.status() === 200 && (await session.json()).user, who === "ada" && "ada");
    } finally {
      await each.context.close();
    }
  }
}

/** The page says what the provider must allow, asks it, and never shows the secret again. */
async function setByPage(page, { label, issuer, client_secret: secret, console: console_ }) {
  await goTo(page, "/settings/sign-in");
  const fill = (name, value) => page.getByLabel(name, { exact: true }).fill(value);
  await fill("Text of the button", label);
  await fill("Address of the provider", `${issuer}/other`);
  await fill("Client id", CLIENT);
  await fill("Client secret", secret);
  assert.equal(await page.getByLabel("Address of this console").inputValue(), console_);
  const act = page.getByRole("button", { name: "Ask the provider and set it" });
  assert.equal(await act.getAttribute("aria-disabled"), "true", "no group has a role yet");
  await fill("Groups of the role Operator", "tape-operators");
  await act.click();
  await page.getByRole("alert").getByText("provider").first().waitFor();
  await fill("Address of the provider", issuer);
  await act.click();
  await page.getByText("kept, sealed").waitFor();
  await page.getByText(`${console_}/sign-in/return`).first().waitFor();
  assert.equal(await page.getByLabel("Client secret", { exact: true }).inputValue(), "");
}

/** An admin sets a provider; its people sign in with the role of their group, and nobody else does. */
export async function signInByProvider(page, { engine }) {
  const url = engine.url;
  const { csrf } = await (await page.request.get(`${url}/api/auth/session`)).json();
  const headers = { "X-CSRF-Token": csrf };
  const people = { next: "ada" };
  const provider = await startProvider(url, people);
  const settings = {
    label: "Example Login",
    issuer: provider.issuer,
    client_id: CLIENT,
    client_secret: SECRET,
    console: url,
    roles: { operator: ["tape-operators"] },
  };
  const set = async (change) => {
    const data = { ...settings, ...change };
    return (await page.request.put(`${url}/api/oidc`, { headers, data })).json();
  };
  try {
    await setByPage(page, settings);
    const { provider: shown } = await (await page.request.get(`${url}/api/oidc`)).json();
    assert.equal(shown.has_secret, true);
    assert.ok(!JSON.stringify(shown).includes(SECRET));
    const offer = await (await fetch(`${url}/api/auth/oidc`)).json();
    assert.equal(offer.label, "Example Login");

    const answer = await comeBack(url);
    const signedIn = await finish(url, answer);
    assert.deepEqual(
      [signedIn.status, signedIn.body.user, signedIn.body.role],
      [200, "ada", "operator"],
    );
    const asAda = { headers: { cookie: signedIn.cookie } };
    assert.equal((await fetch(`${url}/api/jobs`, asAda)).status, 200);
    assert.equal((await fetch(`${url}/api/oidc`, asAda)).status, 403);

    const again = await finish(url, answer);
    assert.deepEqual(
      [again.status, again.body.code],
      [401, "oidc_not_pending"],
      "a state counts once",
    );
    const planted = await finish(url, { ...(await comeBack(url)), binding: answer.binding });
    assert.equal(planted.body.code, "oidc_not_pending", "another window's binding");
    const twice = await finish(url, { ...(await comeBack(url)), code: answer.code });
    assert.equal(twice.body.code, "oidc_provider", "a code of another sign-in");

    await inBrowser(page, url, people);

    people.next = "mallory";
    const refused = await finish(url, await comeBack(url));
    assert.deepEqual([refused.body.code, refused.cookie], ["oidc_no_role", undefined]);

    people.next = "ada";
    await set({ client_secret: "not it" });
    assert.equal((await finish(url, await comeBack(url))).body.code, "oidc_provider");
    assert.equal((await set({ issuer: `${provider.issuer}/other` })).code, "oidc_provider");
    assert.equal((await page.request.delete(`${url}/api/oidc`, { headers })).status(), 204);
    assert.equal((await post(url, "/api/auth/oidc/start", {})).body.code, "oidc_not_set");
  } finally {
    provider.close();
  }
}
