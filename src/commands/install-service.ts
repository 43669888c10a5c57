// `phorest install-service`: the systemd unit of an experiment, shown and then written.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isSea } from "node:sea";
import type { CommandModule } from "yargs";
import { checkRunnable, loadConfig } from "../config/config.ts";
import { directoriesOf } from "../config/directories.ts";
import { isSimulatedByDefault } from "../config/required.ts";
import { Failure } from "../failure/failure.ts";
import { serviceProblems, whoAsks } from "../installation/service-problems.ts";
import { DEVICE_GROUPS, serviceUnit } from "../installation/service-unit.ts";
import { writeDurably } from "../system/files.ts";
import type { GlobalOptions } from "./global.ts";

interface InstallServiceOptions extends GlobalOptions {
  user: string | undefined;
  name: string;
  directory: string;
  print: boolean;
  replace: boolean;
  force: boolean;
}

const NO_CAMERA =
  'the configuration names no camera, and a service does not simulate unasked (set camera_type below [Camera]; "simulated" if that is meant)';

export const installServiceCommand: CommandModule<GlobalOptions, InstallServiceOptions> = {
  command: "install-service",
  describe: "Show the systemd unit that starts this experiment at boot, then write it",
  builder: (yargs) =>
    yargs
      .option("user", { type: "string", requiresArg: true, describe: "Whose the experiment is (default: who asks)" })
      .option("name", { type: "string", requiresArg: true, default: "phorest", describe: "Name of the unit" })
      .option("directory", {
        type: "string",
        requiresArg: true,
        default: "/etc/systemd/system",
        describe: "Where units lie",
      })
      .option("print", { type: "boolean", default: false, describe: "Only show it" })
      .option("replace", { type: "boolean", default: false, describe: "Write over another unit of that name" })
      .option("force", { type: "boolean", default: false, describe: "Write it although it will not work as it is now" })
      .example("sudo $0 install-service --user lab --config /srv/experiment_7/config.toml", "starts at every boot"),
  handler: async ({ config, user: wanted, name: named, directory, print, replace, force }) => {
    const name = named.replace(/\.service$/, "");
    const configFile = resolve(config ?? "config.toml");
    if (!existsSync(configFile)) {
      throw new Failure("config.invalid", `${configFile} does not exist`, {
        hint: "start in the experiment's directory, or name its configuration with --config",
      });
    }
    const loaded = loadConfig(configFile);
    checkRunnable(loaded);
    if (!/^\w[\w@.-]*$/.test(name)) {
      throw new Failure("usage.invalid", `${JSON.stringify(named)} cannot be the name of a unit`, {
        hint: "letters, digits, - and _",
      });
    }
    const { program, unpacks } = startedAs();
    const user = chosenUser(wanted);
    const unit = serviceUnit({
      name,
      program,
      unpacks,
      user,
      groups: DEVICE_GROUPS.filter((group) => spawnSync("getent", ["group", group], { stdio: "ignore" }).status === 0),
      configFile,
      directory: dirname(configFile),
      shutdownSeconds: loaded.config.Supervisor.shutdown_timeout_seconds,
    });
    const places = { program, configFile, written: directoriesOf(loaded.config) };
    const problems = [...serviceProblems(places, user), ...(isSimulatedByDefault(loaded) ? [NO_CAMERA] : [])];
    if (problems.length > 0 && !print && !force) {
      throw new Failure("usage.invalid", `the service would not work, nothing was written\n${problems.join("\n")}`, {
        hint: "--force writes the unit all the same",
      });
    }
    process.stdout.write(unit);
    for (const line of problems) process.stderr.write(`warning: ${line}\n`);
    if (print) return;
    const file = join(directory, `${name}.service`);
    await write(file, unit, replace);
    process.stderr.write(
      `wrote ${file}; now: systemctl daemon-reload && systemctl enable --now ${name} && systemctl status ${name}\n`,
    );
  },
};

async function write(file: string, unit: string, replace: boolean): Promise<void> {
  if (existsSync(file) && readFileSync(file, "utf8") !== unit && !replace) {
    throw new Failure("usage.invalid", `${file} exists and differs`, {
      hint: "--replace writes over it, --name gives this experiment a unit of its own",
    });
  }
  try {
    await writeDurably(file, unit);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure("disk.failed", `${file} cannot be written: ${reason}`, {
      hint: "as root: sudo, with --user NAME; or --print, and copy it yourself",
      cause: error,
    });
  }
}

/** How this very program was started: the executable itself, or Node with its first file, however that was named. */
function startedAs(): { program: string[]; unpacks: boolean } {
  if (isSea()) return { program: [process.execPath], unpacks: true };
  const [, script = ""] = process.argv;
  return { program: [process.execPath, realpathSync(script)], unpacks: false };
}

/** Whose experiment it is. Root is never taken for it unless that was asked for: cameras and disks need no root. */
function chosenUser(wanted: string | undefined): string {
  if (wanted !== undefined) return existingUser(wanted);
  const user = existingUser(process.env.SUDO_USER ?? whoAsks());
  if (uidOf(user) !== "0") return user;
  throw new Failure("usage.invalid", "the service would run as root, which nothing in it needs", {
    hint: "--user NAME names whose experiment it is; --user root if it is to be root",
  });
}

function existingUser(name: string): string {
  if (uidOf(name) !== undefined) return name;
  throw new Failure("usage.invalid", `there is no user ${name} here`, {
    hint: "--user NAME names whose experiment it is",
  });
}

function uidOf(name: string): string | undefined {
  const { status, stdout } = spawnSync("id", ["-u", "--", name], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
