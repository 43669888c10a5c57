// `phorest new NAME`: creates the directory of a new experiment with its configuration.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { CommandModule } from "yargs";
import { CONFIG_FILENAME, loadConfig } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { parseToml } from "../config/toml-file.ts";
import { Failure } from "../failure/failure.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import type { GlobalOptions } from "./global.ts";

interface NewArguments extends GlobalOptions {
  name: string | undefined;
  in: string;
  from: string | undefined;
  sample: string | undefined;
  operator: string | undefined;
  analyte: string[] | undefined;
  note: string | undefined;
}

export const newCommand: CommandModule<GlobalOptions, NewArguments> = {
  command: "new <name>",
  describe: "Make the directory of a new experiment, with its configuration",
  builder: (yargs) =>
    yargs
      .positional("name", { type: "string", describe: "Name of the experiment" })
      .option("in", { type: "string", requiresArg: true, default: ".", describe: "Directory to make it in" })
      .option("from", {
        type: "string",
        requiresArg: true,
        describe: "Directory of another experiment, whose configuration is copied",
      })
      .option("sample", { type: "string", requiresArg: true, describe: "What is measured" })
      .option("operator", { type: "string", requiresArg: true, describe: "Who does the experiment" })
      .option("analyte", { type: "string", array: true, requiresArg: true, describe: "What is injected" })
      .option("note", { type: "string", requiresArg: true, describe: "Anything else worth knowing" })
      .example('$0 new "antibody titration" --sample "chip 12"', "makes 2026-03-04_antibody_titration here")
      .example("$0 new second --from 2026-03-04_first", "with the settings of an earlier experiment"),
  handler: (argv) => {
    const { name = "", json } = argv;
    const inside = resolve(argv.in);
    refuseExperiment(inside, argv);
    const directory = join(inside, `${today()}_${fileNameOf(name)}`);
    if (existsSync(directory)) {
      throw new Failure("usage.invalid", `${directory} exists already`, { hint: "choose another name" });
    }
    const from = argv.from === undefined ? undefined : resolve(argv.from, CONFIG_FILENAME);
    const text = `${experimentText(argv)}\n${from === undefined ? REST_OF_TEMPLATE : settingsOf(from)}`;
    mkdirSync(directory);
    try {
      const file = join(directory, CONFIG_FILENAME);
      writeFileSync(file, text, { flag: "wx" });
      const { config } = loadConfig(file);
      checkApart(config, directory, from ?? file);
      const notes = from === undefined ? [] : sharedWith(config, loadConfig(from).config);
      for (const note of notes) process.stderr.write(`${note}\n`);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
    process.stdout.write(json ? `${JSON.stringify({ directory })}\n` : `${nextSteps(directory, from)}\n`);
  },
};

const REST_OF_TEMPLATE = `# Without a camera, phorest simulates a chip. \`phorest cameras\` lists the cameras and the lines to put here.
#[Camera]
#camera_type = "v4l2"

# All settings, their defaults and meaning: phorest config docs
`;

/** Returns the local date: 2026-03-04. */
function today(): string {
  const now = new Date();
  const two = (part: number) => String(part).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

/** Failure `usage.invalid` where `directory` is not there, or is that of an experiment: a new one belongs next to it. */
function refuseExperiment(directory: string, { name = "", from }: NewArguments): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new Failure("usage.invalid", `--in ${directory}: no such directory`, {
      hint: "make it, or name another one",
    });
  const { config } = loadConfig(undefined, directory);
  const isExperiment =
    config.Experiment.name !== undefined || existsSync(join(config.Paths.data_dir, MANIFEST_FILENAME));
  if (!isExperiment) return;
  const copied = from === undefined ? "" : ` --from ${JSON.stringify(from)}`;
  const next = `phorest new ${JSON.stringify(name)}${copied} --in ${JSON.stringify(dirname(directory))}`;
  throw new Failure(
    "usage.invalid",
    `${directory} is the directory of an experiment; a new one inside it would be lost in it`,
    {
      hint: `make it next to this one: ${next}`,
    },
  );
}

/** Returns a name without characters that file systems or shells treat specially. */
function fileNameOf(name: string): string {
  const safe = name
    .trim()
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}._-]+/gu, "_")
    .replace(/^[._-]+|[._]+$/g, "");
  if (safe !== "") return safe.slice(0, 100);
  throw new Failure("usage.invalid", `"${name}" cannot name an experiment`, { hint: "use letters or digits" });
}

function experimentText({ name = "", sample, operator, analyte, note }: NewArguments): string {
  const given = { name: name.trim(), sample, operator, analytes: analyte, note };
  const lines = Object.entries(given).flatMap(([key, value]) =>
    // JSON strings and lists of strings are valid TOML.
    value === undefined ? [] : [`${key} = ${JSON.stringify(value)}`],
  );
  return `[Experiment]\n${lines.join("\n")}\n`;
}

/** Returns the text of a configuration without its section [Experiment]. */
function settingsOf(file: string): string {
  if (!existsSync(file)) {
    throw new Failure("usage.invalid", `${file}: there is no configuration to copy`, {
      hint: "name the directory of an experiment after --from",
    });
  }
  let inside = false;
  const lines = readFileSync(file, "utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/);
  const kept = lines.filter((line) => {
    const header = /^\s*\[{1,2}\s*"?([^\]"]*?)"?\s*\]/.exec(line)?.[1];
    if (header !== undefined) inside = header === "Experiment";
    return !inside;
  });
  const text = kept.join("\n");
  if (parseToml(text, file).table.Experiment === undefined) return text;
  throw new Failure("usage.invalid", `${file}: write the settings of Experiment in a section [Experiment]`);
}

/** Throws Failure `usage.invalid` if the new experiment would write into the directories of another one. */
function checkApart({ Paths }: Config, directory: string, file: string): void {
  for (const key of ["root_dir", "data_dir", "results_dir", "logs_dir", "backup_dir"] as const) {
    const inside = relative(directory, Paths[key]);
    if (!inside.startsWith("..") && !isAbsolute(inside)) continue;
    throw new Failure(
      "usage.invalid",
      `Paths.${key} in ${file} leads out of the new directory, to ${Paths[key]}: both experiments would write there`,
      { hint: "make it a relative path" },
    );
  }
}

/** Returns warnings about what the new experiment shares with the one it was made from. */
function sharedWith({ Paths, Services }: Config, from: Config): string[] {
  if (!Services.enable_remote_sync || Paths.remote_root_dir !== from.Paths.remote_root_dir) return [];
  return [
    `warning: both experiments would be copied to ${Paths.remote_root_dir}; set another Paths.remote_root_dir before the first run`,
  ];
}

function nextSteps(directory: string, from: string | undefined): string {
  const shown = relative(".", directory);
  const settings =
    from === undefined ? "then set the camera in config.toml (phorest cameras lists them)" : "then check config.toml";
  return [
    `made ${directory}`,
    `  cd ${shown.includes(" ") ? `"${shown}"` : shown}`,
    `  ${settings}`,
    "  phorest run",
  ].join("\n");
}
