// The target machine of an executable, and the tools that compile for it here.
import { has, PackingError } from "./steps.ts";

export type Arch = "x64" | "arm64";

/** Environment of a build with the compiler's names, and the target's `strip`. */
export interface Target {
  readonly arch: Arch;
  readonly compiler: NodeJS.ProcessEnv;
  readonly strip: string;
}

const PREFIXES: Readonly<Record<Arch, string>> = { x64: "x86_64-linux-gnu-", arm64: "aarch64-linux-gnu-" };
const DEBIAN: Readonly<Record<Arch, string>> = { x64: "g++-x86-64-linux-gnu", arm64: "g++-aarch64-linux-gnu" };

/** Returns the target for `arch`. Throws a PackingError that says what to install if this machine cannot compile for it. */
export function targetFor(arch: string): Target {
  if (arch !== "x64" && arch !== "arm64") throw new PackingError(`--arch takes x64 or arm64, not ${arch}`);
  const prefix = arch === process.arch ? "" : PREFIXES[arch];
  const tools = [`${prefix}g++`, `${prefix}gcc`, `${prefix}ar`, `${prefix}strip`, "make", "python3"];
  const absent = tools.filter((tool) => !has(tool));
  if (absent.length > 0) {
    const install = prefix === "" ? "g++ make python3" : `${DEBIAN[arch]} make python3`;
    throw new PackingError(
      `no linux-${arch} executable can be made here, ${absent.join(", ")} not found: sudo apt install ${install}`,
    );
  }
  const compiler = { CC: `${prefix}gcc`, CXX: `${prefix}g++`, LINK: `${prefix}g++`, AR: `${prefix}ar` };
  return { arch, compiler, strip: `${prefix}strip` };
}
