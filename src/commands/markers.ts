// `phorest markers`: adds, changes, removes, lists and imports markers, also while a run is active.
import { writeToString } from "fast-csv";
import type { CommandModule } from "yargs";
import { loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { textOf } from "../evaluation/csv-rows.ts";
import { timeOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import type { Marker } from "../manifest/markers.ts";
import { isoFromUs } from "../manifest/timestamps.ts";
import { safeText } from "../outputs/csv/file/text.ts";
import { wallClockUs } from "../system/clock.ts";
import type { TimeZone } from "../system/time-zone.ts";
import { changeExperiment } from "./change-experiment.ts";
import type { GlobalOptions } from "./global.ts";
import { numberOf, say } from "./listed.ts";
import { markerText } from "./marker-text.ts";
import { parseMarkers } from "./markers-file.ts";
import { shownZone } from "./shown-zone.ts";
import { firstFrameUs, readStored } from "./stored-experiment.ts";

const TIME = "ISO time (in --tz unless it names its zone), or seconds since the first frame";

interface Adding extends GlobalOptions {
  text: string | undefined;
  at: string | undefined;
}
interface Editing extends Adding {
  id: number | undefined;
}
interface Removing extends GlobalOptions {
  ids: number[] | undefined;
}
interface Listing extends GlobalOptions {
  csv: boolean;
}
interface Importing extends GlobalOptions {
  file: string | undefined;
}

export const markersCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "markers",
  describe: "Mark moments such as an injection; they appear in every curve, plot and export",
  builder: (yargs) =>
    yargs
      .command(add)
      .command(edit)
      .command(remove)
      .command(list)
      .command(importing)
      .demandCommand(1, "say what to do: phorest markers add|edit|remove|list|import")
      .example('$0 markers add "antibody 50 nM"', "a marker now")
      .example("$0 markers add wash --at 120", "120 s after the first frame"),
  handler: () => undefined,
};

const add: CommandModule<GlobalOptions, Adding> = {
  command: "add <text>",
  describe: "Add a marker",
  builder: (yargs) =>
    yargs
      .positional("text", { type: "string", describe: "What happened" })
      .option("at", { type: "string", requiresArg: true, describe: `${TIME} (default: now)` })
      .example('$0 markers add "antibody 50 nM"', "now")
      .example('$0 markers add wash --at "2026-03-04 15:20"', "afterwards"),
  handler: async ({ config: file, text = "", at, json, tz }) => {
    const { config } = loadConfig(file);
    const marker = {
      atUs: at === undefined ? wallClockUs() : timeOption("--at", at, shownZone(config, tz))(firstFrameUs(config)),
      text: markerText(text, "the text"),
    };
    await changeExperiment(config, { type: "add-markers", markers: [marker] });
    say(json, { added: 1 }, `added "${marker.text}" at ${shownZone(config, tz).moment(marker.atUs)}`);
  },
};

const edit: CommandModule<GlobalOptions, Editing> = {
  command: "edit <id>",
  describe: "Change the time or the text of a marker",
  builder: (yargs) =>
    yargs
      .positional("id", { type: "number", describe: "Number of the marker, as listed" })
      .option("text", { type: "string", requiresArg: true, describe: "New text" })
      .option("at", { type: "string", requiresArg: true, describe: `New time: ${TIME}` })
      .example('$0 markers edit 3 --text "antibody 5 nM"', "the time stays as it is"),
  handler: async ({ config: file, id, text, at, json, tz }) => {
    const { config } = loadConfig(file);
    const markerId = idOf(id);
    if (text === undefined && at === undefined) {
      throw new Failure("usage.invalid", "nothing to change", { hint: "give --text, --at, or both" });
    }
    await changeExperiment(config, {
      type: "edit-marker",
      markerId,
      text: text === undefined ? undefined : markerText(text, "--text"),
      atUs: at === undefined ? undefined : timeOption("--at", at, shownZone(config, tz))(firstFrameUs(config)),
    });
    say(json, { changed: markerId }, `changed marker ${markerId}`);
  },
};

const remove: CommandModule<GlobalOptions, Removing> = {
  command: "remove <ids..>",
  describe: "Remove markers",
  builder: (yargs) =>
    yargs
      .positional("ids", { type: "number", array: true, describe: "Numbers of the markers, as listed" })
      .example("$0 markers remove 3 4", "numbers are never used again"),
  handler: async ({ config: file, ids = [], json }) => {
    const { config } = loadConfig(file);
    const known = new Set(storedMarkers(config).markers.map(({ markerId }) => markerId));
    const unknown = ids.map(idOf).find((id) => !known.has(id));
    // Checked before anything is removed.
    if (unknown !== undefined) throw new Failure("usage.invalid", `there is no marker ${unknown}; nothing was removed`);
    for (const markerId of new Set(ids)) await changeExperiment(config, { type: "remove-marker", markerId });
    say(
      json,
      { removed: [...new Set(ids)] },
      `removed ${ids.length === 1 ? `marker ${ids[0]}` : `${ids.length} markers`}`,
    );
  },
};

const list: CommandModule<GlobalOptions, Listing> = {
  command: "list",
  describe: "List all markers",
  builder: (yargs) =>
    yargs
      .option("csv", { type: "boolean", default: false, describe: "Print CSV that `phorest markers import` reads" })
      .example("$0 markers list --csv > markers.csv", "to use them with another experiment"),
  handler: async ({ config: file, csv, json, tz }) => {
    const { config } = loadConfig(file);
    const zone = shownZone(config, tz);
    const { markers, firstUs } = storedMarkers(config);
    if (json) {
      const listed = markers.map(({ markerId, atUs, text }) => ({ id: markerId, time: isoFromUs(atUs), text }));
      process.stdout.write(`${JSON.stringify(listed)}\n`);
    } else if (csv) {
      const rows = markers.map(({ markerId, atUs, text }) => [markerId, isoFromUs(atUs), safeText(text)]);
      process.stdout.write(
        await writeToString([["id", "time", "text"], ...rows], { headers: false, includeEndRowDelimiter: true }),
      );
    } else process.stdout.write(table(markers, firstUs, zone));
  },
};

const importing: CommandModule<GlobalOptions, Importing> = {
  command: "import <file>",
  describe: "Add the markers in a CSV file with the columns time and text: all of them, or none",
  builder: (yargs) =>
    yargs
      .positional("file", { type: "string", describe: `CSV file; time: ${TIME}` })
      .example("$0 markers import pump.csv", "for example time,text and then 120,buffer"),
  handler: async ({ config: file, file: csv = "", json, tz }) => {
    const { config } = loadConfig(file);
    const markers = await parseMarkers(await textOf(csv), csv, firstFrameUs(config), shownZone(config, tz));
    await changeExperiment(config, { type: "add-markers", markers });
    say(json, { added: markers.length }, `added ${markers.length} markers`);
  },
};

const idOf = (id: number | undefined): number => numberOf(id, "a marker");

function storedMarkers(config: Config): { readonly markers: readonly Marker[]; readonly firstUs: number | undefined } {
  return readStored(config, ({ markers, history }) => ({
    markers: markers.all(),
    firstUs: history.oldestCaptureUs(),
  }));
}

function table(markers: readonly Marker[], firstUs: number | undefined, zone: TimeZone): string {
  if (markers.length === 0) return "no markers\n";
  const time = (us: number) => `${zone.day(us)} ${zone.clock(us)}`;
  const title = `time (${zone.name})`;
  const width = Math.max(title.length, ...markers.map(({ atUs }) => time(atUs).length));
  const rows = markers.map(({ markerId, atUs, text }) => {
    const elapsed = firstUs === undefined ? "" : `${((atUs - firstUs) / 1e6).toFixed(1)} s`;
    return `${String(markerId).padStart(4)}  ${time(atUs).padEnd(width)}  ${elapsed.padStart(12)}  ${text}`;
  });
  return `${[`  id  ${title.padEnd(width)}   since start  text`, ...rows].join("\n")}\n`;
}
