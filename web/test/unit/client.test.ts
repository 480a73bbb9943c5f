// The types of the API are those of the engine's own description.
import { readFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";
import { expect, it } from "vitest";
import { actsOf, rolesOf } from "../../build/roles.mjs";

it("the roles and the words for requests are those of src/api/openapi.json; if not: npm run api", () => {
  const description = JSON.parse(readFileSync("../src/api/openapi.json", "utf8"));
  expect(readFileSync("src/api/__generated__/roles.ts", "utf8")).toBe(rolesOf(description));
  expect(readFileSync("src/api/__generated__/acts.ts", "utf8")).toBe(actsOf(description));
});

it("the generated types are those of src/api/openapi.json; if not: npm run api", async () => {
  const description = JSON.parse(readFileSync("../src/api/openapi.json", "utf8"));
  const fresh = astToString(await openapiTS(description));
  const kept = readFileSync("src/api/__generated__/schema.d.ts", "utf8");
  expect(kept.endsWith(fresh)).toBe(true);
}, 60_000);
