// Loads the compiled kernel. What its functions take and return is typed by the files that call them.
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "../system/files.ts";
import { brokenPart } from "./native-part.ts";

let loaded: unknown;

/** The compiled kernel, loaded once; only the files that type its calls may ask for it. Failure `installation.broken`. */
export function loadKernel(): unknown {
  if (loaded !== undefined) return loaded;
  const path = join(packageRoot(), "build", "Release", "phorest_kernel.node");
  try {
    loaded = createRequire(import.meta.url)(path);
  } catch (cause) {
    throw brokenPart("the image kernel", cause);
  }
  return loaded;
}
