// Responses, sensitivity and arrival by the real commands, on an experiment whose truth the test knows.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { gauss } from "../analysis/gauss.ts";
import { experiment } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const INTERVAL_S = 10;
const NOISE_PX = 0.004;
/** px/s in the image, along x. */
const SPEED = 25;
/** px per RIU of a grating: 1000, 1010, 1020 … */
const sensitivityOf = (grating: number) => 1000 + 10 * grating;
const CALIBRATIONS = [
  { start: 600, end: 1200, index: 1.334 },
  { start: 1800, end: 2400, index: 1.3345 },
];
const BUFFER = 1.333;

let root: string;

/** Twelve gratings in two rows; both halves move alike, so that their half sum is the shift. */
beforeAll(async () => {
  root = temporaryDirectory("phorest-evaluation-");
  const noise = gauss(11);
  const position = (roi: number, frame: number) => {
    const grating = roi >> 1;
    const x = 160 + (grating % 6) * 200;
    const seconds = frame * INTERVAL_S - x / SPEED;
    const px = CALIBRATIONS.reduce((sum, { start, end, index }) => {
      const inside = sigmoid((seconds - start) / 12) - sigmoid((seconds - end) / 12);
      return sum + sensitivityOf(grating) * (index - BUFFER) * inside;
    }, 0);
    return 60 + roi + px + NOISE_PX * noise();
  };
  const { manifest, add } = experiment(root, 24, position, NOISE_PX);
  add(300);
  manifest.close();
  const lines = CALIBRATIONS.map(({ start, end, index }) => `ethanol,calibration,${index},${start},${end}`);
  writeFileSync(join(root, "steps.csv"), ["solution,type,refractive_index,start,end", ...lines, ""].join("\n"));
  expect(await phorest(["injections", "import", "steps.csv"], root)).toMatchObject({ code: 0 });
});

/** The integral of the normal distribution (Zelen and Severo's approximation, to 1e-7). */
function sigmoid(z: number): number {
  if (z < 0) return 1 - sigmoid(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const sum = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, one) => sum + one * one, 0) / values.length);

async function json<T>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await phorest([...words, "--json"], root);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as T;
}

interface Response {
  label: string;
  injection: number;
  point: string;
  response_px: number;
  standard_error_px: number;
  flags: string[];
}

test("responses are those of the injections, with errors that hold", async () => {
  const all = await json<Response[]>("responses");
  expect(all).toHaveLength(12 * 2 * 4);
  const late = all.filter(({ point }) => point === "late");
  const z = late.map(({ label, injection, response_px, standard_error_px }) => {
    const index = CALIBRATIONS[injection - 1]?.index ?? 0;
    return (response_px - sensitivityOf(Number.parseInt(label, 10)) * (index - BUFFER)) / standard_error_px;
  });
  expect(rms(z)).toBeGreaterThan(0.6);
  expect(rms(z)).toBeLessThan(1.4);
  const { stdout } = await phorest(["responses", "--summary"], root);
  expect(stdout).toMatch(/ +1 +ethanol +late +12 +1\.05\d\d/);
  const csv = await phorest(["responses", "--injection", "2", "--roi", "003A*"], root);
  expect(csv.stdout.split("\n")[2]).toMatch(
    /^003A,2,2,calibration,ethanol,,late,2026-03-04T15:59:10.*,5,1\.54\d*,0\.00\d+,$/,
  );
});

test("the sensitivity of every grating is within 1 %, and its error is true", async () => {
  interface Line {
    label: string;
    px_per_riu: number;
    standard_error: number;
    flags: string[];
  }
  const found = await json<Line[]>("sensitivity", "--buffer-index", String(BUFFER));
  expect(found).toHaveLength(12);
  for (const { px_per_riu, label } of found) {
    expect(Math.abs(px_per_riu / sensitivityOf(Number.parseInt(label, 10)) - 1)).toBeLessThan(0.01);
  }
  const z = found.map((one) => (one.px_per_riu - sensitivityOf(Number.parseInt(one.label, 10))) / one.standard_error);
  expect(rms(z)).toBeLessThan(1.6);
  const { stderr } = await phorest(["sensitivity"], root);
  expect(stderr).toMatch(/12 of 12 curves: median 10\d\d(\.\d)? px\/RIU/);
});

