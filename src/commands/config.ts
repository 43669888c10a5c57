// `phorest config`: checks a file, shows the effective settings and their origin, prints the reference.
import type { Argv, CommandModule } from "yargs";
import { keyNames, loadConfig } from "../config/config.ts";
import { configMarkdown, configToml } from "../config/document.ts";
import type { Loaded, Origin } from "../config/loaded.ts";
import { checkWantedShare } from "../config/share.ts";
import { shownPath, type Table } from "../config/toml-file.ts";
import { quoted } from "../failure/quote.ts";
import { alignedLines } from "../terminal/text-table.ts";
import type { GlobalOptions } from "./global.ts";

type ConfigArguments = Partial<Pick<GlobalOptions, "config" | "json">>;

/** Output of `config check` for valid settings; invalid ones throw a Failure earlier. */
export function checkText({ file, warnings }: Loaded, json = false): string {
  if (json) return JSON.stringify({ file: file ?? null, valid: true, warnings });
  const lines = warnings.map((line) => `warning: ${line}`);
  return [...lines, `${file === undefined ? "built-in defaults" : shownPath(file)}: valid`].join("\n");
}

/** Every key, its effective value and its origin, as a table or JSON. */
export function showText({ config, origins, file, warnings }: Loaded, json = false): string {
  const rows = keyNames().map(([section, key]) => {
    const value = (config[section] as Table)[key];
    return { section, key, value, origin: origins.get(`${section}.${key}`) ?? "default" };
  });
  if (json) {
    const keys = rows.map((row) => ({ ...row, value: row.value ?? null }));
    return JSON.stringify({ file: file ?? null, warnings, keys }, null, 2);
  }
  const cells = rows.map(({ section, key, value, origin }) => [
    `${section}.${key}`,
    value === undefined ? "none" : quoted(value),
    originText(origin),
  ]);
  return alignedLines(cells).join("\n");
}

/** The reference (Markdown), or the annotated config.toml. */
export function docsText(toml = false): string {
  return toml ? configToml() : configMarkdown();
}

/** The origin of a value, as text. */
export function originText(origin: Origin): string {
  if (origin === "default") return "default";
  if (origin === "simulated default") return "default of the simulated camera";
  if (origin.kind === "environment") return origin.variable;
  if (origin.kind === "option") return origin.option;
  return `${shownPath(origin.file)}${origin.line === undefined ? "" : `:${origin.line}`}`;
}

const print = (text: string): void => {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
};

export const configCommand: CommandModule<object, ConfigArguments> = {
  command: "config",
  describe: "Check a configuration file, show the effective settings, or print the reference",
  builder: (yargs: Argv): Argv<ConfigArguments> =>
    yargs
      .command<ConfigArguments>(
        "check",
        "Check whether the configuration is valid, and list all errors",
        (of) => of.example("phorest config check --config lab.toml", "check a file"),
        ({ config, json }) => {
          const loaded = loadConfig(config);
          checkWantedShare(loaded);
          print(checkText(loaded, json));
        },
      )
      .command<ConfigArguments>(
        "show",
        "Print every effective setting and its origin",
        (of) => of.example("phorest config show --json", "the same as JSON"),
        ({ config, json }) => print(showText(loadConfig(config), json)),
      )
      .command<{ toml?: boolean }>(
        "docs",
        "Print the reference of all settings",
        (of) =>
          of
            .option("toml", { type: "boolean", describe: "Print the annotated config.toml instead" })
            .example("phorest config docs --toml > config.toml", "a file to start from"),
        ({ toml }) => print(docsText(toml)),
      )
      .demandCommand(1, "no subcommand given; use config check, show or docs")
      .example("phorest config check --config lab.toml", "check a file"),
  handler: () => undefined,
};
