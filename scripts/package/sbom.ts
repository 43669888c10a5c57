// The bill of materials next to an executable (CycloneDX), by npm from the installed packages, completed by what npm does
// not know: the Node.js inside, and source that came with ours.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Base } from "./base.ts";
import { PackingError, run } from "./steps.ts";

interface Bill {
  serialNumber: string;
  metadata: { timestamp: string; component: Record<string, unknown> };
  components: object[];
}

/** The bill's text. Its only time is that of the commit, and its number follows from its contents. */
export function billOfMaterials(stage: string, executable: string, base: Base, commitSeconds: number): string {
  // What only development needs is not installed here; npm would take that for a fault.
  const own = JSON.parse(readFileSync(join(stage, "package.json"), "utf8"));
  writeFileSync(join(stage, "package.json"), JSON.stringify({ ...own, devDependencies: undefined }));
  const printed = run("npm", ["sbom", "--sbom-format=cyclonedx", "--omit=dev"], { cwd: stage, what: "npm sbom" });
  const bill: Bill = JSON.parse(printed);
  bill.components.push(
    part("node", base.version, "MIT", `pkg:generic/node@${base.version}`),
    part("libdeflate", "1.14", "MIT", "pkg:github/ebiggers/libdeflate@v1.14"),
    sqlite(stage),
    ...librariesOfSharp(stage),
  );
  bill.metadata.timestamp = new Date(commitSeconds * 1000).toISOString();
  const content = createHash("sha256").update(readFileSync(executable)).digest("hex");
  // npm would name it after its directory.
  bill.metadata.component.name = own.name;
  bill.metadata.component.type = "application";
  bill.metadata.component.hashes = [{ alg: "SHA-256", content }];
  bill.metadata.component.description = basename(executable);
  bill.serialNumber = `urn:uuid:${uuidOf(JSON.stringify({ ...bill, serialNumber: "" }))}`;
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function part(name: string, version: string, id: string | undefined, purl: string): object {
  const licenses = id === undefined ? {} : { licenses: [{ license: { id } }] };
  return { type: "library", "bom-ref": `${name}@${version}`, name, version, purl, ...licenses };
}

/** SQLite itself, whose source is inside its binding. */
function sqlite(stage: string): object {
  const header = readFileSync(join(stage, "node_modules/better-sqlite3/deps/sqlite3/sqlite3.h"), "utf8");
  const [, version] = /^#define SQLITE_VERSION +"([\d.]+)"/m.exec(header) ?? [];
  if (version === undefined) throw new PackingError("SQLite's header does not say which version it is");
  return part("sqlite", version, "blessing", `pkg:generic/sqlite@${version}`);
}

/** What libvips, as it comes for sharp, is linked with. Their licences are in its package's own words, see licences.ts. */
function librariesOfSharp(stage: string): object[] {
  const scope = join(stage, "node_modules/@img");
  const [name] = readdirSync(scope).filter((entry) => entry.startsWith("sharp-libvips-"));
  if (name === undefined) throw new PackingError("libvips is not installed for this machine");
  const versions: Record<string, string> = JSON.parse(readFileSync(join(scope, name, "versions.json"), "utf8"));
  return Object.entries(versions).map(([library, version]) =>
    part(library, version, undefined, `pkg:generic/${library}@${version}`),
  );
}

/** A UUID (RFC 9562, version 8) that follows from `text`. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const [a, b, c, d, e] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20), hex.slice(20, 32)];
  return `${a}-${b}-8${c}-8${d}-${e}`;
}
