// Tests the accuracy of noise and drift, and of their stated uncertainty: the tables of docs/statistics.md.
// Run: npx tsx bench/statistics.ts [--repetitions 4000]
import { parseArgs } from "node:util";
import { type Precision, precisionOf } from "../src/assay/precision.ts";
import { autoregressive, gauss, momentsOf } from "../test/analysis/gauss.ts";

const INTERVAL_US = 10e6;
const { values: options } = parseArgs({ options: { repetitions: { type: "string", default: "4000" } } });
const repetitions = Number(options.repetitions);

function found(frames: number, rho: number, count: number): Precision[] {
  const random = gauss(1000 * frames + 10 * rho + 1);
  return Array.from({ length: count }, () => {
    const values = autoregressive(random, frames, rho);
    const timesUs = values.map((_value, at) => at * INTERVAL_US);
    return precisionOf({ timesUs, values, flags: new Uint8Array(frames) }, { fromUs: 0, toUs: frames * INTERVAL_US });
  });
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const mean = (values: readonly number[]) => momentsOf(values).mean;
const rows: Record<string, string | number>[] = [];

process.stdout.write(
  "| frames | noise: mean error | scatter | stated error | with wild steps: mean error |\n|---|---|---|---|---|\n",
);
for (const frames of [4, 6, 10, 30, 100]) {
  const all = found(frames, 0, frames < 10 ? 4 * repetitions : repetitions);
  const noise = momentsOf(all.map((one) => one.noise));
  const stated = mean(all.map((one) => one.noiseError));
  const plain = mean(all.map((one) => one.noisePlain));
  const line = [percent(noise.mean - 1), percent(noise.deviation), percent(stated), percent(plain - 1)];
  process.stdout.write(`| ${frames} | ${line.join(" | ")} |\n`);
  rows.push({ frames, noiseBias: noise.mean - 1, scatter: noise.deviation, stated, plainBias: plain - 1 });
}

process.stdout.write(
  "\n| frames | correlation | drift in its 68 % | in its 95 % | stated error over scatter |\n|---|---|---|---|---|\n",
);
for (const frames of [10, 30, 100]) {
  for (const rho of [0, 0.5, 0.8]) {
    const all = found(frames, rho, repetitions);
    const share = (half: (one: Precision) => number) =>
      all.filter((one) => Math.abs(one.driftPerHour) < half(one)).length / all.length;
    const [in68, in95] = [share(({ driftError }) => driftError), share(({ driftError95 }) => driftError95)];
    const over = mean(all.map((one) => one.driftError)) / momentsOf(all.map((one) => one.driftPerHour)).deviation;
    process.stdout.write(`| ${frames} | ${rho} | ${percent(in68)} | ${percent(in95)} | ${over.toFixed(2)} |\n`);
    rows.push({ frames, rho, in68, in95, over });
  }
}
process.stdout.write(`${JSON.stringify(rows)}\n`);
