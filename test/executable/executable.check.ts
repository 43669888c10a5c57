// The one executable as a lab gets it: alone in an empty directory, as a user without a home, with an empty environment.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot, packageVersion } from "../../src/files.ts";
import { toml } from "../opcua/deliver.ts";
import { Plant, scratch } from "../opcua/plant.ts";

const NOBODY = 65_534;
const made = join(packageRoot(), "dist", `phorest-${packageVersion()}-linux-${process.arch}`);

let home: string;
let program: string;

/** Runs the executable as nobody where this is root, with nothing in its environment but `env`. */
function phorest(words: readonly string[], directory: string, env: NodeJS.ProcessEnv = {}) {
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const given = { PHOREST_CACHE_DIR: join(home, "cache"), ...env };
  return spawnSync(program, words, { cwd: directory, env: given, encoding: "utf8", maxBuffer: 1e9, ...user });
}

function emptyDirectory(config?: string): string {
  const directory = mkdtempSync(join(home, "experiment-"));
  if (config !== undefined) writeFileSync(join(directory, "config.toml"), config);
  if (process.getuid?.() === 0) chownSync(directory, NOBODY, NOBODY);
  return directory;
}

beforeAll(() => {
  if (!existsSync(made)) throw new Error(`${made} is not there: npm run package`);
  home = mkdtempSync(join(tmpdir(), "phorest-executable-"));
  chmodSync(home, 0o755);
  mkdirSync(join(home, "cache"));
  if (process.getuid?.() === 0) chownSync(join(home, "cache"), NOBODY, NOBODY);
  program = join(home, "phorest");
  copyFileSync(made, program);
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe("the executable", () => {
  it("has its own hash and a bill of materials beside it", () => {
    const hash = createHash("sha256").update(readFileSync(made)).digest("hex");
    expect(readFileSync(`${made}.sha256`, "utf8")).toBe(`${hash}  ${basename(made)}\n`);
    const bill = JSON.parse(readFileSync(`${made}.cdx.json`, "utf8"));
    expect(bill.bomFormat).toBe("CycloneDX");
    const names = bill.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(["node", "libdeflate", "better-sqlite3", "piscina"]));
    expect(names).not.toContain("vitest");
  });

  it("unpacks itself once and then answers --version", () => {
    const directory = emptyDirectory();
    for (let start = 0; start < 2; start += 1) {
      const { status, stdout, stderr } = phorest(["--version"], directory);
      expect([status, stdout, stderr]).toEqual([0, `${packageVersion()}\n`, ""]);
    }
    expect(readdirSync(join(home, "cache"))).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("has every worker of this source in it", () => {
    const [unpacked = ""] = readdirSync(join(home, "cache"));
    const packed = readdirSync(join(home, "cache", unpacked, "dist/workers"));
    const workers = readdirSync(join(packageRoot(), "workers")).map((name) => name.replace(/\.ts$/, ".js"));
    expect(packed).toEqual(expect.arrayContaining(workers));
  });

  it("photographs, measures, reports, compresses, backs up and syncs", () => {
    const directory = emptyDirectory(EVERYTHING);
    expect(phorest(["init-remote", "share"], directory).status).toBe(0);
    const { status, stdout, stderr } = phorest(["run", "--frames", "5", "--until-idle"], directory);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^5 frames captured, 5 measured, 0 failed/);
    for (const name of ["communicating_results.csv", "processed_data_plot.png", "processed_data_plot.svg"]) {
      expect(existsSync(join(directory, "results", name)), name).toBe(true);
    }
    const report = phorest(["status", "--json"], directory);
    expect(JSON.parse(report.stdout).counts).toMatchObject({ processed: 5, synced: 5 });
  });

  it("writes to the plant's OPC UA server", async () => {
    const { directory: pki, gone } = scratch();
    const plant = await Plant.start({ pki, nodes: [{ name: "Beat", type: "UInt32" }] });
    try {
      const node = { node_id: "ns=2;s=Beat", value: "heartbeat" };
      const directory = emptyDirectory(`${toml(plant.endpointUrl, [node])}${QUICK}`);
      const { status, stdout, stderr } = phorest(["run", "--frames", "1", "--until-idle"], directory);
      expect(status, stdout + stderr).toBe(0);
      expect((await plant.counts()).writtenValues).toBeGreaterThan(0);
    } finally {
      await plant.kill();
      gone();
    }
  });

  it("measures existing pictures the same on every vector unit of the processor", () => {
    const directory = emptyDirectory();
    expect(phorest(["simulate", "chips", "--frames", "2", "--size", "640x480"], directory).status).toBe(0);
    const [rois = ""] = readdirSync(join(directory, "chips")).filter(
      (name) => /roi/i.test(name) && name.endsWith(".json"),
    );
    const measured = ["baseline", "avx2", "avx512"].map((unit) => {
      const words = ["analyse", "chips", "--rois", join("chips", rois), "--method", "joint", "--jsonl", "-"];
      const { status, stdout, stderr } = phorest(words, directory, { PHOREST_VECTOR_UNIT: unit });
      expect(status, stderr).toBe(0);
      return positionsOf(stdout);
    });
    const [baseline = []] = measured;
    expect(baseline.length).toBeGreaterThan(10);
    for (const positions of measured) {
      expect(positions).toHaveLength(baseline.length);
      for (const [i, position] of positions.entries())
        expect(Math.abs(position - (baseline[i] ?? NaN))).toBeLessThan(1e-5);
    }
  });

  it("prints whose work is in it", () => {
    const { stdout } = phorest(["licences"], emptyDirectory());
    for (const name of ["Node.js", "sharp", "node-opcua-client", "vega", "libdeflate", "better-sqlite3"]) {
      expect(stdout).toContain(name);
    }
  });

  it("says in one line where it cannot unpack itself, and what to set", () => {
    const { status, stderr } = phorest(["--version"], emptyDirectory(), { PHOREST_CACHE_DIR: "/proc/nowhere" });
    expect(status).toBe(2);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/cannot be unpacked.*PHOREST_CACHE_DIR/);
  });
});

/** Every number called a position in JSON lines, in order. */
function positionsOf(lines: string): number[] {
  const found: number[] = [];
  const visit = (value: unknown, key: string): void => {
    if (typeof value === "number" && /position|resonance|median|mean/i.test(key)) found.push(value);
    else if (typeof value === "object" && value !== null)
      for (const [name, inner] of Object.entries(value)) visit(inner, name);
  };
  for (const line of lines.trim().split("\n")) visit(JSON.parse(line), "");
  return found;
}

const QUICK = `
[Timing]
collector_interval_seconds = 0.2
communicator_interval_seconds = 0.5
[Simulation]
width = 640
height = 480
`;

const EVERYTHING = `${QUICK}
[Paths]
remote_root_dir = "share"
[Services]
enable_remote_sync = true
enable_image_compression = true
enable_file_backup = true
`;
