// Bundles the program's own code and most packages into a hundred files instead of ten thousand, because each file costs time
// at every start, with one file for each thread. Their layout is that of the sources.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { ONLY_PACKED } from "../../src/installation/only-packed.ts";
import { filesBelow, KEPT_PACKAGES, PROGRAM, threadEntries } from "./contents.ts";

/**
 * Modules that are loaded by name: by `bin/phorest.js` before everything else, and by benchmarks that measure the built
 * program.
 */
const NAMED_MODULES = [
  "src/system/stop-signals.ts",
  "src/threads/worker-handle.ts",
  "src/manifest/manifest.ts",
  "src/outputs/opcua/delivery.ts",
  "src/outputs/opcua/output.ts",
  "src/stages/outputs/output-stage.ts",
  "src/supervisor/stage.ts",
];

/** What CommonJS packages expect to find in an ES module. */
const BANNER = `import { createRequire as createRequire$ } from "node:module";
import { dirname as directoryOf$ } from "node:path";
import { fileURLToPath as fileURLToPath$ } from "node:url";
const require = createRequire$(import.meta.url);
const filename$ = fileURLToPath$(import.meta.url), dirname$ = directoryOf$(filename$);`;
/** Allows only packed files to be loaded, from the first import on. */
const ONLY_PACKED_BANNER = `import "#only-packed";\n${BANNER}`;

/** Optional dependencies of vega and of node-opcua, which are not installed. */
const CHOICES = ["canvas", "proper-lockfile"];
/** sharp finds its native part by package name, so its forty code files need not stay in place. */
const KEPT_IN_PLACE = KEPT_PACKAGES.filter((name) => name !== "sharp");

/** What string-width creates when it is loaded, and a version that creates it only for text that is not plain ASCII. */
const LATE = [
  [
    "const segmenter = new Intl.Segmenter();",
    "let made$; const segmenter = { segment: (text) => (made$ ??= new Intl.Segmenter()).segment(text) };",
  ],
  [
    "const rgiEmojiRegex = /^\\p{RGI_Emoji}$/v;",
    'let emoji$; const rgiEmojiRegex = { test: (text) => (emoji$ ??= new RegExp("^\\\\p{RGI_Emoji}$", "v")).test(text) };',
  ],
] as const;

/**
 * Delays loading Unicode data for the width of text in the terminal, which yargs requests at every start. A single version of
 * string-width is used, which needs no Unicode data for ASCII. Loading that data would take a tenth of the time of a short
 * command.
 */
function lateUnicode(root: string): Plugin {
  const file = join(root, "node_modules/string-width/index.js");
  return {
    name: "late-unicode",
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^string-width$/ }, () => ({ path: file }));
      onLoad({ filter: /\/string-width\/index\.js$/ }, () => {
        let contents = readFileSync(file, "utf8");
        for (const [early, late] of LATE) {
          if (!contents.includes(early)) throw new Error(`${file}: no longer contains: ${early}`);
          contents = contents.replace(early, () => late);
        }
        return { contents };
      });
    },
  };
}

/** Returns the bundler options for the executable and for an installation. `root`: the source and its packages. */
function commonOptions(root: string, kept: readonly string[]) {
  return {
    absWorkingDir: root,
    outbase: ".",
    bundle: true,
    format: "esm",
    platform: "node",
    external: [...kept, ...CHOICES],
    plugins: [lateUnicode(root)],
    // Some ES modules declare these names themselves, so only undeclared ones are replaced.
    define: { __filename: "filename$", __dirname: "dirname$" },
    legalComments: "none",
    logLevel: "error",
  } satisfies BuildOptions;
}

/**
 * Each command loads only its own part. In an installation, a thread, which loads nearly all of its code, is one file: that
 * takes two thirds of the time of sixty.
 */
const IN_PARTS = {
  splitting: true,
  // As deep as src/<room>/<file>.js, so that paths relative to a file still work.
  chunkNames: "src/shared/[name]-[hash]",
} satisfies BuildOptions;

/** Bundles the program of `stage` below `target`/dist. */
export async function bundle(stage: string, target: string): Promise<void> {
  await build({
    ...commonOptions(stage, KEPT_PACKAGES),
    ...IN_PARTS,
    // The threads share parts here: with one file for each, the executable would be 3 MB larger.
    entryPoints: [PROGRAM, ...threadEntries(stage)],
    outdir: `${target}/dist`,
    target: "node24",
    banner: { js: ONLY_PACKED_BANNER },
  });
}

/** Bundles the program below `root`/dist, where `bin/phorest.js` starts it, and removes what an earlier build left there. */
export async function bundleInPlace(root: string): Promise<void> {
  const options = {
    ...commonOptions(root, KEPT_IN_PLACE),
    outdir: "dist",
    target: "node20",
    banner: { js: BANNER },
    sourcemap: true,
    metafile: true,
  } satisfies BuildOptions;
  const program = await build({ ...options, ...IN_PARTS, entryPoints: [PROGRAM, ...NAMED_MODULES] });
  const threads = await build({ ...options, entryPoints: threadEntries(root) });
  const made = { ...program.metafile.outputs, ...threads.metafile.outputs };
  for (const directory of ["dist/src", "dist/workers"]) {
    for (const name of filesBelow(join(root, directory))) {
      if (!Object.hasOwn(made, `${directory}/${name}`)) rmSync(join(root, directory, name));
    }
  }
}

/** Bundles the code that restricts the program of `target` to its own files. */
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
    // src/system/files.ts finds the program's own directory with it, but only after the program is unpacked.
    logOverride: { "empty-import-meta": "silent" },
  });
}
