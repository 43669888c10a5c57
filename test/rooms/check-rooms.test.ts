import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { backArrows } from "../../scripts/check-rooms.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "phorest-rooms-"));
  write(
    "docs/architecture.md",
    "# A\n\n## Rooms\n\n| room | holds |\n|---|---|\n| `low` | a |\n| `high` | b |\n\n## Next\n\n| `other` | c |\n",
  );
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

test("a room may import itself and rooms above it in the table", () => {
  write("src/low/a.ts", 'import { b } from "./b.ts";\nimport { join } from "node:path";\n');
  write("src/low/b.ts", "");
  write("src/high/c.ts", 'import { a } from "../low/a.ts";\n');
  write("src/cli.ts", 'import { c } from "./high/c.ts";\n');
  write("workers/w.ts", 'import { c } from "../src/high/c.ts";\n');
  expect(backArrows(root)).toEqual([]);
});

test.each([
  ["a value", 'import { c } from "../high/c.ts";\n'],
  ["a type", 'import type { C } from "../high/c.ts";\n'],
  ["later, when it runs", 'const c = await import("../high/c.ts");\n'],
  ["and passes it on", 'export { c } from "../high/c.ts";\n'],
])("a room that imports a lower one is named: %s", (_what, text) => {
  write("src/low/a.ts", text);
  write("src/high/c.ts", "");
  expect(backArrows(root)).toEqual(["src/low/a.ts imports src/high/c.ts: high comes after low"]);
});

test("a folder that the table does not name, and a file outside of all folders, are named", () => {
  write("src/new/a.ts", "");
  write("src/loose.ts", "");
  write("src/high/c.ts", 'import { a } from "../new/a.ts";\n');
  expect(backArrows(root).sort()).toEqual([
    "src/high/c.ts imports src/new/a.ts: the table of rooms in docs/architecture.md does not name its folder",
    "src/loose.ts: the table of rooms in docs/architecture.md does not name its folder",
    "src/new/a.ts: the table of rooms in docs/architecture.md does not name its folder",
  ]);
});
