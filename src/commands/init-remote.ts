// `phorest init-remote DIR`: marks a directory on a share as the destination of copies.
import type { CommandModule } from "yargs";
import { initRemote } from "../archive/remote.ts";
import { loadConfig } from "../config/config.ts";
import { Failure } from "../failure/failure.ts";
import type { GlobalOptions } from "./global.ts";

interface InitRemoteArguments extends GlobalOptions {
  directory: string | undefined;
}

export const initRemoteCommand: CommandModule<GlobalOptions, InitRemoteArguments> = {
  command: "init-remote <directory>",
  describe: "Mark a directory on a mounted share as the destination of copies",
  builder: (yargs) =>
    yargs
      .positional("directory", { type: "string", describe: "An existing directory on the share" })
      .example("$0 init-remote /mnt/lab/experiment_7", "then set Paths.remote_root_dir to it"),
  handler: async ({ config: file, directory, json }) => {
    if (directory === undefined || directory === "") {
      throw new Failure("usage.invalid", "init-remote needs a directory", {
        hint: "name a directory on the mounted share",
      });
    }
    const { Paths } = loadConfig(file).config;
    const local = [Paths.data_dir, Paths.results_dir, Paths.logs_dir, Paths.backup_dir];
    const { remoteId, made, marker, warnings } = await initRemote(directory, local);
    for (const warning of warnings) process.stderr.write(`${warning}\n`);
    const outcome = made
      ? "is now a destination for copies"
      : "is a destination for copies already; nothing was changed";
    process.stdout.write(
      json ? `${JSON.stringify({ remoteId, made, marker })}\n` : `${directory} ${outcome} (id ${remoteId})\n`,
    );
  },
};
