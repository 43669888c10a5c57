// `phorest licences`: prints the licences of the program and its libraries.
import type { CommandModule } from "yargs";
import { licences } from "../installation/licences.ts";
import type { GlobalOptions } from "./global.ts";

export const licencesCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "licences",
  describe: "Print the licences of the program and its libraries",
  builder: (yargs) => yargs.example("$0 licences > licences.txt", "to store with a copy of the program"),
  handler: () => {
    process.stdout.write(licences());
  },
};
