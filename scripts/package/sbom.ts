// The bill of materials beside an executable (CycloneDX), by npm from the installed packages, completed by what npm does
// not know: the Node.js inside, and source that came with ours.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Base } from "./base.ts";
import { run } from "./steps.ts";

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
  );
  bill.metadata.timestamp = new Date(commitSeconds * 1000).toISOString();
  const content = createHash("sha256").update(readFileSync(executable)).digest("hex");
  bill.metadata.component.type = "application";
  bill.metadata.component.hashes = [{ alg: "SHA-256", content }];
  bill.metadata.component.description = basename(executable);
  bill.serialNumber = `urn:uuid:${uuidOf(JSON.stringify({ ...bill, serialNumber: "" }))}`;
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function part(name: string, version: string, id: string, purl: string): object {
  return { type: "library", "bom-ref": `${name}@${version}`, name, version, purl, licenses: [{ license: { id } }] };
}

/** A UUID (RFC 9562, version 8) that follows from `text`. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const [a, b, c, d, e] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20), hex.slice(20, 32)];
  return `${a}-${b}-8${c}-8${d}-${e}`;
}
