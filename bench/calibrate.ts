// Measures how long it takes to find a chip, without decoding and drawing: processor time of the whole process, the minimum of
// some rounds after the first. Run: npx tsx bench/calibrate.ts [--rounds 5]. Prints the figures and one line of JSON.
import { parseArgs } from "node:util";
import { locateByFeatures } from "../src/calibration/by-features.ts";
import { LabelPatterns } from "../src/calibration/label-search.ts";
import { locateChip } from "../src/calibration/locate.ts";
import { toPicture } from "../src/calibration/pose.ts";
import { chipTypes, loadChip } from "../src/chip/layout.ts";
import { createSimulator } from "../src/simulator/simulator.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Number(values.rounds);
const chips = chipTypes().map(loadChip);

function smallest(work: () => void): { first: number; ms: number } {
  const times = Array.from({ length: rounds }, () => {
    const started = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  });
  return { first: times[0] ?? Number.NaN, ms: Math.min(...times.slice(1)) };
}

const figures: Record<string, { first: number; ms: number }> = {};
for (const [width, height] of [
  [1920, 1460],
  [9152, 6944],
] as const) {
  const picture = createSimulator({ width, height }).render(0, 0);
  const name = `${width} x ${height}`;
  figures[`${name} automatic`] = smallest(() => {
    if ("doubt" in locateChip(picture, chips, new LabelPatterns())) throw new Error(`${name}: refused`);
  });
  const search = locateChip(picture, chips, new LabelPatterns());
  if ("doubt" in search) continue;
  const { chip, pose, used } = search.found;
  const features = used.slice(0, 3).map(({ label }, i) => {
    const { x, y } = toPicture(pose, label);
    return { label: label.label, x: x + 5 - 3 * i, y: y - 4 };
  });
  figures[`${name} features`] = smallest(() => {
    if ("doubt" in locateByFeatures(picture, chip, features, new LabelPatterns())) throw new Error(`${name}: refused`);
  });
}
for (const [name, { first, ms }] of Object.entries(figures)) {
  process.stdout.write(`${name}: ${ms.toFixed(0)} ms, the first time ${first.toFixed(0)} ms\n`);
}
process.stdout.write(`${JSON.stringify(figures)}\n`);
