// `phorest injections`: adds, changes, removes, lists, imports and proposes injections, also while a run is active.
import { userInfo } from "node:os";
import type { Argv, CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import { textOf } from "../evaluation/csv-rows.ts";
import { type GivenValues, InjectionValues } from "../evaluation/injection-values.ts";
import { injectionsCsv, parseInjections } from "../evaluation/injections-file.ts";
import { Failure } from "../failure/failure.ts";
import type { Injection, InjectionData } from "../manifest/injections.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { INJECTION_TYPES } from "../measurement/injection-type.ts";
import { counted } from "../system/counted.ts";
import { injectionView } from "../web/injection-queries.ts";
import { changeExperiment } from "./change-experiment.ts";
import type { GlobalOptions } from "./global.ts";
import { proposeInjections } from "./injections-propose.ts";
import { changeLine, injectionsTable } from "./injections-text.ts";
import { numberOf, say } from "./listed.ts";
import { shownZone } from "./shown-zone.ts";
import { firstFrameUs, readStored } from "./stored-experiment.ts";

const TIME = "ISO time (in --tz unless it names its zone), or seconds since the first frame";

type Options = GlobalOptions & GivenValues & { readonly author: string | undefined };
type Named = GlobalOptions & { readonly author: string | undefined };

/** The options of one injection, by the names of its values. */
const OPTIONS: Readonly<Record<keyof GivenValues, string>> = {
  solution: "--solution",
  type: "--type",
  concentration: "--concentration",
  "refractive-index": "--refractive-index",
  start: "--start",
  end: "--end",
  duration: "--duration",
  "dissociation-end": "--dissociation-end",
  dissociation: "--dissociation",
  cycle: "--cycle",
  note: "--note",
};

export const injectionsCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "injections",
  describe: "Record what was injected, and when",
  builder: (yargs) =>
    yargs
      .command(add)
      .command(edit)
      .command(remove)
      .command(list)
      .command(importing)
      .command(history)
      .command(proposeInjections)
      .demandCommand(1, "say what to do: phorest injections add|edit|remove|list|import|propose|history")
      .example(
        '$0 injections add "anti-CRP" --concentration "50 nM" --start 600 --duration 180',
        "600 s after the first frame",
      )
      .example("$0 injections import pump.csv", "all injections of a series at once"),
  handler: () => undefined,
};

function valueOptions<T>(yargs: Argv<T>) {
  const text = (describe: string) => ({ type: "string", requiresArg: true, describe }) as const;
  return yargs
    .option("type", { ...text("What the injection is for (default: sample)"), choices: INJECTION_TYPES })
    .option("concentration", text('Number and unit, such as "50 nM"; none: not known'))
    .option("refractive-index", text("Refractive index of a calibration"))
    .option("start", text(`Start: ${TIME}`))
    .option("end", text(`End: ${TIME}`))
    .option("duration", text("Seconds from start to end, in place of --end"))
    .option("dissociation-end", text(`End of the dissociation: ${TIME} (default: the next injection)`))
    .option("dissociation", text("Seconds of dissociation, in place of --dissociation-end"))
    .option(
      "cycle",
      text("Number of the cycle (default: a new one; for a regeneration that of the injection before it)"),
    )
    .option("note", text("Anything else"))
    .option("author", text("Who makes the change, for the history (default: your account)"));
}

const add: CommandModule<GlobalOptions, Options> = {
  command: "add <solution>",
  describe: "Add an injection",
  builder: (yargs) =>
    valueOptions(yargs.positional("solution", { type: "string", describe: "Name of the solution" })).example(
      '$0 injections add "1 % ethanol" --type calibration --refractive-index 1.3336 --start 1200 --duration 120',
      "for the sensitivity",
    ),
  handler: async (given) => {
    const { config } = loadConfig(given.config);
    const zone = shownZone(config, given.tz);
    const names = { ...OPTIONS, solution: "the solution" };
    const injection = new InjectionValues(given, names, firstFrameUs(config), zone).all();
    await changeExperiment(config, { type: "add-injections", author: authorOf(given), injections: [injection] });
    const window = zone.span(injection.startUs, injection.endUs);
    say(given.json, { added: 1 }, `added "${injection.solution}" from ${window}`);
  },
};

const edit: CommandModule<GlobalOptions, Options & { id: number | undefined }> = {
  command: "edit <id>",
  describe: "Change an injection; what you do not give stays as it is",
  builder: (yargs) =>
    valueOptions(
      yargs
        .positional("id", { type: "number", describe: "Number of the injection, as listed" })
        .option("solution", { type: "string", requiresArg: true, describe: "Name of the solution" }),
    ).example('$0 injections edit 3 --concentration "5 nM"', "times stay as they are"),
  handler: async (given) => {
    const { config } = loadConfig(given.config);
    const injectionId = idOf(given.id);
    const { injections, firstUs } = readStored(config, (manifest) => ({
      injections: manifest.injections.all(),
      firstUs: manifest.history.oldestCaptureUs(),
    }));
    const old = injections.find((injection) => injection.injectionId === injectionId);
    if (old === undefined) throw noInjection(injectionId);
    const values = new InjectionValues(given, OPTIONS, firstUs, shownZone(config, given.tz)).changes(old);
    if (Object.keys(values).length === 0) {
      throw new Failure("usage.invalid", "nothing to change", { hint: "give a new value, such as --note" });
    }
    await changeExperiment(config, { type: "edit-injection", author: authorOf(given), injectionId, values });
    say(given.json, { changed: injectionId }, `changed injection ${injectionId}`);
  },
};

