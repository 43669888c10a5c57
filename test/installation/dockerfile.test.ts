// The container's recipe, by the checks of Docker's own editor support and by the rules hadolint is known for.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ValidationSeverity, validate } from "dockerfile-utils";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { packageRoot, packageVersion } from "../../src/system/files.ts";
import { stagesOf } from "../container/recipe.ts";

const dockerfile = readFileSync(join(packageRoot(), "Dockerfile"), "utf8");
const lines = dockerfile.replaceAll("\\\n", " ").split("\n");
const starting = (word: string) => lines.filter((line) => line.startsWith(`${word} `));

describe("the Dockerfile", () => {
  it("is sound by the linter, warnings included", () => {
    const settings = {
      deprecatedMaintainer: ValidationSeverity.ERROR,
      instructionJSONInSingleQuotes: ValidationSeverity.ERROR,
    };
    const found = validate(dockerfile, settings).map(({ message, range }) => `${range.start.line + 1}: ${message}`);
    expect(found).toEqual([]);
  });

  it("is understood as a whole by the script that does its steps where no engine runs", () => {
    const stages = stagesOf(dockerfile);
    expect(stages.map(({ name }) => name)).toEqual(["build", "1"]);
    const words = stages.flatMap(({ instructions }) => instructions.map(({ word, text }) => `${word} ${text}`));
    const written = lines.filter((line) => /^[A-Z]+ /.test(line) && !line.startsWith("FROM "));
    expect(words).toEqual(written.map((line) => line.trim()));
    expect(() => stagesOf("FROM a\nADD https://example.org /x")).toThrow(/not understood/);
  });

  it("pins every base to a full version (DL3006, DL3007)", () => {
    expect(starting("FROM").length).toBeGreaterThan(1);
    for (const line of starting("FROM")) expect(line).toMatch(/^FROM \w+:\d+(\.\d+)+-\S+/);
  });

  it("installs only what it names and keeps no lists (DL3009, DL3014, DL3015)", () => {
    for (const line of starting("RUN").filter((text) => text.includes("apt-get install"))) {
      expect(line).toMatch(/apt-get install --no-install-recommends -y/);
      expect(line).toContain("rm -rf /var/lib/apt/lists/*");
    }
  });

  it("runs as a user without rights, starts in exec form, and is asked for its health (DL3002, DL3025)", () => {
    expect(starting("USER").at(-1)).toBe("USER phorest");
    for (const word of ["ENTRYPOINT", "CMD"]) expect(starting(word).at(-1)).toMatch(/^\w+ \["/);
    expect(starting("HEALTHCHECK")[0]).toContain('CMD ["phorest-healthy"]');
  });

  it("keeps the layer of the packages while only the source changes, and builds with Node.js 24", () => {
    const packages = lines.indexOf("COPY package.json package-lock.json ./");
    const install = lines.findIndex((line) => line.startsWith("RUN npm ci"));
    expect(packages).toBeGreaterThan(0);
    expect(install).toBeGreaterThan(packages);
    expect(lines.indexOf("COPY . .")).toBeGreaterThan(install);
    expect(starting("FROM")[0]).toMatch(/^FROM node:24\./);
  });

  it("limits the allocator from the start, before Node.js has threads", () => {
    expect(starting("ENV")).toContain("ENV MALLOC_ARENA_MAX=2");
  });

  it("has the bill of materials in it, simulates nothing unasked, and makes no volume that vanishes", () => {
    expect(starting("COPY")).toContainEqual(expect.stringMatching(/\.cdx\.json \/usr\/share\/doc\/phorest\//));
    expect(starting("ENV")).toContain("ENV PHOREST_REQUIRE_CONFIG=1");
    expect(starting("VOLUME")).toEqual([]);
  });
});

describe("the context of a build", () => {
  const entries = (file: string) =>
    readFileSync(join(packageRoot(), file), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.replace(/^\/|\/$/g, ""));

  it("leaves out all that does not belong into the repository either: pictures, tokens, private keys", () => {
    expect(entries(".dockerignore")).toEqual(expect.arrayContaining([".git", ...entries(".gitignore")]));
  });

  it("leaves out the experiment that the compose example keeps beside it", () => {
    const { services } = parse(readFileSync(join(packageRoot(), "docker-compose.yml"), "utf8"));
    expect(services.phorest.volumes).toContain("./experiment:/experiment");
    expect(entries(".dockerignore")).toContain("experiment");
  });
});

describe("the compose example", () => {
  const { services } = parse(readFileSync(join(packageRoot(), "docker-compose.yml"), "utf8"));

  it("comes back after a fault, gives a stop its time, and sees cameras that come and go", () => {
    const { phorest } = services;
    expect(phorest.restart).toBe("unless-stopped");
    expect(Number.parseInt(phorest.stop_grace_period, 10)).toBeGreaterThan(30);
    // A device that is named must be there when the container starts.
    expect(phorest.devices).toBeUndefined();
    expect(phorest.volumes).toContain("/dev:/dev");
    expect(phorest.device_cgroup_rules).toEqual(["c 81:* rw"]);
    expect(phorest.image).toBe(`phorest:${packageVersion()}`);
  });

  it("hands on the page to this machine alone, under the address that the start prints", () => {
    const address: string = services.phorest.environment.PHOREST_WEB_ADDRESS;
    expect(address).toMatch(/^127\.0\.0\.1:\$\{PHOREST_PORT:-8080\}$/);
    expect(services.phorest.ports).toEqual([`${address}:8080`]);
  });

  it("uses nothing of the host that may be missing, such as a share", () => {
    const sources = services.phorest.volumes.map((volume: string) => volume.split(":")[0]);
    expect(sources).toEqual(["./experiment", "/dev", "/sys"]);
  });
});
