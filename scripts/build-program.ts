// Builds the program: dist/src and dist/workers. `npm run check` checks the types. Run by `npm run build`.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleInPlace } from "./package/bundle.ts";

await bundleInPlace(join(fileURLToPath(import.meta.url), "../.."));
