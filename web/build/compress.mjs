// Makes what the binary embeds: each file of dist/ also as gzip and brotli where that is smaller,
// and dist/table.tsv, one line a file: path, type, tag of the content, encodings.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url).pathname;
const types = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
};
// A tenth smaller is worth a second copy in the binary; fonts and pictures never are.
const WORTH = 0.9;

function smaller(path, suffix, bytes, packed) {
  rmSync(path + suffix, { force: true });
  if (packed.length > bytes.length * WORTH) return false;
  writeFileSync(path + suffix, packed);
  return true;
}

const lines = [];
const names = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(gz|br|tsv)$/.test(entry.name))
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();
for (const path of names) {
  const bytes = readFileSync(path);
  const type = types[path.split(".").pop()];
  if (!type)
    throw new Error(`${path}: no content type for this ending, add it in build/compress.mjs`);
  const encodings = [];
  const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  if (smaller(path, ".br", bytes, brotliCompressSync(bytes, best))) encodings.push("br");
  if (smaller(path, ".gz", bytes, gzipSync(bytes, { level: 9 }))) encodings.push("gz");
  const tag = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  lines.push([`/${relative(dist, path)}`, type, tag, encodings.join(",")].join("\t"));
}
writeFileSync(join(dist, "table.tsv"), `${lines.join("\n")}\n`);
