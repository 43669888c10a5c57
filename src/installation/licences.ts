// The licences of everything that is shipped, with their texts: several ask to be passed on with the program.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../files.ts";
import { packageClosure } from "./packages.ts";

/** In the executable the texts were gathered when it was made. */
export const LICENCES_FILENAME = "licences.txt";

const LICENCE_FILE = /^(licen[cs]e|copying|notice|third-party-notices|legal)/i;
const RULE = "=".repeat(100);

/** A part that no package.json speaks of: source that came with ours, or the runtime itself. */
export interface ForeignPart {
  readonly title: string;
  readonly file: string;
}

/** The texts to pass on with this installation. */
export function licences(): string {
  const root = packageRoot();
  const gathered = join(root, LICENCES_FILENAME);
  return existsSync(gathered) ? readFileSync(gathered, "utf8") : gatherLicences(root, []);
}

/** Gathers the texts: our own, of the source in native/, of every runtime package installed below `root`, of `parts`. */
export function gatherLicences(root: string, parts: readonly ForeignPart[]): string {
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const sections = [section(`${own.name} ${own.version} (${own.license})`, [join(root, "LICENSE")])];
  const all = [...parts, { title: "libdeflate 1.14 (MIT)", file: join(root, "native", "libdeflate", "COPYING") }];
  // An installation without source holds them in its kernel all the same; the text then came with `parts`.
  for (const { title, file } of all) if (existsSync(file)) sections.push(section(title, [file]));
  for (const { name, version, licence, homepage, directory } of packageClosure(root, Object.keys(own.dependencies))) {
    const texts = readdirSync(directory).filter((file) => LICENCE_FILE.test(file));
    const files = texts.map((file) => join(directory, file)).filter((file) => statSync(file).isFile());
    sections.push(section(`${name} ${version} (${licence})${homepage === undefined ? "" : ` ${homepage}`}`, files));
  }
  return sections.join("\n");
}

function section(title: string, files: string[]): string {
  const text = files.sort().map((file) => `${readFileSync(file, "utf8").trim()}\n`);
  return `${RULE}\n${title}\n${RULE}\n${text.length === 0 ? "No text came with it; its name above is its licence.\n" : text.join("\n")}`;
}
