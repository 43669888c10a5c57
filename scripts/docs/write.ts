// `npm run docs`: writes the documents that are generated from the code. Tests compare the committed files.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { docsText } from "../../src/commands/config.ts";
import { packageRoot } from "../../src/system/files.ts";
import { GENERATED } from "./generated.ts";

const FILES = { ...GENERATED, "docs/configuration.md": () => docsText(), "config.toml": () => docsText(true) };

for (const [path, text] of Object.entries(FILES)) {
  writeFileSync(join(packageRoot(), path), text());
  process.stdout.write(`${path}\n`);
}
