// Combines Node and the packed program in one file: compresses the assets, strips the base, and joins both with pkg's producer
// of single-executable applications.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, relative } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { PackedFile, Packing } from "../../src/installation/unpacked.ts";
import type { Base } from "./base.ts";
import { filesBelow } from "./contents.ts";
import { PackingError, run } from "./steps.ts";
import type { Target } from "./target.ts";

/** Node's marker for a joined file: its last digit says whether the file is joined. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
/** Compression level, one step below the best: a twentieth larger in a tenth of the time. */
const QUALITY = 9;

/**
 * Size of each thread's space for short-lived objects, MB: with V8's default of 16, a run takes some 50 MB more and is not
 * faster.
 */
const V8_OPTIONS = ["--max-semi-space-size=2"];

type Producer = (main: string, options: object) => Promise<void>;

export interface Making {
  readonly stage: string;
  /** The program as it will be unpacked. */
  readonly program: string;
  readonly boot: string;
  readonly target: Target;
  readonly base: Base;
  /** The base of this machine, which creates the blob: its format depends on the version, not on the processor. */
  readonly hostBase: Base;
  readonly version: string;
  readonly output: string;
}

/** Writes the executable; returns its table of contents. */
export async function makeExecutable(making: Making): Promise<Packing> {
  const { stage, program, boot, target, base, output } = making;
  const { packing, assets } = compress(program, join(stage, "packed"), making.version);
  const node = join(stage, "node");
  copyFileSync(join(base.directory, "bin/node"), node);
  // Before joining: if it were stripped afterwards, it would not start.
  run(target.strip, [node], { cwd: stage, what: "stripping Node.js" });
  mkdirSync(dirname(output), { recursive: true });
  rmSync(output, { force: true });
  await withEnvironment(making, () =>
    producer()(boot, {
      targets: [{ output, platform: "linux", arch: target.arch, nodeRange: `node${base.version}` }],
      nodePath: node,
      // The name of the entry file becomes part of the result, so it is given relative to pkg's working directory: the same in
      // every checkout.
      seaConfig: { assets, main: join("../../..", relative(stage, boot)), execArgv: V8_OPTIONS },
    }),
  );
  // The producer does not report when joining failed.
  if (!readFileSync(output).includes(`${FUSE}:1`))
    throw new PackingError(`${output}: the program was not joined to it`);
  return packing;
}

/**
 * Loads pkg's producer, because pkg's own command line would download a Node.js, and the producer uses the given one. Not a
 * public API: pkg is pinned.
 */
function producer(): Producer {
  return createRequire(import.meta.url)("@yao-pkg/pkg/lib-es5/sea").default;
}

/**
 * Runs `work` in the environment that the producer expects: `node` in PATH, and its working directory, with `npx postject` in
 * it, in TMPDIR.
 */
async function withEnvironment({ stage, hostBase }: Making, work: () => Promise<void>): Promise<void> {
  const { PATH, TMPDIR } = process.env;
  const temporary = join(stage, "tmp");
  mkdirSync(temporary, { recursive: true });
  process.env.PATH = [join(hostBase.directory, "bin"), PATH].join(delimiter);
  process.env.TMPDIR = temporary;
  try {
    await work();
  } finally {
    process.env.PATH = PATH;
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(temporary, { recursive: true, force: true });
  }
}

function compress(
  program: string,
  into: string,
  version: string,
): { packing: Packing; assets: Record<string, string> } {
  rmSync(into, { recursive: true, force: true });
  const assets: Record<string, string> = {};
  const files: PackedFile[] = filesBelow(program).map((path) => {
    const bytes = readFileSync(join(program, path));
    const packed = join(into, `${path}.br`);
    mkdirSync(dirname(packed), { recursive: true });
    writeFileSync(packed, squeeze(bytes));
    assets[path] = packed;
    return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  });
  const digest = createHash("sha256");
  for (const { path, sha256 } of files) digest.update(`${sha256}  ${path}\n`);
  const packing = { version, digest: digest.digest("hex"), files };
  const table = join(into, "packing.json");
  writeFileSync(table, JSON.stringify(packing));
  assets["packing.json"] = table;
  return { packing, assets };
}

function squeeze(bytes: Uint8Array): Uint8Array {
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}
