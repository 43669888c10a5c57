// Compiles programs that tests start repeatedly into one file each: loading the sources, and packages of hundreds of files,
// would take seconds at each start.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { packageRoot } from "../../src/system/files.ts";

/** What CommonJS packages expect to find in an ES module. */
const BANNER = `import { createRequire as createRequire$ } from "node:module";
import { dirname as directoryOf$ } from "node:path";
import { fileURLToPath as fileURLToPath$ } from "node:url";
const require = createRequire$(import.meta.url);
const filename$ = fileURLToPath$(import.meta.url), dirname$ = directoryOf$(filename$);`;

/**
 * Returns the path of the program `source`, a TypeScript file, as one JavaScript file. Compiles it if that does not exist, or
 * if one of its files has changed since. `external` names packages that have data files of their own or are not installed.
 */
export async function bundled(source: string, external: readonly string[] = []): Promise<string> {
  const root = packageRoot();
  const directory = join(root, "dist", "test");
  const outfile = join(directory, basename(source).replace(/\.ts$/, ".mjs"));
  if (isCurrent(outfile)) return outfile;
  mkdirSync(directory, { recursive: true });
  // Other test files, and another server of this one, may compile it at the same time.
  const draft = `${outfile}.${randomBytes(4).toString("hex")}`;
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    outfile: draft,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: [...external],
    banner: { js: BANNER },
    define: { __filename: "filename$", __dirname: "dirname$" },
    legalComments: "none",
    logLevel: "error",
    metafile: true,
  });
  writeFileSync(`${draft}.json`, JSON.stringify(Object.keys(metafile.inputs).map((name) => join(root, name))));
  renameSync(`${draft}.json`, `${outfile}.json`);
  renameSync(draft, outfile);
  return outfile;
}

/** Whether it exists and is newer than all its sources. */
function isCurrent(outfile: string): boolean {
  if (!existsSync(outfile) || !existsSync(`${outfile}.json`)) return false;
  const { mtimeMs } = statSync(outfile);
  const inputs: string[] = JSON.parse(readFileSync(`${outfile}.json`, "utf8"));
  return inputs.every((name) => existsSync(name) && statSync(name).mtimeMs < mtimeMs);
}
