// `phorest restore`: a backup as an experiment again.

import type { CommandModule } from "yargs";
import { restore } from "../archive/restore.ts";
import { wallClockUs } from "../system/clock.ts";
import { Progress } from "../terminal/progress.ts";
import type { GlobalOptions } from "./global.ts";

interface RestoreArguments extends GlobalOptions {
  backup: string;
  into: string;
  pictures: string | undefined;
  "without-history": boolean;
}

export const restoreCommand: CommandModule<GlobalOptions, RestoreArguments> = {
  command: "restore <backup>",
  describe: "Make an experiment of a backup again, in a new directory",
  builder: (yargs) =>
    yargs
      .positional("backup", { type: "string", demandOption: true, describe: "A directory in backup/" })
      .option("into", { type: "string", demandOption: true, requiresArg: true, describe: "New or empty directory" })
      .option("pictures", { type: "string", requiresArg: true, describe: "Copy the pictures from this directory" })
      .option("without-history", {
        type: "boolean",
        default: false,
        describe: "Leave archived frames in their archives, instead of bringing them back into the live files",
      })
      .example("$0 restore backup/20260304T050607Z --into ../again", "then: cd ../again && phorest verify"),
  handler: async (args) => {
    let bar: Progress | undefined;
    const restored = await restore({
      snapshot: args.backup,
      into: args.into,
      withHistory: !args["without-history"],
      pictures: args.pictures,
      nowUs: wallClockUs(),
      progress: (_done, total) => {
        bar ??= new Progress(total, "pictures");
        bar.advance();
      },
      unread: (name, reason) => {
        bar?.clear();
        process.stderr.write(`${name}: not brought here: ${reason}\n`);
      },
    });
    bar?.clear();
    if (args.json) {
      process.stdout.write(`${JSON.stringify(restored)}\n`);
      return;
    }
    const { directory, entries, archivesMerged, archivesKept, pictures, remote, missing, refused } = restored;
    process.stdout.write(`${directory}: ${entries} frames\n`);
    if (archivesMerged > 0) process.stdout.write(`archives brought back in: ${archivesMerged}\n`);
    if (archivesKept > 0) process.stdout.write(`archives copied as they are: ${archivesKept}\n`);
    process.stdout.write(`pictures: ${pictures} here, ${remote} on the share, ${missing} not found\n`);
    if (refused > 0) {
      process.stderr.write(
        `${refused} ${refused === 1 ? "row names" : "rows name"} no picture: set aside, nothing was opened or written\n`,
      );
    }
    if (missing > 0) {
      process.stderr.write(
        `${missing} ${missing === 1 ? "picture is" : "pictures are"} marked as missing; put ${missing === 1 ? "it" : "them"} into ${directory}/data (or restore with --pictures) and start again\n`,
      );
    }
  },
};
