// Writes what the console takes from the API's description besides its types: which role each request
// needs at least, and what each does, in words. The console has no such rules of its own.
import { readFileSync, writeFileSync } from "node:fs";

const DESCRIPTION = new URL("../../src/api/openapi.json", import.meta.url);
const TARGET = new URL("../src/api/__generated__/", import.meta.url);
/** Everybody who is signed in has these. */
const LEAST = new Set(["anyone", "viewer"]);

function operationsOf(description) {
  return Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

export function rolesOf(description) {
  const lines = operationsOf(description)
    .map(([act, operation]) => [act, operation["x-required-role"]])
    .filter(([, role]) => role && !LEAST.has(role))
    .map(([act, role]) => `  "${act}": "${role}",`);
  const head = "// Which role a request needs, if more than viewer. Made by `npm run api`.\n";
  return `${head}export const ROLES = {\n${lines.join("\n")}\n} as const;\n`;
}

export function actsOf(description) {
  const lines = operationsOf(description).map(
    ([act, { summary }]) => `  ${JSON.stringify(act)}: ${JSON.stringify(summary)},`,
  );
  const head = "// What each request does, in words. Made by `npm run api`.\n";
  return `${head}export const ACTS: Record<string, string> = {\n${lines.join("\n")}\n};\n`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const description = JSON.parse(readFileSync(DESCRIPTION, "utf8"));
  writeFileSync(new URL("roles.ts", TARGET), rolesOf(description));
  writeFileSync(new URL("acts.ts", TARGET), actsOf(description));
}
