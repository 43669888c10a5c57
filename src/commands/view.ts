// `phorest view`: shows the web page of stopped experiments. It changes only their markers and baseline, and only when the user
// does so on the page.

import { join, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { experimentName } from "../config/identity.ts";
import type { Loaded } from "../config/loaded.ts";
import { type ComparisonSide, comparisonOf, comparisonSide, forOtherSide } from "../evaluation/comparisons.ts";
import type { CurveChoice } from "../evaluation/configured-sensorgrams.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { experimentHolder } from "../manifest/lock.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import { comparisonPage } from "../report/comparison-page.ts";
import { onStopSignal } from "../system/stop-signals.ts";
import { experimentsIn, type FoundExperiment, listed } from "../web/experiment-list.ts";
import type { Change } from "../web/messages.ts";
import { openPage, type Page } from "../web/page.ts";
import { openStartPage } from "../web/start-page.ts";
import { ensureToken } from "../web/token.ts";
import { changeExperiment } from "./change-experiment.ts";
import { defaultAnalysis } from "./chosen-analysis.ts";
import { originText } from "./config.ts";
import type { GlobalOptions } from "./global.ts";
import { openStored } from "./stored-experiment.ts";

interface ViewArguments extends GlobalOptions {
  directories: string[] | undefined;
  port: number | undefined;
}

export const viewCommand: CommandModule<GlobalOptions, ViewArguments> = {
  command: "view [directories..]",
  describe: "Show stopped experiments on the web page, until Ctrl-C",
  builder: (yargs) =>
    yargs
      .positional("directories", {
        type: "string",
        array: true,
        describe: "Experiments, or directories with experiments below them (default: the one here)",
      })
      .option("port", {
        type: "number",
        requiresArg: true,
        describe: "Port of the page; 0: any free one (default: Web.port)",
      })
      .example("$0 view", "the experiment in this directory")
      .example("$0 view /data/2026", "a list of all experiments below /data/2026"),
  handler: async ({ config: file, directories = [], port, tz }) => {
    if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
      throw wrongOption("--port", "a whole number from 0 to 65535", port);
    }
    const given = file === undefined ? foundIn(directories) : [{ directory: ".", loaded: loadConfig(file) }];
    const found = tz === undefined ? given : given.map((one) => ({ ...one, loaded: inZone(one.loaded, tz) }));
    const [only] = found;
    const close =
      found.length === 1 && only !== undefined
        ? await viewOne(only.loaded, port)
        : await viewList(found, directories, port);
    await new Promise<void>((stopped) => onStopSignal(() => stopped()));
    await close();
  },
};

/** Returns all experiments in these directories. Throws Failure `usage.invalid` if there are none. */
function foundIn(directories: readonly string[]): FoundExperiment[] {
  const roots = directories.length === 0 ? ["."] : directories;
  const found = roots.flatMap((root) => experimentsIn(resolve(root)));
  if (found.length > 0) return found;
  throw new Failure("usage.invalid", `there is no experiment in ${roots.join(", ")}`, {
    hint: "name the directory of an experiment, or one above several",
  });
}

/** Returns the settings with another time zone for display. */
function inZone(loaded: Loaded, tz: string): Loaded {
  const { config, origins } = loaded;
  return {
    ...loaded,
    config: Object.freeze({ ...config, Display: Object.freeze({ ...config.Display, time_zone: tz }) }),
    origins: new Map(origins).set("Display.time_zone", { kind: "option", option: "--tz" }),
  };
}

async function viewOne(loaded: Loaded, port: number | undefined): Promise<() => Promise<void>> {
  const { config } = loaded;
  const holder = experimentHolder(config.Paths.data_dir);
  if (holder !== undefined) {
    throw new Failure("usage.invalid", `a run is active in ${config.Paths.data_dir}`, {
      hint: holder.page === undefined ? "it serves no page; stop it first" : `its page is at ${holder.page}`,
    });
  }
  const page = await open(loaded, port ?? config.Web.port);
  const { token } = ensureToken(config.Paths.root_dir);
  process.stdout.write(`web page: ${page.address}#token=${token} (press Ctrl-C to stop)\n`);
  return () => page.close();
}

async function viewList(
  found: readonly FoundExperiment[],
  directories: readonly string[],
  port: number | undefined,
): Promise<() => Promise<void>> {
  const root = resolve(directories[0] ?? ".");
  const pages = new Map<number, Promise<Page>>();
  // The experiments' own settings do not count here: each may have another address.
  const { Web } = loadConfig(undefined, root).config;
  const start = await openStartPage({
    host: "127.0.0.1",
    port: port ?? Web.port,
    token: "",
    title: `Experiments in ${directories.length === 0 ? root : directories.map((one) => resolve(one)).join(", ")}`,
    count: found.length,
    list: () => found.map((experiment) => listed(experiment, root)),
    open: async (index) => {
      const loaded = (found[index] as FoundExperiment).loaded;
      const running = experimentHolder(loaded.config.Paths.data_dir)?.page;
      if (running !== undefined) return running;
      const opened = pages.get(index) ?? open(loaded, 0);
      pages.set(index, opened);
      opened.catch(() => pages.delete(index));
      return (await opened).address;
    },
    compare: async (a, b) => {
      const sideA = comparedSide(found[a] as FoundExperiment, true);
      return comparisonPage(comparisonOf(sideA, comparedSide(found[b] as FoundExperiment, forOtherSide(sideA, true))));
    },
    complain: (message) => process.stderr.write(`${message}\n`),
  });
  process.stdout.write(`${found.length} experiments: ${start.address} (press Ctrl-C to stop)\n`);
  return async () => {
    await start.close();
    for (const page of pages.values()) await (await page).close();
  };
}

/** Reads an experiment for a comparison: one curve for each grating, by the analysis that is shown by default. */
function comparedSide({ loaded: { config } }: FoundExperiment, pairs: CurveChoice["pairs"]): ComparisonSide {
  const manifest = openStored(config);
  try {
    return comparisonSide(manifest, config, defaultAnalysis(manifest), {
      roi: undefined,
      pairs,
      where: experimentName(config),
    });
  } finally {
    manifest.close();
  }
}

/** Returns the page of an experiment. Changes are made directly, each under the experiment's lock. */
function open({ config, origins }: Loaded, port: number): Promise<Page> {
  // Opened first, so that nothing is created if there is no experiment.
  openStored(config).close();
  const { token } = ensureToken(config.Paths.root_dir);
  const settings = {
    config,
    origins: Object.fromEntries([...origins].map(([key, origin]) => [key, originText(origin)])),
    token,
    manifestFile: join(config.Paths.data_dir, MANIFEST_FILENAME),
  };
  const change = async (wanted: Change) => {
    if (wanted.type === "take-brightfield")
      throw new Failure("usage.invalid", "no run is active, so no image can be captured");
    await changeExperiment(config, wanted);
    void page.then(({ live }) => live.look());
  };
  const log = (level: string, message: string) => {
    if (level !== "debug") process.stderr.write(`${level}: ${message}\n`);
  };
  const page = openPage(settings, { port, log, change });
  return page;
}
