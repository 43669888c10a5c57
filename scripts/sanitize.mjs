// Builds the kernel's plain C++ with the address and undefined-behaviour sanitizers, and runs it on random, extreme and
// damaged input with each vector unit. Ends with 1 when anything was found.
// Run: npm run sanitize [-- --seconds N] [-- --seed N]
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(fileURLToPath(import.meta.url), "../..");
const native = join(root, "native");
const library = join(native, "third_party", "libdeflate");
const out = join(root, "build", "sanitize");
const CHECKS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g", "-O1"];

function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : process.argv[at + 1];
}

function run(command, args, env = process.env) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", env });
  if (status !== 0) {
    process.stderr.write(`sanitize: ${command} failed${error === undefined ? "" : `: ${error.message}`}\n`);
    process.exit(1);
  }
}

const plain = ["image", "fit", "statistics", "measure", "locate", "kinetics"].flatMap((folder) =>
  readdirSync(join(native, folder))
    .filter((name) => name.endsWith(".cc"))
    .map((name) => join(folder, name)),
);
const theirs = [
  "adler32",
  "arm/cpu_features",
  "crc32",
  "deflate_decompress",
  "utils",
  "x86/cpu_features",
  "zlib_decompress",
];
const OURS = ["-std=c++20", "-Wall", "-Wextra", "-Werror", `-I${native}`];
const rules = [
  ...plain.map((name) => ({ from: join(native, name), flags: OURS })),
  { from: join(native, "test", "sanitize.cc"), flags: OURS },
  ...theirs.map((name) => ({ from: join(library, "lib", `${name}.c`), flags: ["-w", `-I${library}`] })),
];
const objects = rules.map(({ from }) => join(out, `${from.slice(native.length + 1).replaceAll("/", "_")}.o`));
mkdirSync(out, { recursive: true });
const lines = rules.map(({ from, flags }, index) => {
  const compiler = from.endsWith(".c") ? "gcc" : "g++";
  return `${objects[index]}: ${from}\n\t@${[compiler, ...CHECKS, ...flags, "-c", from, "-o", objects[index]].join(" ")}\n`;
});
// make exists wherever the kernel was compiled, and compiles on all cores.
const program = join(out, "sanitize");
const makefile = `${program}: ${objects.join(" ")}\n\t@g++ ${CHECKS.join(" ")} -o ${program} ${objects.join(" ")}\n\n${lines.join("\n")}`;
const built = spawnSync("make", ["-B", "-j", String(availableParallelism()), "-f", "-", program], {
  input: makefile,
  stdio: ["pipe", "inherit", "inherit"],
});
if (built.status !== 0) {
  process.stderr.write("sanitize: the kernel did not compile\n");
  process.exit(1);
}
const seconds = Number(option("--seconds", "30"));
for (const unit of ["", "avx2", "baseline"]) {
  run(program, [String(seconds / 3), option("--seed", "1")], { ...process.env, PHOREST_VECTOR_UNIT: unit });
}
