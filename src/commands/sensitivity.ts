// `phorest sensitivity`: computes px per RIU of each grating, from injections of known refractive index; --save keeps them for
// all values in RIU.
import type { CommandModule } from "yargs";
import { loadConfig, sensitivityPath } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import type { Config } from "../config/schema.ts";
import { hasPairs } from "../evaluation/injection-curves.ts";
import {
  checkBufferIndex,
  isCalibration,
  sensitivitiesCsv,
  sensitivitiesOf,
  sensitivityFile,
  sensitivityJson,
  sensitivityLine,
} from "../evaluation/sensitivities.ts";
import { Failure } from "../failure/failure.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { wallClockUs } from "../system/clock.ts";
import { counted } from "../system/counted.ts";
import { ensureDirectory, writeDurably } from "../system/files.ts";
import { chosenAnalysis } from "./chosen-analysis.ts";
import { writeText } from "./export.ts";
import type { GlobalOptions } from "./global.ts";
import { INJECTION_OPTIONS, type InjectionArguments, injectionCurvesOf } from "./injection-options.ts";
import { openStored } from "./stored-experiment.ts";

interface SensitivityArguments extends InjectionArguments {
  readonly "buffer-index": number | undefined;
  readonly save: boolean;
}

export const sensitivityCommand: CommandModule<GlobalOptions, SensitivityArguments> = {
  command: "sensitivity",
  describe: "Sensitivity of each grating in px/RIU, from injections of known refractive index",
  builder: (yargs) =>
    yargs
      .options(INJECTION_OPTIONS)
      .option("buffer-index", {
        type: "number",
        requiresArg: true,
        describe:
          "Refractive index of the running buffer (default: unknown; two calibration injections are then needed)",
      })
      .option("save", {
        type: "boolean",
        default: false,
        describe: "Save them for this chip: values in RIU are then computed with each grating's own sensitivity",
      })
      .example("$0 sensitivity --buffer-index 1.333", "of each grating, as CSV")
      .example("$0 sensitivity --buffer-index 1.333 --save", "for all values in RIU"),
  handler: async (argv) => {
    const { config } = loadConfig(argv.config);
    const index = argv["buffer-index"];
    checkBufferIndex(index);
    if (argv.save && argv.roi !== undefined) {
      throw new Failure("usage.invalid", "--save keeps the sensitivities of all curves: leave out --roi");
    }
    const manifest = openStored(config);
    try {
      if (argv.save) {
        process.stderr.write(await save(manifest, config, argv));
        return;
      }
      const found = sensitivitiesOf(injectionCurvesOf(manifest, config, argv, isCalibration), index);
      await writeText(
        [argv.json ? `${JSON.stringify(found.map(sensitivityJson))}\n` : await sensitivitiesCsv(found)],
        argv.out,
      );
      process.stderr.write(`${sensitivityLine(found)}\n`);
    } finally {
      manifest.close();
    }
  },
};

/** Saves the sensitivities of all gratings and ROIs; returns lines that say where, and what they are. */
async function save(manifest: Manifest, config: Config, argv: SensitivityArguments): Promise<string> {
  // The file holds half sums, whatever form the curves are shown in.
  const halves: Config = { ...config, Analysis: { ...config.Analysis, pair_form: "half" } };
  const measured = (pairs: boolean) => {
    const curves = injectionCurvesOf(manifest, halves, { ...argv, pairs }, isCalibration);
    return { analysis: curves.analysis.name, rows: sensitivitiesOf(curves, argv["buffer-index"]) };
  };
  const gratings = measured(true);
  // Without pairs the curves of the gratings are those of the ROIs.
  const isPaired = hasPairs(manifest, chosenAnalysis(manifest, argv.analysis));
  const rois = isPaired ? measured(false) : gratings;
  const rows = [...new Map([...gratings.rows, ...rois.rows].map((row) => [row.label, row])).values()];
  const known = rows.filter(({ line }) => line !== undefined).length;
  if (known === 0) {
    throw new Failure("usage.invalid", "no sensitivity can be saved: no grating has two levels of refractive index", {
      hint: "inject a second solution, or give --buffer-index",
    });
  }
  const path = sensitivityPath(config);
  await ensureDirectory(config.Assets.generated_files_dir);
  const source = {
    experiment: experimentName(config),
    analysis: gratings.analysis,
    bufferIndex: argv["buffer-index"],
    madeAtUs: wallClockUs(),
  };
  await writeDurably(path, sensitivityFile(source, rows));
  const saved = `saved the sensitivities of ${counted(known, "curve")} in ${path}: values in RIU use them from now on`;
  return `${saved}\n${sensitivityLine(argv.pairs ? gratings.rows : rois.rows)}\n`;
}
