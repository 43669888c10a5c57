// A constructor opens nothing: what throws in one cannot close what it had open before, for nobody has the object yet. A
// class that owns a file, database, thread or process is made by a function that opens it (`Supervisor.open`), or opens it
// at its first use.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));
const CONSTRUCTOR = /^ {2}(?:private |protected )?constructor\(/gm;
/** `this.x = new Database(...)`, also as the value of a field. Functions made here run later: `() => openThread(...)`. */
const OPENS =
  /(?<!=> *)\b(?:open(?:Sync|Thread|Process|Run)|connect|fork|spawn|createServer|createReadStream|createWriteStream|setInterval|lockExperiment|watch)\(|(?<!=> *)\bnew (?:Database|Worker|Piscina)\b|(?<!=> *)\b[A-Z]\w*\.open\(/;

/** The parts of a file that run while an object is made: values of fields, and bodies of constructors. */
function constructing(text: string): string[] {
  const fields = [...text.matchAll(/^ {2}(?:private |public )?(?:readonly )?#?\w+(?:: [^=\n]+)? = .*$/gm)];
  const bodies = [...text.matchAll(CONSTRUCTOR)].map(({ index }) => text.slice(index, text.indexOf("\n  }\n", index)));
  return [...fields.map(([line]) => line), ...bodies];
}

const opening = (text: string): boolean => constructing(text).some((part) => OPENS.test(part));

test.each([
  ["a database", "class A {\n  constructor(path: string) {\n    this.db = new Database(path);\n  }\n}\n", true],
  ["a manifest", "class A {\n  private constructor() {\n    this.m = Manifest.open({ file });\n  }\n}\n", true],
  ["a file as the value of a field", 'class A {\n  readonly #handle = openSync("a", "r");\n}\n', true],
  ["a thread, but later", "class A {\n  constructor() {\n    this.begin = () => openThread(name);\n  }\n}\n", false],
  [
    "a file elsewhere",
    "class A {\n  constructor() {\n    this.a = 1;\n  }\n\n  static open() {\n    openSync(a);\n  }\n}\n",
    false,
  ],
])("a class that opens %s is told apart", (_what, text, opens) => {
  expect(opening(text)).toBe(opens);
});

test("no constructor of the program opens anything", () => {
  const files = readdirSync(SOURCES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
  const texts = files.map((file) => ({ file: relative(SOURCES, file), text: readFileSync(file, "utf8") }));
  expect(texts.flatMap(({ text }) => constructing(text)).length).toBeGreaterThan(100);
  expect(texts.filter(({ text }) => opening(text)).map(({ file }) => file)).toEqual([]);
});
