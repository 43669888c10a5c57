// Each flag is raised where it should be and nowhere else. Figures for 1,000 sets of each kind: docs/kinetics.md
// (bench/kinetics-flags.ts).
import { expect, test } from "vitest";
import { FLAGS } from "../../../src/assay/kinetics/flags.ts";
import { findings, KINDS } from "./kinds.ts";

const SETS = Number(process.env.PHOREST_KINETICS_SETS ?? 20);
/** Share of the sets that may lack a flag, or have one that they should not. */
const MOST_WRONG = 0.05;

test.each(KINDS.flatMap((kind) => ([0, 0.7] as const).map((rho) => [kind.name, rho, kind] as const)))(
  "the flags of: %s, correlation %d",
  (_name, rho, kind) => {
    const found = findings(kind, rho, SETS, 43);
    expect(found.flatMap(({ wronglyFixed }) => wronglyFixed)).toEqual([]);
    const share = (flag: (typeof FLAGS)[number]) => found.filter(({ flags }) => flags.includes(flag)).length / SETS;
    for (const flag of FLAGS) {
      if (kind.flags.includes(flag)) {
        expect(share(flag), flag).toBeGreaterThanOrEqual(
          rho > 0 ? (kind.foundIfCorrelated ?? 1) - MOST_WRONG : 1 - MOST_WRONG,
        );
      } else if (!kind.mayHave?.includes(flag)) expect(share(flag), flag).toBeLessThanOrEqual(MOST_WRONG);
    }
  },
);

test("every flag has a kind that deserves it", () => {
  const deserved = new Set(KINDS.flatMap(({ flags, mayHave = [] }) => [...flags, ...mayHave]));
  expect(FLAGS.filter((flag) => !deserved.has(flag))).toEqual([]);
});
