// The licences of everything that is distributed, with their texts: several licences require that they are passed on with the
// program.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../system/files.ts";
import { packageClosure } from "./packages.ts";

/** The executable contains the texts gathered when it was built. */
export const LICENCES_FILENAME = "licences.txt";

const LICENCE_FILE = /^(licen[cs]e|copying|notice|third-party-notices|legal)/i;
/** Texts of licences for parts that came without a text, or for parts inside other parts. */
const COMMON_TEXTS = ["LGPL-3.0.txt", "GPL-3.0.txt", "MPL-1.1.txt"];
const RULE = "=".repeat(100);

/** A part without a package.json: source code included with ours, or the runtime itself. */
export interface ForeignPart {
  readonly title: string;
  readonly file: string;
}

/** Returns the texts to pass on with this installation. */
export function licences(): string {
  const root = packageRoot();
  const gathered = join(root, LICENCES_FILENAME);
  return existsSync(gathered) ? readFileSync(gathered, "utf8") : gatherLicences(root, []);
}

/**
 * Gathers the texts: our own, those of the source in native/, of every runtime package installed below `root`, and of `parts`.
 */
export function gatherLicences(root: string, parts: readonly ForeignPart[]): string {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const sections = [section(`${own.name} ${own.version} (${own.license})`, [join(root, "LICENSE")])];
  const all = [
    ...parts,
    { title: "libdeflate 1.14 (MIT)", file: join(root, "native", "third_party", "libdeflate", "COPYING") },
  ];
  // An installation without source has this code in its kernel all the same; its text was passed in `parts`.
  for (const { title, file } of all) if (existsSync(file)) sections.push(section(title, [file]));
  for (const { name, version, licence, homepage, directory } of packageClosure(root, Object.keys(own.dependencies))) {
    const texts = readdirSync(directory).filter((file) => LICENCE_FILE.test(file));
    const files = texts.map((file) => join(directory, file)).filter((file) => statSync(file).isFile());
    const others = files.length > 0 ? [] : licenceInReadme(directory);
    const title = `${name} ${version} (${licence})${homepage === undefined ? "" : ` ${homepage}`}`;
    sections.push(section(title, files, others));
  }
  for (const name of COMMON_TEXTS) {
    const file = join(root, "native", "third_party", "licences", name);
    if (existsSync(file))
      sections.push(section(`${name.replace(/\.txt$/, "")}, which parts named above are under`, [file]));
  }
  return sections.join("\n");
}

/** Some packages without a licence file name the included works in the README: libvips has a table of 29 libraries. */
function licenceInReadme(directory: string): string[] {
  const readme = readdirSync(directory).find((file) => /^readme(?:\.\w+)?$/i.test(file));
  if (readme === undefined) return [];
  const lines = readFileSync(join(directory, readme), "utf8").split("\n");
  const start = lines.findIndex((line) => /^#+ *Licen[cs](?:e|ing)\b/i.test(line));
  if (start < 0) return [];
  const after = lines.slice(start + 1);
  const end = after.findIndex((line) => /^#+ /.test(line));
  return [`${(end < 0 ? after : after.slice(0, end)).join("\n").trim()}\n`];
}

function section(title: string, files: string[], others: readonly string[] = []): string {
  const text = [...files.sort().map((file) => `${readFileSync(file, "utf8").trim()}\n`), ...others];
  return `${RULE}\n${title}\n${RULE}\n${text.length === 0 ? "No text came with it; its name above is its licence.\n" : text.join("\n")}`;
}
