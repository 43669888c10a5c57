// The program's own code and most packages, bundled: a hundred files instead of ten thousand, because each file costs time at every
// start, and one file for each thread. They are laid out as the sources are.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { ONLY_PACKED } from "../../src/installation/only-packed.ts";
import { filesBelow, KEPT_PACKAGES, PROGRAM, threadEntries } from "./contents.ts";

/** Loaded by their names: by `bin/phorest.js` before everything else, and by benchmarks that measure the program as it is built. */
const NAMED_MODULES = [
  "src/system/stop-signals.ts",
  "src/threads/worker-handle.ts",
  "src/manifest/manifest.ts",
  "src/outputs/opcua/delivery.ts",
  "src/outputs/opcua/output.ts",
  "src/stages/communicator/output-stage.ts",
  "src/supervisor/stage.ts",
];

/** What CommonJS packages expect to find in an ES module. */
const BANNER = `import { createRequire as createRequire$ } from "node:module";
import { dirname as directoryOf$ } from "node:path";
import { fileURLToPath as fileURLToPath$ } from "node:url";
const require = createRequire$(import.meta.url);
const filename$ = fileURLToPath$(import.meta.url), dirname$ = directoryOf$(filename$);`;
/** Nothing but packed files is loaded, from the first import on. */
const ONLY_PACKED_BANNER = `import "#only-packed";\n${BANNER}`;

/** Choices of vega and of node-opcua where they are installed; they are not. */
const CHOICES = ["canvas", "proper-lockfile"];
/** sharp finds its native part by the name of a package: its forty files of code need not stay. */
const KEPT_IN_PLACE = KEPT_PACKAGES.filter((name) => name !== "sharp");

/** What string-width makes when it is loaded, and the same made when a text is not plain ASCII. */
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
 * The width of text in the terminal, which yargs asks for at every start. One version of string-width answers, which needs nothing of
 * Unicode for ASCII. To load Unicode's data for it would take a tenth of the time of a short command.
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

/** How the program is bundled, for the executable and for an installation alike. `root`: the source and its packages. */
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
 * Each command loads its own part only. In an installation a thread, which loads nearly all of its code, is one file: that takes two
 * thirds of the time of sixty.
 */
const IN_PARTS = {
  splitting: true,
  // As deep as src/<room>/<file>.js: what is found relative to a file is found from here as well.
  chunkNames: "src/shared/[name]-[hash]",
} satisfies BuildOptions;

/** Bundles the program of `stage` below `target`/dist. */
export async function bundle(stage: string, target: string): Promise<void> {
  await build({
    ...commonOptions(stage, KEPT_PACKAGES),
    ...IN_PARTS,
    // The threads share parts here: the executable would be 3 MB larger with one file for each.
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
