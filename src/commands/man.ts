// `phorest man`: prints the manual page, made from the help of every command.
import type { Argv, CommandModule } from "yargs";
import { packageVersion } from "../system/files.ts";
import type { GlobalOptions } from "./global.ts";

/** Help of the program, and of each command by name. */
export interface HelpTexts {
  readonly program: string;
  readonly commands: readonly (readonly [name: string, help: string])[];
}

/** `helpTexts` creates the help, which loads every command. */
export function manCommand(helpTexts: () => Promise<HelpTexts>): CommandModule<GlobalOptions, GlobalOptions> {
  return {
    command: "man",
    describe: "Print the manual page",
    builder: (yargs: Argv<GlobalOptions>) =>
      yargs
        .example("$0 man | man -l -", "read it")
        .example("$0 man > ~/.local/share/man/man1/phorest.1", "install it, for `man phorest`"),
    handler: async () => {
      process.stdout.write(manualPage(await helpTexts()));
    },
  };
}

/** Returns the page in the format of man (roff). */
export function manualPage({ program, commands }: HelpTexts): string {
  return `${[
    `.TH PHOREST 1 "" "phorest ${packageVersion()}" "User commands"`,
    ".SH NAME",
    "phorest \\- runs photonic biosensor experiments",
    ".SH SYNOPSIS",
    ".B phorest",
    "COMMAND [OPTION ...]",
    ".SH DESCRIPTION",
    ...verbatim(program),
    ".SH COMMANDS",
    ...commands.flatMap(([name, help]) => [`.SS phorest ${escaped(name)}`, ...verbatim(help)]),
    ".SH EXIT STATUS",
    ...verbatim(
      "0    done\n1    failed while working\n2    wrong usage or configuration; nothing was started\n3    finished, but some frames failed\n130  interrupted twice",
    ),
  ].join("\n")}\n`;
}

const verbatim = (text: string): string[] => [".nf", ...text.trimEnd().split("\n").map(escaped), ".fi"];

/** A backslash, and a dot or apostrophe at the beginning of a line, have a meaning in roff. */
function escaped(line: string): string {
  return line
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/, "\\&");
}
