// What an automatic calibration is worth: simulated pictures with known truth (all chips, scales, orientations, defects),
// and pictures in which it must refuse. Run: npx tsx bench/calibrate-proof.ts [--pictures 500] [--decoys 500] [--first 1] [--size 1920x1460] [--photographs]
// --photographs: pictures with the defects of real ones, of their own sizes (test/calibration/photographs.ts).
import { parseArgs } from "node:util";
import { LabelPatterns } from "../src/calibration/label-search.ts";
import { locateChip } from "../src/calibration/locate.ts";
import { chipTypes, loadChip } from "../src/chip/layout.ts";
import { photograph } from "../test/calibration/photographs.ts";
import { chipShot, cornerError, DECOYS, type Decoy, decoyShot } from "../test/calibration/pictures.ts";

const { values } = parseArgs({
  options: {
    pictures: { type: "string", default: "500" },
    decoys: { type: "string", default: "500" },
    first: { type: "string", default: "1" },
    size: { type: "string", default: "1920x1460" },
    photographs: { type: "boolean", default: false },
  },
});
const [width = 1920, height = 1460] = values.size.split("x").map(Number);
const first = Number(values.first);
const limitPx = width > 4000 ? 2 : 1;
const chips = chipTypes().map(loadChip);
const patterns = new LabelPatterns();
const errors: number[] = [];
const [cpu, wrong, refused]: [number[], string[], string[]] = [[], [], []];

for (let seed = first; seed < first + Number(values.pictures); seed++) {
  const shot = values.photographs ? await photograph(seed) : chipShot(seed, { width, height });
  const started = process.cpuUsage();
  const search = locateChip(shot.picture, chips, patterns);
  const { user, system } = process.cpuUsage(started);
  cpu.push((user + system) / 1000);
  const about = `${seed} (${shot.description})`;
  if ("doubt" in search) {
    refused.push(`${about}: ${search.doubt.reason}`);
    continue;
  }
  const error =
    search.found.chip.type === shot.chip.type ? cornerError(shot, search.found.pose) : Number.POSITIVE_INFINITY;
  errors.push(error);
  if (!(error <= limitPx)) wrong.push(`${about}: ${error.toFixed(2)} px`);
}

const accepted = new Map<Decoy, string[]>(DECOYS.map((kind) => [kind, []]));
let decoys = 0;
for (let seed = first; seed < first + Number(values.decoys); seed++) {
  const kind = DECOYS[seed % DECOYS.length] as Decoy;
  const decoy = decoyShot(seed, kind, { width, height });
  decoys++;
  if ("found" in locateChip(decoy.picture, decoy.chips, patterns))
    accepted.get(kind)?.push(`${seed} (${decoy.description})`);
}

const at = (list: readonly number[], share: number) =>
  [...list].sort((a, b) => a - b)[Math.floor(share * (list.length - 1))] ?? Number.NaN;
const figures = {
  size: values.size,
  pictures: Number(values.pictures),
  accepted: errors.length,
  wrong,
  refused,
  cornerErrorPx: { median: at(errors, 0.5), p99: at(errors, 0.99), max: at(errors, 1) },
  cpuMs: { median: at(cpu, 0.5), p90: at(cpu, 0.9), max: at(cpu, 1) },
  decoys,
  falseAccepts: Object.fromEntries(accepted),
};
process.stdout.write(`${JSON.stringify(figures, null, 1)}\n`);
