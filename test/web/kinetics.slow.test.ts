// The page's kinetics: computed in the evaluator's thread, from the experiment's files.
import { join } from "node:path";
import { expect, test } from "vitest";
import type { KineticsView } from "../../src/assay/kinetics/experiment/view.ts";
import { loadConfig } from "../../src/config/config.ts";
import { Failure } from "../../src/failure/failure.ts";
import { KINETICS_QUESTION, kineticsQuestion } from "../../src/web/evaluation-queries.ts";
import { Evaluator } from "../../src/web/evaluator.ts";
import { storeBinding, TRUTH } from "../assay/kinetics/stored.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("fits are answered with their curves, a wrong question with its reason", async () => {
  const root = temporaryDirectory("phorest-web-kinetics-");
  storeBinding(root, { concentrations: [0, 3e-8, 1e-7], gratings: 3, references: 0 });
  const { config } = loadConfig(join(root, "config.toml"));
  const evaluator = new Evaluator({ manifestFile: join(root, "data", "phorest.sqlite"), config }, () => undefined);
  const job = (query: object) =>
    ({ type: "kinetics", question: kineticsQuestion(KINETICS_QUESTION.parse(query)), csv: false }) as const;
  /** As the page does: on a busy machine the answer is there when it is asked for again. */
  const ask = async (query: object): Promise<string> => {
    for (;;) {
      try {
        return await evaluator.ask(job(query), "1");
      } catch (error) {
        if (!(error instanceof Failure && error.code === "web.unavailable")) throw error;
      }
    }
  };
  try {
    const wrong = [
      [{ model: "1:2" }, "1:2"],
      [{ solution: "BSA" }, 'no sample of "BSA" was injected'],
      [{ group: ["Z"] }, 'there is no group "Z"'],
      [{ analysis: "none" }, "no analysis none"],
    ] as const;
    for (const [query, line] of wrong) await expect(ask(query)).rejects.toThrow(line);
    const view = JSON.parse(await ask({ model: "1:1", roi: ["002A"], points: "40" })) as KineticsView;
    const [curve] = view.curves;
    if (curve === undefined || "failed" in curve) throw new Error("no fit");
    expect(Math.abs((curve.ka.value ?? 0) / TRUTH.ka - 1)).toBeLessThan(0.05);
    expect(curve.cycles[0]?.curve?.fitted.length).toBeGreaterThan(20);
  } finally {
    await evaluator.close();
  }
});
