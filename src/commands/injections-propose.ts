// `phorest injections propose`: finds injections in the data that nobody has recorded, as a CSV that the user completes and
// imports. It records nothing itself.
import { writeToString } from "fast-csv";
import type { CommandModule } from "yargs";
import { type Proposal, proposedInjections } from "../assay/proposals.ts";
import { loadConfig } from "../config/config.ts";
import { digits } from "../evaluation/numbers.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { ANALYSIS_OPTION, chosenAnalysis } from "./chosen-analysis.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import { openStored } from "./stored-experiment.ts";

interface ProposeArguments extends GlobalOptions {
  readonly analysis: string | undefined;
  readonly out: string | undefined;
}

export const proposeInjections: CommandModule<GlobalOptions, ProposeArguments> = {
  command: "propose",
  describe: "Print injections that steps in the curves suggest, as CSV to complete and import; records nothing",
  builder: (yargs) =>
    yargs
      .option("analysis", ANALYSIS_OPTION)
      .option("out", { type: "string", requiresArg: true, describe: "File to write (default: standard output)" })
      .example("$0 injections propose --out injections.csv", "then name the solutions and import the file"),
  handler: async ({ config: file, analysis, out, json }) => {
    const manifest = openStored(loadConfig(file).config);
    try {
      const { analysisId } = chosenAnalysis(manifest, analysis);
      const frames = manifest.curves.within(analysisId, 0, Number.MAX_SAFE_INTEGER);
      const found = proposedInjections(frames, manifest.injections.all());
      await writeText([json ? `${JSON.stringify(found.map(proposalJson))}\n` : await proposalsCsv(found)], out);
      process.stderr.write(`${summary(found)}\n`);
    } finally {
      manifest.close();
    }
  },
};

function proposalJson({ startUs, endUs, stepPx }: Proposal): object {
  return {
    start: isoFromUs(startUs),
    end: endUs === undefined ? null : isoFromUs(endUs),
    step_px: Number(stepPx.toPrecision(4)),
  };
}

/** The solution is left empty, and so is the end if none was found: `import` asks for them. */
function proposalsCsv(found: readonly Proposal[]): Promise<string> {
  const rows = found.map(({ startUs, endUs, stepPx }) => [
    "",
    "",
    isoFromUs(startUs),
    endUs === undefined ? "" : isoFromUs(endUs),
    `step of ${digits(stepPx, 3)} px`,
  ]);
  const names = ["solution", "concentration", "start", "end", "note"];
  return writeToString([names, ...rows], { headers: false, includeEndRowDelimiter: true });
}

function summary(found: readonly Proposal[]): string {
  if (found.length === 0) return "no step that is not recorded as an injection yet";
  const open = found.filter(({ endUs }) => endUs === undefined).length;
  const ends = open === 0 ? "" : `, ${open} without an end`;
  return `${found.length} proposed${ends}; nothing was recorded. Name the solutions, check the times, then \`phorest injections import FILE\``;
}
