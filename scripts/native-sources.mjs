// Records next to the image kernel what it was compiled from, so that `phorest` can report changed sources. The reader
// is src/native/native-sources.ts. Run after compiling: node scripts/native-sources.mjs [DIRECTORY OF THE CHECKOUT]
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = /\.(?:cc|c|h)$/;

const digest = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

const root = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "..");
const native = readdirSync(join(root, "native"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && SOURCE.test(entry.name))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .filter((path) => !path.startsWith("native/test/"))
  .sort();
const kernel = join(root, "build", "Release", "phorest_kernel");
const sources = Object.fromEntries(["binding.gyp", ...native].map((path) => [path, digest(join(root, path))]));
writeFileSync(`${kernel}.sources.json`, `${JSON.stringify({ kernel: digest(`${kernel}.node`), sources }, null, 1)}\n`);
