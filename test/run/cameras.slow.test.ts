import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Manifest } from "../../src/manifest/manifest.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { FakeMachine } from "../cameras/fakes/machine.ts";
import { command as phorest } from "./commands.ts";
import { experiment, start } from "./program.ts";

const CONFIG = `
[Web]
enabled = false
[Report]
plot = false
[Data_Analysis]
method = "max_intensity"
[Paths]
brightfield_dir = "bright"
[Services]
enable_camera = true
enable_brightfield = true
enable_thermocouple = true
[Timing]
collector_interval_seconds = 0.2
communicator_interval_seconds = 0.2
[Retries]
# A slow machine may look like a camera that fails, any number of times.
collector_retry_delay_seconds = 0.1
collector_failure_limit = 100000
[Camera]
camera_type = "v4l2"
device = "./video0"
warm_up_frames = 0
camera_gain = 50
timeout_seconds = 120
[Brightfield]
camera_gain = 7
every_n = 2
[Temperature.command_sensors]
Broken = ["false"]
Room = ["echo", "21.5"]
`;

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine(["v4l2-ctl"]);
});
afterEach(() => machine.close());

function lab(config = CONFIG): string {
  const directory = experiment(config);
  mkdirSync(join(directory, "generated_files"));
  const roi = { label: "01A_N", flip: false, y: 10, x: 10, height: 40, width: 100 };
  writeFileSync(
    join(directory, "generated_files/ROI_manifest.json"),
    formatRoiManifest({ imageAngle: 0, rois: [roi] }),
  );
  return directory;
}

function entriesOf(directory: string) {
  const manifest = Manifest.open({ file: join(directory, "data/phorest.sqlite"), readonly: true });
  try {
    return [...manifest.history.entries()];
  } finally {
    manifest.close();
  }
}

test("a run with a v4l2 camera: a failed sensor keeps the picture, brightfield pictures are never frames", async () => {
  const directory = lab();
  const first = await phorest(["run", "--frames", "4", "--until-idle"], directory);
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining("brightfield image")]);
  const entries = entriesOf(directory);
  expect(entries).toHaveLength(4);
  for (const entry of entries) {
    expect(entry.status).toBe("processed");
    expect(entry.collectionError).toMatch(/^Broken \(false\): false exited with code 1/);
    expect(entry.filename).toMatch(/^image_.*\.png$/);
  }
  const bright = readdirSync(join(directory, "bright"));
  expect(bright).toHaveLength(2);
  expect(bright.every((name) => name.startsWith("brightfield_"))).toBe(true);
  // Even where somebody copied one among the frames, a start does not adopt it.
  writeFileSync(join(directory, "data", bright[0] ?? ""), "picture");
  await phorest(["run", "--frames", "1", "--until-idle"], directory);
  expect(entriesOf(directory)).toHaveLength(5);
  expect(await machine.leftovers()).toEqual({ processes: [], files: [basename(directory)] });
});

test("a brightfield camera that is away costs neither frames nor readings; one that is there numbers its pictures", async () => {
  const counting = '["sh", "-c", "echo . >> asked; echo 21.5"]';
  const away = CONFIG.replace("every_n = 2", "every_n = 1\ncamera_id = 1").replace('["false"]', counting);
  const directory = lab(`${away}\n[Temperature]\ninterval_seconds = 3600\n`);
  const { code, stderr } = await phorest(["run", "--frames", "3", "--until-idle"], directory);
  expect([code, stderr.split("cannot take a brightfield image").length - 1]).toEqual([0, 1]);
  expect(entriesOf(directory).map(({ collectionError }) => collectionError)).toEqual([undefined, undefined, undefined]);
  // The thermometers were started once: no failure of the other camera closed them.
  expect(readFileSync(join(directory, "asked"), "utf8")).toBe(".\n");
  const simulated = lab(away.replace('"v4l2"', '"simulated"').replace(/^device.*$/m, ""));
  await phorest(["run", "--frames", "1", "--until-idle"], simulated);
  expect(readdirSync(join(simulated, "bright"))).toEqual([expect.stringMatching(/_cam1\.png$/)]);
});

test("a run survives a camera that hangs, dies and comes back, and leaves no process", async () => {
  const file = join(machine.directory, "fault");
  machine.set("FAKE_FAULT_FILE", file);
  writeFileSync(file, "hanging");
  const directory = lab(CONFIG.replace("timeout_seconds = 120", "timeout_seconds = 4"));
  const { child, ended } = start(["run", "--frames", "2", "--until-idle"], directory);
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const said = (what: RegExp) => expect.poll(() => log, { timeout: 240_000 }).toMatch(what);
  await said(/did not finish within 4 s/);
  writeFileSync(file, "signal");
  await said(/was killed by SIGSEGV/);
  rmSync(file);
  expect(await ended).toMatchObject({ code: 0, signal: null });
  expect(entriesOf(directory).map(({ status }) => status)).toEqual(["processed", "processed"]);
  expect(await machine.leftovers()).toEqual({ processes: [], files: [basename(directory)] });
});

test("a stop in the middle of a hanging exposure ends the run in time, with no process left", async () => {
  machine.set("FAKE_FAULT", "hanging");
  const directory = lab(`${CONFIG}\n[Supervisor]\nshutdown_timeout_seconds = 16\n`);
  const { child, ended } = start(["run"], directory);
  await machine.started();
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
  expect(await machine.leftovers()).toEqual({ processes: [], files: [basename(directory)] });
});

test("a hanging camera program that a killed run left behind is ended by the next run, and no other", async () => {
  machine.set("FAKE_FAULT", "hanging");
  const directory = lab(CONFIG.replace("timeout_seconds = 120", "timeout_seconds = 600"));
  const { child, ended } = start(["run"], directory);
  await machine.started();
  child.kill("SIGKILL");
  await ended;
  expect((await machine.leftovers()).processes).not.toEqual([]);
  machine.set("FAKE_FAULT", "");
  const elsewhere = start(["run", "--frames", "1", "--until-idle"], lab(CONFIG));
  expect((await elsewhere.ended).code).toBe(0);
  expect((await machine.leftovers()).processes).not.toEqual([]);
  const again = start(["run", "--frames", "1", "--until-idle"], directory);
  let said = "";
  again.child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  expect((await again.ended).code).toBe(0);
  expect(said).toContain("stopped a program that a killed run had left running");
  expect((await machine.leftovers()).processes).toEqual([]);
});

test("a second Ctrl-C ends the run at once, and the hanging camera program with it", async () => {
  machine.set("FAKE_FAULT", "hanging");
  const directory = lab(CONFIG.replace("timeout_seconds = 120", "timeout_seconds = 600"));
  const { child, ended } = start(["run"], directory);
  const stopping = new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => /stopping: interrupted/.test(chunk.toString()) && resolve());
  });
  await machine.started();
  child.kill("SIGINT");
  await stopping;
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  expect(await machine.leftovers()).toEqual({ processes: [], files: [basename(directory)] });
});
