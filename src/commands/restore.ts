// `phorest restore`: makes an experiment from a backup.

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
  describe: "Restore an experiment from a backup into a new directory",
  builder: (yargs) =>
    yargs
      .positional("backup", { type: "string", demandOption: true, describe: "A directory in backup/" })
      .option("into", { type: "string", demandOption: true, requiresArg: true, describe: "New or empty directory" })
      .option("pictures", { type: "string", requiresArg: true, describe: "Copy the images from this directory" })
      .option("without-history", {
        type: "boolean",
        default: false,
        describe: "Keep archived frames in their archives instead of adding them to the database",
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
        bar ??= new Progress(total, "images");
        bar.advance();
      },
      unread: (name, reason) => {
        bar?.clear();
        process.stderr.write(`could not copy ${name}: ${reason}\n`);
      },
    });
    bar?.clear();
    if (args.json) {
      process.stdout.write(`${JSON.stringify(restored)}\n`);
      return;
    }
    const { directory, entries, archivesMerged, archivesKept, pictures, remote, missing, refused } = restored;
    process.stdout.write(`${directory}: ${entries} frames\n`);
    if (archivesMerged > 0) process.stdout.write(`archives added to the database: ${archivesMerged}\n`);
    if (archivesKept > 0) process.stdout.write(`archives copied: ${archivesKept}\n`);
    process.stdout.write(`images: ${pictures} on this computer, ${remote} on the share, ${missing} not found\n`);
    if (refused > 0) {
      process.stderr.write(
        `${refused} ${refused === 1 ? "entry does" : "entries do"} not name a valid image; skipped, nothing was opened or written\n`,
      );
    }
    if (missing > 0) {
      process.stderr.write(
        `${missing} ${missing === 1 ? "image is" : "images are"} marked as missing; put ${missing === 1 ? "it" : "them"} into ${directory}/data (or restore with --pictures) and start the run again\n`,
      );
    }
  },
};
