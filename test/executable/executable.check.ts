// What the one executable does: every part of the program out of it, measured, written and sent.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { packageRoot, packageVersion } from "../../src/system/files.ts";
import { toml } from "../outputs/opcua/deliver.ts";
import { Plant, scratch } from "../outputs/opcua/plant.ts";
import { isThere } from "../support/needed.ts";
import { Alone, madeFor } from "./alone.ts";
import { positionsOf } from "./positions.ts";

const made = madeFor(process.arch);
/** The ways the kernel may compute here; NEON is part of every arm64, so that there is one. */
const VECTOR_UNITS = process.arch === "x64" ? ["baseline", "avx2", "avx512"] : ["baseline"];

const HAS_TMUX = isThere("tmux (apt-get install tmux)", spawnSync("tmux", ["-V"]).status === 0);
const WAITING = { timeout: 60_000, interval: 50 };

let alone: Alone;
beforeAll(() => {
  alone = new Alone(made);
});
afterAll(() => alone.remove());

describe("the executable", () => {
  it("has its own hash and a bill of materials beside it", () => {
    const hash = createHash("sha256").update(readFileSync(made)).digest("hex");
    expect(readFileSync(`${made}.sha256`, "utf8")).toBe(`${hash}  ${basename(made)}\n`);
    const bill = JSON.parse(readFileSync(`${made}.cdx.json`, "utf8"));
    expect(bill.bomFormat).toBe("CycloneDX");
    const names = bill.components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(["node", "libdeflate", "better-sqlite3", "piscina"]));
    expect(names).toEqual(expect.arrayContaining(["sqlite", "vips", "glib", "preact", "uplot"]));
    expect(bill.metadata.component).toMatchObject({ name: "phorest", version: packageVersion() });
    expect(bill.metadata.component.hashes).toEqual([{ alg: "SHA-256", content: hash }]);
    expect(names).not.toContain("vitest");
  });

  it("unpacks itself once and then answers --version", () => {
    const directory = alone.experiment();
    for (let start = 0; start < 2; start += 1) {
      const { status, stdout, stderr } = alone.run(["--version"], directory);
      expect([status, stdout, stderr]).toEqual([0, `${packageVersion()}\n`, ""]);
    }
    expect(readdirSync(alone.cache)).toHaveLength(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("has every worker of this source in it", () => {
    const [unpacked = ""] = readdirSync(alone.cache);
    const packed = readdirSync(join(alone.cache, unpacked, "dist/workers"));
    const workers = readdirSync(join(packageRoot(), "workers")).map((name) => name.replace(/\.ts$/, ".js"));
    expect(packed).toEqual(expect.arrayContaining(workers));
  });

  it("runs in an empty directory, configured by nobody", () => {
    const directory = alone.experiment();
    const { status, stdout, stderr } = alone.run(["run", "--frames", "5", "--until-idle"], directory);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^5 frames captured, 5 measured, 0 failed/);
  });

  it("photographs, measures, reports, compresses, backs up and syncs", () => {
    const directory = alone.experiment();
    // As a share that somebody has mounted.
    const share = alone.directory("share");
    writeFileSync(join(directory, "config.toml"), everything(share));
    expect(alone.run(["init-remote", share], directory).status).toBe(0);
    const { status, stdout, stderr } = alone.run(["run", "--frames", "5", "--until-idle"], directory);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^5 frames captured, 5 measured, 0 failed/);
    for (const name of ["communicating_results.csv", "processed_data_plot.png", "processed_data_plot.svg"]) {
      expect(existsSync(join(directory, "results", name)), name).toBe(true);
    }
    const report = alone.run(["status", "--json"], directory);
    expect(JSON.parse(report.stdout).counts).toMatchObject({ processed: 5, synced: 5 });
  });

  it("writes to the plant's OPC UA server", async () => {
    const { directory: pki, gone } = scratch();
    const plant = await Plant.start({ pki, nodes: [{ name: "Beat", type: "UInt32" }] });
    try {
      const node = { node_id: "ns=2;s=Beat", value: "heartbeat" };
      const directory = alone.experiment(`${toml(plant.endpointUrl, [node])}${QUICK}`);
      const { status, stdout, stderr } = alone.run(["run", "--frames", "1", "--until-idle"], directory);
      expect(status, stdout + stderr).toBe(0);
      expect((await plant.counts()).writtenValues).toBeGreaterThan(0);
    } finally {
      await plant.kill();
      gone();
    }
  });

  it("measures existing pictures the same on every vector unit of the processor", () => {
    const directory = alone.experiment();
    expect(alone.run(["simulate", "chips", "--frames", "2", "--size", "640x480"], directory).status).toBe(0);
    const [rois = ""] = readdirSync(join(directory, "chips")).filter(
      (name) => /roi/i.test(name) && name.endsWith(".json"),
    );
    const measured = VECTOR_UNITS.map((unit) => {
      const words = ["analyse", "chips", "--rois", join("chips", rois), "--method", "joint", "--jsonl", "-"];
      const { status, stdout, stderr } = alone.run(words, directory, { ...alone.settings, PHOREST_VECTOR_UNIT: unit });
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

  it("finds the ROIs of a picture, and measures it by them", () => {
    const directory = alone.experiment();
    expect(alone.run(["simulate", "chips", "--frames", "1"], directory).status).toBe(0);
    const [picture = ""] = readdirSync(join(directory, "chips")).filter((name) => name.endsWith(".png"));
    const words = ["calibrate", join("chips", picture), "--auto", "--json", "--out", "found"];
    const { status, stdout, stderr } = alone.run(words, directory);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ found: true, chip_type: "IMECII_2" });
    const rois = join("found", "ROI_manifest.json");
    const measured = alone.run(["analyse", join("chips", picture), "--rois", rois, "--jsonl", "-"], directory);
    expect(measured.status, measured.stderr).toBe(0);
    expect(positionsOf(measured.stdout).length).toBeGreaterThan(100);
  });

  it.skipIf(!HAS_TMUX)("starts a run from its menu", async () => {
    const directory = alone.experiment(`${QUICK}[Web]\nport = 0\n`);
    const tmux = (...args: string[]) =>
      spawnSync("tmux", ["-L", `phorest-menu-${process.pid}`, ...args], { encoding: "utf8" });
    const screen = () => tmux("capture-pane", "-p").stdout;
    // As the user of these tests, in a place of theirs.
    const command = `env PHOREST_CACHE_DIR=${join(alone.home, "menu")} ${alone.program} menu`;
    tmux("new-session", "-d", "-x", "120", "-y", "40", "-c", directory, command);
    try {
      await vi.waitUntil(() => screen().includes("no run is active"), WAITING);
      tmux("send-keys", "Down", "Enter");
      await vi.waitUntil(() => /started: process \d+|did not start/.test(screen()), WAITING);
      expect(screen()).toMatch(/started: process \d+/);
    } finally {
      const [pid] = /started: process (\d+)/.exec(screen())?.slice(1) ?? [];
      tmux("kill-server");
      if (pid !== undefined) process.kill(Number(pid), "SIGKILL");
    }
  });

  it("prints whose work is in it", () => {
    const { stdout } = alone.run(["licences"], alone.experiment());
    for (const name of ["Node.js", "sharp", "node-opcua-client", "vega", "libdeflate", "better-sqlite3"]) {
      expect(stdout).toContain(name);
    }
  });
});

const QUICK = `
[Timing]
collector_interval_seconds = 0.2
communicator_interval_seconds = 0.5
[Simulation]
width = 640
height = 480
`;

const everything = (share: string) => `${QUICK}
[Paths]
remote_root_dir = ${JSON.stringify(share)}
[Services]
enable_remote_sync = true
enable_image_compression = true
enable_file_backup = true
`;
