// Measures the reliability of the flags of kinetics: how often each flag is set for simulated curve sets of each kind, and how
// often a rate is reported as a number although the data do not fix it.
// Run: npx tsx bench/kinetics-flags.ts [--sets 1000] [--seed 41] [--only WORD] [--json]
import { parseArgs } from "node:util";
import { FLAGS } from "../src/assay/kinetics/flags.ts";
import { findings, KINDS } from "../test/assay/kinetics/kinds.ts";

const { values: options } = parseArgs({
  options: {
    sets: { type: "string", default: "1000" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "41" },
    json: { type: "boolean", default: false },
  },
});
const [sets, seed] = [Number(options.sets), Number(options.seed)];
const WIDTH = 36;
const rows = [];
if (!options.json) process.stdout.write(`% of ${sets} sets\n`);
for (const kind of KINDS.filter(({ name }) => name.includes(options.only))) {
  for (const rho of [0, 0.7]) {
    const found = findings(kind, rho, sets, seed);
    const counts = FLAGS.map((flag) => [flag, found.filter(({ flags }) => flags.includes(flag)).length] as const);
    const none = found.filter(({ flags }) => flags.length === 0).length;
    const wronglyFixed = found.filter((one) => one.wronglyFixed.length > 0).length;
    const shares = Object.fromEntries(
      [["none", none] as const, ...counts].map(([flag, count]) => [flag, count / sets]),
    );
    rows.push({ kind: kind.name, rho, sets, shares, wronglyFixed });
    if (options.json) continue;
    const percent = Object.entries(shares)
      .filter(([, share]) => share > 0)
      .map(([flag, share]) => `${flag} ${(100 * share).toFixed(1)}`);
    const fixed = kind.free === undefined ? "" : `; wrongly fixed: ${wronglyFixed}`;
    process.stdout.write(`${kind.name.padEnd(WIDTH)} rho ${rho}: ${percent.join(", ")}${fixed}\n`);
  }
}
process.stdout.write(`${JSON.stringify(rows)}\n`);
