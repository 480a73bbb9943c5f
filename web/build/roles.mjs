// Writes which role each request of the API needs at least, as its description says: the console draws
// what a role may not do from it and has no such rules of its own.
import { readFileSync, writeFileSync } from "node:fs";

const DESCRIPTION = new URL("../../src/api/openapi.json", import.meta.url);
const TARGET = new URL("../src/api/__generated__/roles.ts", import.meta.url);
/** Everybody who is signed in has these. */
const LEAST = new Set(["anyone", "viewer"]);

export function rolesOf(description) {
  const lines = [];
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const role = operation["x-required-role"];
      if (role && !LEAST.has(role)) lines.push(`  "${method.toUpperCase()} ${path}": "${role}",`);
    }
  }
  const head = "// Which role a request needs, if more than viewer. Made by `npm run api`.\n";
  return `${head}export const ROLES = {\n${lines.join("\n")}\n} as const;\n`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(TARGET, rolesOf(JSON.parse(readFileSync(DESCRIPTION, "utf8"))));
}