test("saved sensitivities give the same RIU on every grating, in every form", async () => {
  interface Curve {
    label: string;
    riu: (number | null)[];
    riu_standard_error: (number | null)[];
    result: number[];
  }
  const riuLate = async (...words: string[]) => {
    const { stdout } = await phorest(["sensorgram", ...words, "--json"], root);
    const curves = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Curve);
    expect(curves).toHaveLength(words.length === 0 ? 24 : 12);
    // The end of the first injection, where the index differs by 0.001 from the buffer's.
    return curves.map(({ riu, riu_standard_error }) => [riu[117] ?? 0, riu_standard_error[117] ?? 0] as const);
  };
  const { code, stderr } = await phorest(["sensitivity", "--buffer-index", String(BUFFER), "--save"], root);
  expect(code).toBe(0);
  expect(stderr).toContain("saved the sensitivities of 36 curves in ");
  for (const form of [["--pairs", "half"], ["--pairs", "sum"], []]) {
    for (const [riu, error] of await riuLate(...form)) {
      expect(Math.abs(riu - 0.001)).toBeLessThan(5 * error);
      expect(error).toBeLessThan(2e-5);
    }
  }
  const wide = await phorest(["export", "--format", "csv-wide", "--quantity", "riu"], root);
  const late = wide.stdout
    .split("\n")
    .filter((line) => /^\d/.test(line))[117]
    ?.split(",")
    .slice(2);
  expect(late).toHaveLength(12);
  for (const riu of late ?? []) expect(Number(riu)).toBeCloseTo(0.001, 4);
  const summary = await json<{ detection_limit_px: number; detection_limit_riu: number }[]>(
    ...["sensorgram", "--summary", "--pairs", "--roi", "003A"],
  );
  const [{ detection_limit_px: px = 0, detection_limit_riu: riu = 0 } = {}] = summary;
  expect(px / riu / sensitivityOf(3)).toBeCloseTo(1, 2);

  const refused = await phorest(["sensitivity", "--save", "--roi", "003*"], root);
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain("--save keeps the sensitivities of all curves: leave out --roi");
  const file = join(root, "generated_files", "sensitivity.json");
  writeFileSync(file, readFileSync(file, "utf8").slice(0, 100));
  const damaged = await phorest(["sensorgram"], root);
  expect(damaged).toMatchObject({ code: 2 });
  expect(damaged.stderr).toMatch(
    /cannot read the sensitivities in .*sensitivity\.json: it is not JSON \(remove it; `phorest sensitivity --save` then writes it again\)/,
  );
  rmSync(file);
});

test("the front arrives within half a frame, and the flow is as fast as it is", async () => {
  interface Arrivals {
    arrivals: {
      label: string;
      x_px: number;
      arrival_s: number;
      standard_error_s: number;
      width_s: number;
      flags: string[];
    }[];
    flows: { speed_px_per_s: number; speed_standard_error: number; direction_degrees: number; gratings: number }[];
  }
  const { arrivals, flows } = await json<Arrivals>("arrival", "--injection", "1");
  expect(arrivals).toHaveLength(12);
  for (const { x_px, arrival_s, width_s, flags } of arrivals) {
    expect(flags).toEqual([]);
    expect(Math.abs(arrival_s - x_px / SPEED)).toBeLessThan(INTERVAL_S / 2);
    expect(Math.abs(width_s / 12 - 1)).toBeLessThan(0.1);
  }
  expect(
    rms(arrivals.map(({ x_px, arrival_s, standard_error_s }) => (arrival_s - x_px / SPEED) / standard_error_s)),
  ).toBeLessThan(1.6);
  const [flow] = flows;
  expect(Math.abs((flow?.speed_px_per_s ?? 0) / SPEED - 1)).toBeLessThan(0.05);
  expect(Math.abs(flow?.direction_degrees ?? 90)).toBeLessThan(5);
  const { stderr } = await phorest(["arrival"], root);
  expect(stderr.match(/flows at 2\d(\.\d+)? ± [\d.]+ px\/s/g)).toHaveLength(2);
});

test("a map shows the same numbers, each grating in its place", async () => {
  interface Mapped {
    unit: string;
    values: { label: string; value: number; standard_error: number }[];
  }
  const sensitivities = await json<{ label: string; px_per_riu: number }[]>(
    "sensitivity",
    "--buffer-index",
    String(BUFFER),
  );
  const mapped = await json<Mapped>("map", "sensitivity", "--buffer-index", String(BUFFER), "--out", "map.svg");
  expect(mapped.unit).toBe("px/RIU");
  expect(mapped.values.map(({ label, value }) => [label, value])).toEqual(
    sensitivities.map(({ label, px_per_riu }) => [label, px_per_riu]),
  );
  const svg = readFileSync(join(root, "map.svg"), "utf8");
  expect(svg).toMatch(/Sensitivity \(px\/RIU\)/);
  for (const { label } of mapped.values) expect(svg).toContain(`>${label}<`);
  const late = (await json<Response[]>("responses", "--injection", "2")).filter(({ point }) => point === "late");
  const responses = await json<Mapped>("map", "response", "--injection", "2", "--csv", "map.csv");
  expect(responses.values.map(({ value }) => value)).toEqual(late.map(({ response_px }) => response_px));
  expect(readFileSync(join(root, "map.csv"), "utf8").split("\n")[0]).toBe(
    "label,response (px),standard error (px),flagged",
  );
  expect(existsSync(join(root, "results", "map_response.png"))).toBe(true);
  for (const quantity of ["shift", "quality", "noise", "drift", "detection-limit", "arrival"]) {
    const { values } = await json<Mapped>("map", quantity);
    expect(values, quantity).toHaveLength(12);
  }
});

test("what cannot be evaluated is one line", async () => {
  const wrong: [string[], string][] = [
    [["responses", "--injection", "7"], "there is no injection 7"],
    [["responses", "--roi", "nothing"], 'is named "nothing"'],
    [["responses", "--window", "0"], "--window needs seconds above 0"],
    [["map", "shift", "--at", "9000"], "there is no frame at "],
    [["map", "noise", "--scale", "2,1"], '--scale needs MIN,MAX, not "2,1"'],
    [["map", "noise", "--out", "map.jpg"], "the name must end with .png or .svg"],
    [["sensitivity", "--buffer-index", "0.2"], "--buffer-index needs a refractive index"],
  ];
  for (const [words, line] of wrong) {
    const { code, stderr } = await phorest(words, root);
    expect([code, stderr.trim().split("\n").length], words.join(" ")).toEqual([2, 1]);
    expect(stderr).toContain(line);
  }
});
