// What the executable holds must be what the program asks for: a worker that is not packed is missed on the user's machine.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KEPT_PACKAGES, threadEntries } from "../../scripts/package/contents.ts";
import { licences } from "../../src/installation/licences.ts";
import { packageClosure } from "../../src/installation/packages.ts";
import { packageRoot } from "../../src/system/files.ts";

describe("what is packed", () => {
  it("has every file of workers/ as an entry", () => {
    const workers = readdirSync(join(packageRoot(), "workers"), { recursive: true, encoding: "utf8" });
    const code = workers.filter((name) => name.endsWith(".ts")).map((name) => `workers/${name}`);
    expect(threadEntries(packageRoot())).toEqual(code.sort());
  });

  it("has every package whose compiled part or data is looked for beside it", () => {
    const { dependencies } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
    const native = packageClosure(packageRoot(), Object.keys(dependencies)).filter(({ directory }) =>
      readdirSync(directory, { recursive: true, encoding: "utf8" }).some((name) => name.endsWith(".node")),
    );
    expect(native.length).toBeGreaterThan(2);
    const kept = new Set(packageClosure(packageRoot(), KEPT_PACKAGES).map(({ name }) => name));
    for (const { name } of native) expect(kept, name).toContain(name);
  });

  it("has no messages of other languages: zod's are 500 kB, read at every start, unless it is imported by `* as z`", () => {
    const sources = readdirSync(join(packageRoot(), "src"), { recursive: true, encoding: "utf8" });
    const imports = sources
      .filter((name) => name.endsWith(".ts"))
      .flatMap(
        (name) => readFileSync(join(packageRoot(), "src", name), "utf8").match(/^import .* from "zod.*$/gm) ?? [],
      );
    expect(new Set(imports)).toEqual(new Set(['import * as z from "zod";', 'import type * as z from "zod";']));
  });
});

describe("the licences", () => {
  it("name every package that is shipped, its version and its terms", () => {
    const text = licences();
    const { dependencies } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
    for (const [name, version] of Object.entries(dependencies)) expect(text).toContain(`${name} ${version} (`);
    expect(text).toContain("libdeflate 1.14 (MIT)");
    expect(text).toMatch(/sharp-libvips-linux-\w+ [\d.]+ \(LGPL-3.0-or-later\)/);
  });

  it("name what the page is made of, which is in it though no package is asked for when it runs", () => {
    const app = join(packageRoot(), "src/web/app");
    const sources = readdirSync(app, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
    const imported = sources.flatMap((name) =>
      [...readFileSync(join(app, name), "utf8").matchAll(/^import .*?"([@\w][^"]*)";$/gm)].map(([, from = ""]) => from),
    );
    const packages = new Set(imported.map((from) => /^(?:@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from));
    expect([...packages].sort()).toEqual(["preact", "uplot"]);
    const text = licences();
    for (const name of packages) expect(text).toMatch(new RegExp(`^${name} [\\d.]+ \\(MIT\\)`, "m"));
  });

  it("hold the libraries that are linked into libvips, and the texts they are under", () => {
    const text = licences();
    expect(text).toMatch(/^\| cairo +\| Mozilla Public License 1.1/m);
    expect(text).toMatch(/^\| glib +\| LGPLv3/m);
    for (const title of ["GNU LESSER GENERAL PUBLIC LICENSE", "GNU GENERAL PUBLIC LICENSE", "MOZILLA PUBLIC LICENSE"]) {
      expect(text).toMatch(new RegExp(`^ *${title}$`, "m"));
    }
  });
});
