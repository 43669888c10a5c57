// Loads the compiled kernel. What its functions take and return is typed by the files that call them.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { packageRoot } from "../system/files.ts";
import { brokenPart, reinstall } from "./native-part.ts";

/** As in native/addon/addon.cc. Raise both whenever what a function takes or returns changes. */
const INTERFACE = 2;

interface Kernel {
  /** Absent in kernels that are older than this number. */
  readonly interface?: number;
  limitArenas(arenas: number): void;
}

let loaded: Kernel | undefined;

/**
 * The compiled kernel, loaded once; only the files that type its calls may ask for it. Failure `installation.broken`, also
 * for a kernel that was compiled for another version of this program.
 */
export function loadKernel(): unknown {
  return kernel();
}

/**
 * Sets the number of arenas of glibc's allocator in this process. By default there are eight for each core, and each keeps
 * what its threads have freed. Call it before threads start: an arena that is there stays.
 */
export function limitArenas(arenas: number): void {
  kernel().limitArenas(arenas);
}

function kernel(): Kernel {
  if (loaded !== undefined) return loaded;
  const path = join(packageRoot(), "build", "Release", "phorest_kernel.node");
  let found: Kernel;
  try {
    found = createRequire(import.meta.url)(path);
  } catch (cause) {
    throw brokenPart("the image kernel", cause);
  }
  checkInterface(found, path);
  loaded = found;
  return loaded;
}

/** One of the two was not built again after an update. Which, the numbers tell. */
function checkInterface({ interface: found = 0 }: Kernel, path: string): void {
  if (found === INTERFACE) return;
  const numbers = `interface ${found}, expected ${INTERFACE}`;
  const root = packageRoot();
  if (found < INTERFACE || !existsSync(join(root, "package-lock.json"))) {
    throw new Failure(
      "installation.broken",
      `the image kernel (${path}) is of another version of phorest: ${numbers}`,
      {
        hint: reinstall(),
      },
    );
  }
  throw new Failure("installation.broken", `this program is older than its image kernel (${path}): ${numbers}`, {
    hint: `run \`npm run build\` in ${root}`,
  });
}
