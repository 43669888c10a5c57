// `phorest licences`: whose work is in here, and under which terms.
import type { CommandModule } from "yargs";
import { licences } from "../installation/licences.ts";
import type { GlobalOptions } from "./global.ts";

export const licencesCommand: CommandModule<GlobalOptions, GlobalOptions> = {
  command: "licences",
  describe: "The licences of the program and of everything in it",
  builder: (yargs) => yargs.example("$0 licences > licences.txt", "to keep beside a copy of the program"),
  handler: () => {
    process.stdout.write(licences());
  },
};
