// The program's own build: dist/src and dist/workers. Types are checked by `npm run check`. Run by `npm run build`.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleInPlace } from "./package/bundle.ts";

await bundleInPlace(join(fileURLToPath(import.meta.url), "../.."));
