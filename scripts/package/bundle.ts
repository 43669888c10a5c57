// The program's own code and most packages, bundled: a few dozen files instead of ten thousand, laid out as the build
// lays them out, because threads and assets are found by their place.
import { join } from "node:path";
import { build } from "esbuild";
import { ONLY_PACKED } from "../../src/installation/only-packed.ts";
import { entryPoints, KEPT_PACKAGES } from "./contents.ts";

/** Nothing but packed files is loaded, from the first import on; and what CommonJS packages expect to find in an ES module. */
const BANNER = `import "#only-packed";
import { createRequire as createRequire$ } from "node:module";
import { dirname as directoryOf$ } from "node:path";
import { fileURLToPath as fileURLToPath$ } from "node:url";
const require = createRequire$(import.meta.url);
const filename$ = fileURLToPath$(import.meta.url), dirname$ = directoryOf$(filename$);`;

/** Bundles the program of `stage` below `target`/dist. */
export async function bundle(stage: string, target: string): Promise<void> {
  await build({
    absWorkingDir: stage,
    entryPoints: entryPoints(stage),
    outbase: ".",
    outdir: `${target}/dist`,
    bundle: true,
    format: "esm",
    splitting: true,
    // As deep as src/<room>/<file>.js: what is found relative to a file is found from here as well.
    chunkNames: "src/shared/[name]-[hash]",
    platform: "node",
    target: "node24",
    // Choices of vega and of node-opcua where they are installed; they are not.
    external: [...KEPT_PACKAGES, "canvas", "proper-lockfile"],
    banner: { js: BANNER },
    // Some ES modules declare these names themselves, so only those that nobody declares are replaced.
    define: { __filename: "filename$", __dirname: "dirname$" },
    legalComments: "none",
    logLevel: "error",
  });
}

/** Bundles what keeps the program of `target` to its own files. */
export async function bundleOnlyPacked(stage: string, target: string): Promise<void> {
  const contents = `import { loadOnlyPacked } from "./src/installation/only-packed.ts";
loadOnlyPacked(new URL(".", import.meta.url));`;
  await build({
    absWorkingDir: stage,
    stdin: { contents, resolveDir: stage },
    outfile: join(target, ONLY_PACKED),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "error",
  });
}

/** Bundles the executable's first code. */
export async function bundleBoot(stage: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: stage,
    entryPoints: ["src/installation/bootstrap.ts"],
    outfile,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node24",
    logLevel: "error",
    // src/system/files.ts finds the program's own directory by it, which is not asked for before the program is unpacked.
    logOverride: { "empty-import-meta": "silent" },
  });
}
