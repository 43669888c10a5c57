// `phorest report`: the CSV and the plots anew, from the manifest alone; a run may go on meanwhile.
import { join, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { CSV_FILENAME, CSV_OUTPUT, parseCsvState, updateCsv } from "../delivery/csv-output.ts";
import { plotTitle, renderPlot, writePlot } from "../delivery/plot.ts";
import { PlotFeed } from "../delivery/plot-feed.ts";
import { ensureDirectory } from "../files.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import { sayWhatIsArchived } from "./archived.ts";
import type { GlobalOptions } from "./global.ts";

interface ReportOptions extends GlobalOptions {
  out: string | undefined;
}

export const reportCommand: CommandModule<GlobalOptions, ReportOptions> = {
  command: "report",
  describe: "CSV and plots anew from the manifest",
  builder: (yargs) =>
    yargs
      .option("out", { type: "string", describe: "Directory to write to (default: results_dir of the experiment)" })
      .example("$0 report --out talk", "write the CSV and the plots of everything measured so far into ./talk"),
  handler: async ({ config: file, json, out }) => {
    const { config } = loadConfig(file);
    const { data_dir, results_dir } = config.Paths;
    const directory = out === undefined ? results_dir : resolve(out);
    const manifest = Manifest.open({ file: join(data_dir, MANIFEST_FILENAME), readonly: true });
    try {
      await ensureDirectory(directory);
      const csv = join(directory, CSV_FILENAME);
      // What the manifest remembers of the experiment's own file tells it from one that somebody has changed.
      const recorded = directory === results_dir ? parseCsvState(manifest.outputState(CSV_OUTPUT).state) : undefined;
      const read = (cursor: number, limit: number) => manifest.outcomesAfter(cursor, limit);
      const { lines, keptAside } = await updateCsv(csv, recorded, read, { anew: true });
      sayWhatIsArchived(manifest);
      const feed = new PlotFeed(manifest, { title: plotTitle(config.Paths.root_dir), labels: config.Report.plot_rois });
      feed.refresh();
      const input = feed.input();
      const plots = input === undefined ? [] : await writePlot(directory, await renderPlot(input));
      if (json) {
        process.stdout.write(`${JSON.stringify({ csv, lines, plots, keptAside: keptAside ?? null })}\n`);
        return;
      }
      if (keptAside !== undefined) process.stderr.write(`the old file had been changed; it is kept as ${keptAside}\n`);
      process.stdout.write(`${csv}: ${lines} lines\n${plots.map((plot) => `${plot}\n`).join("")}`);
      if (plots.length === 0) process.stderr.write("no plot: nothing has been measured yet\n");
    } finally {
      manifest.close();
    }
  },
};
