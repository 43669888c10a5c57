// `npm run package`: dist/phorest-<version>-linux-<arch>, the program and its Node.js in one file, with a .sha256 and a
// .cdx.json (bill of materials) next to it. The same commit gives the same bytes.
//
//   source ─▶ stage (packages of the lock file, natives compiled for the base) ─▶ program (as it is unpacked) ─▶ executable
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installBase } from "./base.ts";
import { bundle, bundleBoot, bundleOnlyPacked } from "./bundle.ts";
import { filesBelow, layOut } from "./contents.ts";
import { makeExecutable } from "./executable.ts";
import { billOfMaterials } from "./sbom.ts";
import { makeStage } from "./stage.ts";
import { PackingError, run, say } from "./steps.ts";
import { targetFor } from "./target.ts";

const root = join(fileURLToPath(import.meta.url), "../../..");

/** Returns the time of the commit in seconds, or SOURCE_DATE_EPOCH if it is set. */
function commitSeconds(): number {
  const declared = process.env.SOURCE_DATE_EPOCH;
  const text = declared ?? run("git", ["log", "-1", "--format=%ct"], { cwd: root, what: "asking git for the commit" });
  if (!/^\d+$/.test(text.trim())) throw new PackingError(`SOURCE_DATE_EPOCH=${text.trim()} is not a number of seconds`);
  return Number(text);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", default: process.arch },
      /** Intermediate files; a new version rebuilds everything. */
      stage: { type: "string", default: join(root, "build", "package") },
      out: { type: "string", default: join(root, "dist") },
    },
  });
  const target = targetFor(values.arch);
  const seconds = commitSeconds();
  const host = targetFor(process.arch);
  const work = resolve(values.stage);
  const [base, hostBase] = [installBase(root, work, target.arch), installBase(root, work, host.arch)];
  const stage = join(work, target.arch);
  makeStage(root, stage, target, base);

  say("bundling");
  const program = join(stage, "program");
  const boot = join(stage, "boot.cjs");
  rmSync(program, { recursive: true, force: true });
  await bundle(stage, program);
  await bundleOnlyPacked(stage, program);
  await bundleBoot(stage, boot);
  layOut(stage, program, base, root);
  // Debug symbols, which contain paths of this machine, are not shipped.
  const natives = filesBelow(program).filter((path) => /\.node$/.test(path));
  for (const path of natives) {
    run(target.strip, ["--strip-unneeded", join(program, path)], { cwd: stage, what: `stripping ${path}` });
  }

  say("joining");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const output = join(resolve(values.out), `phorest-${version}-linux-${target.arch}`);
  const packing = await makeExecutable({ stage, program, boot, target, base, hostBase, version, output });
  mkdirSync(resolve(values.out), { recursive: true });
  const hash = createHash("sha256").update(readFileSync(output)).digest("hex");
  writeFileSync(`${output}.sha256`, `${hash}  ${basename(output)}\n`);
  writeFileSync(`${output}.cdx.json`, billOfMaterials(stage, output, base, seconds));
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const unpacked = packing.files.reduce((sum, { bytes }) => sum + bytes, 0);
  say(`${output}: ${megabytes(statSync(output).size)}; unpacks ${packing.files.length} files, ${megabytes(unpacked)}`);
}

await main().catch((error: unknown) => {
  if (!(error instanceof PackingError)) throw error;
  process.stderr.write(`phorest: ${error.message}\n`);
  process.exitCode = 1;
});
