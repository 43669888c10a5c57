// Whether the compiled image kernel belongs to the sources next to it. After `git pull` without `npm ci` it does not, and would be
// called by code that expects another one. Only a checkout has sources; what was compiled is noted by scripts/native-sources.mjs.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { Failure } from "../failure/failure.ts";
import { packageRoot } from "../system/files.ts";

const NOTE = z.object({ kernel: z.string(), sources: z.record(z.string(), z.string()) });

/**
 * Failure `installation.broken` where a source of the kernel is no longer what it was compiled from. Says nothing where that
 * is not known: without sources, without a note, or with a kernel that was compiled in another way since.
 */
export function checkKernelSources(root = packageRoot()): void {
  const kernel = join(root, "build", "Release", "phorest_kernel");
  const noteFile = `${kernel}.sources.json`;
  if (!existsSync(join(root, "native")) || !existsSync(noteFile)) return;
  const note = NOTE.parse(JSON.parse(readFileSync(noteFile, "utf8")));
  if (digestOf(`${kernel}.node`) !== note.kernel) return;
  const changed = Object.entries(note.sources).filter(([path, digest]) => digestOf(join(root, path)) !== digest);
  const [first] = changed;
  if (first === undefined) return;
  const more = changed.length === 1 ? "" : ` and ${changed.length - 1} more`;
  throw new Failure(
    "installation.broken",
    `the image kernel (${kernel}.node) is older than its sources: ${first[0]}${more} changed after it was compiled`,
    { hint: `run \`npm ci\` in ${root}` },
  );
}

function digestOf(path: string): string | undefined {
  return existsSync(path) ? createHash("sha256").update(readFileSync(path)).digest("hex") : undefined;
}
