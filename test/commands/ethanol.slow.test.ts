// The figures of a change of liquid, each by one command, on images of the simulated chip whose truth is known: when the front
// arrives at each grating, the sensitivity, and the difference between two windows.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TIME_TO_STOP } from "../support/time-to-stop.ts";

const CONFIG = `
[Services]
enable_camera = true

[Report]
plot = false
[Web]
enabled = false
[Camera]
camera_type = "folder"
watch_dir = "images"
[Assets]
generated_files_dir = "images"
[Data_Analysis]
method = "tracking"
${TIME_TO_STOP}`;
/** Time between two images, s. */
const INTERVAL_S = 10;
/** From the start of an injection until it is over the chip, s. */
const ON_THE_WAY_S = 27;
const BUFFER = 1.333;

interface Truth {
  readonly assay: {
    readonly flow: { readonly speed_px_per_second: number; readonly direction_degrees: number };
    readonly injections: readonly { readonly start: number; readonly refractive_index: number }[];
  };
  readonly rois: Readonly<
    Record<string, { readonly arrival_seconds: number; readonly sensitivity_px_per_riu: number }>
  >;
}

let root: string;
let truth: Truth;

async function run(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await phorest(words, root);
  expect(code, `${words.join(" ")}: ${stderr}`).toBe(0);
  return stdout;
}

const json = async <T>(...words: string[]): Promise<T> => JSON.parse(await run(...words, "--json")) as T;
const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0) / values.length);
/** Both halves of a grating are alike. */
const truthOf = (grating: string) => truth.rois[`${grating}_N`] ?? { arrival_seconds: 0, sensitivity_px_per_riu: 0 };

beforeAll(async () => {
  root = temporaryDirectory("phorest-ethanol-");
  writeFileSync(join(root, "config.toml"), CONFIG);
  await run("simulate", "images", "--assay", "ethanol", "--size", "960x730");
  truth = JSON.parse(readFileSync(join(root, "images/truth.json"), "utf8")) as Truth;
  await run("run", "--until-idle");
  // Before anybody has recorded them: each injection begins where a step is proposed, and nothing is recorded.
  const proposed = (await json<{ start: string }[]>("injections", "propose")).map(({ start }) => Date.parse(start));
  const first = Date.parse("2025-01-01T00:00:00Z");
  for (const { start } of truth.assay.injections) {
    const off = proposed.map((ms) => Math.abs((ms - first) / 1000 - start - ON_THE_WAY_S));
    expect(Math.min(...off)).toBeLessThan(3 * INTERVAL_S);
  }
  expect(await json("injections", "list")).toEqual([]);
  await run("injections", "import", "images/injections.csv");
  expect(await json("injections", "propose")).toEqual([]);
}, 900_000);

test("the front arrives at each grating within half a frame, and flows as fast and where it does", async () => {
  const { arrivals, flows } = await json<{
    arrivals: { label: string; injection: number; arrival_s: number; standard_error_s: number }[];
    flows: { speed_px_per_s: number; direction_degrees: number }[];
  }>("arrival");
  expect(arrivals).toHaveLength(3 * 64);
  const off = arrivals.map(({ label, arrival_s }) => arrival_s - truthOf(label).arrival_seconds);
  expect(Math.max(...off.map(Math.abs))).toBeLessThan(INTERVAL_S / 2);
  expect(rms(off)).toBeLessThan(0.05 * INTERVAL_S);
  const z = rms(off.map((seconds, at) => seconds / (arrivals[at]?.standard_error_s ?? 1)));
  expect(z).toBeGreaterThan(0.7);
  expect(z).toBeLessThan(1.4);
  const { speed_px_per_second, direction_degrees } = truth.assay.flow;
  for (const flow of flows) {
    expect(Math.abs(flow.speed_px_per_s / speed_px_per_second - 1)).toBeLessThan(0.03);
    expect(Math.abs(flow.direction_degrees - direction_degrees)).toBeLessThan(3);
  }
  const map = await json<{ values: { label: string; value: number }[] }>("map", "arrival", "--injection", "3");
  const last = arrivals.filter(({ injection }) => injection === 3);
  expect(map.values.map(({ value }) => value)).toEqual(last.map(({ arrival_s }) => arrival_s));
});

test("sensitivities scatter by less than 1 % about the truth, as their errors say", async () => {
  const found = await json<{ label: string; px_per_riu: number; standard_error: number }[]>(
    "sensitivity",
    "--buffer-index",
    String(BUFFER),
  );
  const off = found.map(({ label, px_per_riu }) => px_per_riu - truthOf(label).sensitivity_px_per_riu);
  const relative = off.map((px, at) => px / truthOf(found[at]?.label ?? "").sensitivity_px_per_riu);
  // An image of the usual size has four times as many pixels, and half of this scatter.
  expect(rms(relative)).toBeLessThan(0.01);
  const z = rms(off.map((px, at) => px / (found[at]?.standard_error ?? 1)));
  expect(z).toBeGreaterThan(0.7);
  expect(z).toBeLessThan(1.4);
});

test("the difference between the window before an injection and the one at its end is that of the liquids", async () => {
  const found =
    await json<
      {
        label: string;
        injection: number;
        point: string;
        response_px: number;
        standard_error_px: number;
        flags: string[];
      }[]
    >("responses");
  const late = found.filter(({ point }) => point === "late");
  for (const [at, { refractive_index }] of truth.assay.injections.entries()) {
    const own = late.filter(({ injection }) => injection === at + 1);
    const z = own.map(({ label, response_px, standard_error_px }) => {
      return (response_px - truthOf(label).sensitivity_px_per_riu * (refractive_index - BUFFER)) / standard_error_px;
    });
    expect(rms(z)).toBeGreaterThan(0.7);
    expect(rms(z)).toBeLessThan(1.4);
    expect(own.filter(({ flags }) => flags.length > 0).length).toBeLessThan(0.05 * own.length);
  }
});
