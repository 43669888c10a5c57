// Values of gratings in two experiments are of one form, whatever each configuration says, and the form is named.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { runHere } from "./command-table.ts";

function measured(form: string): string {
  const root = temporaryDirectory();
  const { manifest, add } = experiment(root, 2);
  add(10);
  manifest.close();
  writeFileSync(join(root, "config.toml"), `[Analysis]\npair_form = "${form}"\n`);
  return root;
}

interface Found {
  readonly pairs: string;
  readonly curves: readonly { readonly a: object; readonly b: object }[];
}

test.each([
  ["half", "sum", [], "half"],
  ["sum", "half", [], "sum"],
  ["sum", "half", ["half"], "half"],
] as const)("A has %s, B has %s, the option %o", async (a, b, option, expected) => {
  const words = ["compare", measured(a), measured(b), "--pairs", ...option];
  const found = JSON.parse((await runHere([...words, "--json"])).stdout) as Found;
  expect(found.pairs).toBe(expected);
  expect(found.curves[0]?.a).toEqual(found.curves[0]?.b);
  const { stdout } = await runHere(words);
  expect(stdout).toContain(`values of gratings: ${expected === "half" ? "half the sum" : "the sum"} of both halves`);
});
