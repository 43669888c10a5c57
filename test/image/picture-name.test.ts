import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkPictureName, isPictureName, pictureNameProblem } from "../../src/image/picture-name.ts";
import { withConfinedFile } from "../../src/system/confined-file.ts";
import { LONGEST_NAME_BYTES } from "../../src/system/file-name.ts";
import { copyInto, freeName } from "../../src/system/new-file.ts";
import { numberedBefore, numberedName, PICTURE_EXTENSIONS } from "../../src/system/numbered-name.ts";

const bytesOf = (name: string) => Buffer.byteLength(name);

const ENDINGS = PICTURE_EXTENSIONS.flatMap((extension) => [extension, extension.toUpperCase()]).flatMap((extension) => [
  extension,
  `${extension}.gz`,
  `${extension}.GZ`,
]);
/** Among them stems that a cut one is easily taken for. */
const STEMS = [
  "a",
  "a-1",
  "my.scan.v2",
  "ä",
  "é",
  "👩‍🔬",
  `${"x".repeat(239)}-1`,
  "x-".repeat(140),
  "ü".repeat(140),
  "👩‍🔬".repeat(30),
  "-",
];

function fitted(stem: string, ending: string): string {
  let cut = [...stem];
  while (bytesOf(cut.join("") + ending) > LONGEST_NAME_BYTES) cut = cut.slice(0, -1);
  return cut.join("") + ending;
}

test("for every ending and stem the n-th name is a picture's, can be stored, and is like no other", () => {
  const bad: string[] = [];
  for (const ending of ENDINGS) {
    for (const stem of STEMS) {
      // Every length near the longest one.
      for (let less = 0; less < 8; less++) {
        const name = fitted([...stem].slice(0, [...stem].length - less).join("") || "s", ending);
        const numbers = [...Array(40).keys(), 99, 100, 101, 999, 1000, 123_456];
        const names = numbers.map((n) => numberedName(name, n));
        const wrong = names.filter(
          (one) => pictureNameProblem(one) !== undefined || bytesOf(one) > LONGEST_NAME_BYTES || !one.endsWith(ending),
        );
        if (wrong.length > 0 || new Set(names).size < names.length) bad.push(name, ...wrong);
      }
      // What earlier versions wrote is found, too.
      if (!isPictureName(numberedBefore(fitted(stem, ending), 3))) bad.push(numberedBefore(stem, 3));
    }
  }
  expect(bad).toEqual([]);
});

test.each([
  ["i.png.gz", 2, "i-2.png.gz"],
  ["my.scan.v2.png", 1, "my.scan.v2-1.png"],
  ["a.png-1.gz", 1, "a-1.png-1.gz"],
  ["README", 1, "README-1"],
  ["history.csv.gz", 3, "history-3.csv.gz"],
  [".hidden", 1, ".hidden-1"],
  [`${"x".repeat(251)}.png`, 1, `${"x".repeat(248)}-1.png`],
])("of %j the name number %i is %j", (name, n, expected) => expect(numberedName(name, n)).toBe(expected));

test.each([
  "phorest.sqlite",
  "id_rsa",
  "thesis.docx",
  ".png",
  "png",
  "a.png.part",
  "a.gz",
  "a.png-x.gz",
  "../a.png",
  "a.png\0",
  "x/a.png",
])("%j is not opened as a picture", (name) =>
  expect(() => checkPictureName(name, "the test")).toThrow(expect.objectContaining({ code: "file.refused" })),
);

test("a copy gets the first name that nothing has, not even a link that leads nowhere", async () => {
  const root = mkdtempSync(join(tmpdir(), "phorest-new-file-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const long = `${"x".repeat(251)}.png`;
  for (const name of ["a.png.gz", long]) writeFileSync(join(root, name), `content of ${name}`);
  symlinkSync("nowhere", join(root, "a-1.png.gz"));
  expect(freeName(root, "a.png.gz")).toBe("a-2.png.gz");
  const copied = await withConfinedFile(root, "a.png.gz", (file) => copyInto(file, root, "a.png.gz"));
  expect(copied.name).toBe("a-2.png.gz");
  expect(readFileSync(join(root, copied.name), "utf8")).toBe("content of a.png.gz");
  expect(existsSync(join(root, "nowhere"))).toBe(false);
  expect((await withConfinedFile(root, long, (file) => copyInto(file, root, long))).name).toBe(numberedName(long, 1));
  await expect(
    withConfinedFile(root, "a.png.gz", (file) => copyInto(file, root, "b.png", { recorded: { bytes: 3 } })),
  ).rejects.toMatchObject({ code: "file.changed" });
  expect(existsSync(join(root, "b.png"))).toBe(false);
});
