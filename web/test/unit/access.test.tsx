// Who may come in: first run, signing in with a second factor, a password that must be changed.
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { ApprovalNeeded, post } from "../../src/api/client";
import { ErrorBox } from "../../src/components/ErrorBox";
import { SessionGate } from "../../src/components/SessionGate";
import { whyNotFor } from "../../src/hooks/useWhyNot";
import { csrfToken } from "../../src/stores/session";
import { draw } from "./render";
import { type Answer, fill, serve } from "./serve";

const SESSION = { user: "ada", role: "operator", is_password_interim: false, csrf: "word" };
const REFUSED = {
  status: 401,
  code: "not_signed_in",
  message: "Nobody is signed in.",
  next_step: "Sign in.",
  request_id: "r1",
};

const isSetUp = { "GET /api/setup": (): Answer => [200, { needed: false }] };

it("an appliance without the address of sessions is an error, and lets nobody in", async () => {
  const unknown = { ...REFUSED, status: 404, code: "route_unknown", message: "No such address." };
  serve({ "GET /api/auth/session": () => [404, unknown] });
  draw(<SessionGate>inside</SessionGate>);
  expect(await screen.findByText("No such address.")).toBeTruthy();
  expect(screen.queryByText("inside")).toBeNull();
});

it("a second factor is asked for, and a recovery code will do", async () => {
  let isIn = false;
  const sent: unknown[] = [];
  serve({
    ...isSetUp,
    "GET /api/auth/session": () => (isIn ? [200, SESSION] : [401, REFUSED]),
    "POST /api/auth/session": (body) => {
      sent.push(body);
      isIn = (body as { totp?: string }).totp !== undefined;
      return [200, isIn ? SESSION : { second_factor_needed: true, by_code: true }];
    },
  });
  draw(<SessionGate>inside</SessionGate>);
  await screen.findByRole("heading", { name: "Sign in" });
  fill("User", "ada");
  fill("Password", "a sentence");
  fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
  await screen.findByLabelText("Code");
  fireEvent.click(screen.getByRole("button", { name: "Use a recovery code instead" }));
  fill("Recovery code", " abcd-efgh ");
  fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText("inside")).toBeTruthy();
  expect(sent[1]).toEqual({ user: "ada", password: "a sentence", totp: "abcd-efgh" });
  expect(csrfToken()).toBe("word");
});

it("a password that somebody else has set must be changed before anything is shown", async () => {
  let isInterim = true;
  serve({
    ...isSetUp,
    "GET /api/auth/session": () => [200, { ...SESSION, is_password_interim: isInterim }],
    "PUT /api/auth/password": (body) => {
      expect(body).toEqual({ present: "given", wanted: "a sentence of my own" });
      isInterim = false;
      return [200, SESSION];
    },
  });
  draw(<SessionGate>inside</SessionGate>);
  await screen.findByRole("heading", { name: "Choose your password" });
  expect(screen.queryByText("inside")).toBeNull();
  fill("Present password", "given");
  fill("New password", "a sentence of my own");
  fill("New password again", "a sentence of another");
  const button = screen.getByRole("button", { name: "Set the password and go on" });
  expect(button.getAttribute("aria-disabled")).toBe("true");
  fill("New password again", "a sentence of my own");
  fireEvent.click(button);
  await waitFor(() => expect(screen.getByText("inside")).toBeTruthy());
});

describe("what a role may not do", () => {
  it("is refused with the role that it needs, and what it may is not", () => {
    expect(whyNotFor("viewer", "POST /api/backups")).toBe(
      "Needs the role Operator; yours is Viewer.",
    );
    expect(whyNotFor("operator", "POST /api/backups")).toBeUndefined();
    expect(whyNotFor("operator", "POST /api/catalog/rebuild")).toMatch(/role Admin/);
    expect(whyNotFor("admin", "POST /api/catalog/rebuild")).toBeUndefined();
  });

  it("waits where a second admin has to agree, and says that nothing was done", async () => {
    const approval = { id: 3, asked_by: "ada", summary: "Format FSP001L9", expires: "2026-11-29" };
    serve({ "POST /api/x": () => [202, approval] });
    const error = await post("/api/x").catch((refusal) => refusal);
    expect(error).toBeInstanceOf(ApprovalNeeded);
    draw(<ErrorBox error={error} />);
    expect(screen.getByText(/waits for a second admin: Format FSP001L9/)).toBeTruthy();
    expect(screen.getByRole("link", { name: "Approvals" })).toBeTruthy();
  });

  it("a job that was accepted does not wait for anybody", async () => {
    serve({ "POST /api/x": () => [202, { id: 3, state: "queued" }] });
    expect(await post("/api/x")).toEqual({ id: 3, state: "queued" });
  });
});