const remove: CommandModule<GlobalOptions, Named & { ids: number[] | undefined }> = {
  command: "remove <ids..>",
  describe: "Remove injections; their history is kept",
  builder: (yargs) =>
    yargs
      .positional("ids", { type: "number", array: true, describe: "Numbers of the injections, as listed" })
      .option("author", { type: "string", requiresArg: true, describe: "Who makes the change (default: your account)" })
      .example("$0 injections remove 3 4", "numbers are never used again"),
  handler: async (given) => {
    const { config } = loadConfig(given.config);
    const ids = [...new Set((given.ids ?? []).map(idOf))];
    const known = new Set(
      readStored(config, ({ injections }) => injections.all()).map(({ injectionId }) => injectionId),
    );
    // Checked before anything is removed.
    for (const id of ids) if (!known.has(id)) throw noInjection(id);
    for (const injectionId of ids) {
      await changeExperiment(config, { type: "remove-injection", author: authorOf(given), injectionId });
    }
    say(
      given.json,
      { removed: ids },
      `removed ${ids.length === 1 ? `injection ${ids[0]}` : `${ids.length} injections`}`,
    );
  },
};

const list: CommandModule<GlobalOptions, GlobalOptions & { csv: boolean }> = {
  command: "list",
  describe: "List all injections",
  builder: (yargs) =>
    yargs
      .option("csv", { type: "boolean", default: false, describe: "Print CSV that `phorest injections import` reads" })
      .example("$0 injections list --csv > injections.csv", "to use them with another experiment"),
  handler: async ({ config: file, csv, json, tz }) => {
    const { config } = loadConfig(file);
    const zone = shownZone(config, tz);
    const { injections, firstUs } = readStored(config, (manifest) => ({
      injections: manifest.injections.all(),
      firstUs: manifest.history.oldestCaptureUs(),
    }));
    if (json) process.stdout.write(`${JSON.stringify(injections.map(injectionJson))}\n`);
    else if (csv) process.stdout.write(await injectionsCsv(injections));
    else process.stdout.write(injections.length === 0 ? "no injections\n" : injectionsTable(injections, firstUs, zone));
  },
};

const importing: CommandModule<GlobalOptions, Named & { file: string | undefined }> = {
  command: "import <file>",
  describe: "Add the injections in a CSV file: all of them, or none",
  builder: (yargs) =>
    yargs
      .positional("file", {
        type: "string",
        describe: `CSV file with the columns solution, start, end or duration_s, and more as listed with --csv; times: ${TIME}`,
      })
      .option("author", { type: "string", requiresArg: true, describe: "Who makes the change (default: your account)" })
      .example(
        "$0 injections import pump.csv",
        "solution,concentration,start,duration_s and then antibody,50 nM,600,180",
      ),
  handler: async (given) => {
    const { config } = loadConfig(given.config);
    const csv = given.file ?? "";
    const injections = await parseInjections(await textOf(csv), csv, firstFrameUs(config), shownZone(config, given.tz));
    await changeExperiment(config, { type: "add-injections", author: authorOf(given), injections });
    say(given.json, { added: injections.length }, `added ${counted(injections.length, "injection")}`);
  },
};

const history: CommandModule<GlobalOptions, GlobalOptions & { id: number | undefined }> = {
  command: "history [id]",
  describe: "List every change that was made to the injections: when, by whom, and what",
  builder: (yargs) =>
    yargs
      .positional("id", { type: "number", describe: "Only the changes of this injection" })
      .example("$0 injections history 3", "who changed it?"),
  handler: async ({ config: file, id, json, tz }) => {
    const { config } = loadConfig(file);
    const wanted = id === undefined ? undefined : idOf(id);
    const changes = readStored(config, ({ injections }) => injections.history(wanted));
    if (json) {
      const made = changes.map(({ madeAtUs, before, after, injectionId, author }) => {
        const values = (data: InjectionData | undefined) =>
          data === undefined ? null : injectionJson({ ...data, injectionId });
        return { time: isoFromUs(madeAtUs), author, id: injectionId, before: values(before), after: values(after) };
      });
      process.stdout.write(`${JSON.stringify(made)}\n`);
    } else process.stdout.write(shownZone(config, tz).shown(changes.map(changeLine).join("")) || "no changes\n");
  },
};

/** Returns the JSON of the HTTP API, with ISO times. */
function injectionJson(injection: Injection): object {
  const { startUs, endUs, dissociationEndUs } = injection;
  const times = { start: isoFromUs(startUs), end: isoFromUs(endUs) };
  const last = dissociationEndUs === null ? null : isoFromUs(dissociationEndUs);
  return { ...injectionView(injection), ...times, dissociationEnd: last };
}

function authorOf({ author }: { readonly author: string | undefined }): string {
  return author?.trim() || accountName() || "command line";
}

function accountName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // The user may have no account entry, for example in a container.
    return undefined;
  }
}

const idOf = (id: number | undefined): number => numberOf(id, "an injection");

function noInjection(id: number): Failure {
  return new Failure("usage.invalid", `there is no injection ${id}; nothing was changed`, {
    hint: "see phorest injections list",
  });
}
