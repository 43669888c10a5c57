// `phorest install-service`: prints the systemd unit of an experiment, then writes it.
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
  describe: "Print and write a systemd unit that starts this experiment at boot",
  builder: (yargs) =>
    yargs
      .option("user", { type: "string", requiresArg: true, describe: "User that runs the experiment (default: you)" })
      .option("name", { type: "string", requiresArg: true, default: "phorest", describe: "Name of the unit" })
      .option("directory", {
        type: "string",
        requiresArg: true,
        default: "/etc/systemd/system",
        describe: "Directory for the unit",
      })
      .option("print", { type: "boolean", default: false, describe: "Only print the unit" })
      .option("replace", { type: "boolean", default: false, describe: "Overwrite an existing unit of this name" })
      .option("force", {
        type: "boolean",
        default: false,
        describe: "Write the unit although the service would not work yet",
      })
      .example(
        "sudo $0 install-service --user lab --config /srv/experiment_7/config.toml",
        "start the experiment at every boot",
      ),
  handler: async ({ config, user: wanted, name: named, directory, print, replace, force }) => {
    const name = named.replace(/\.service$/, "");
    const configFile = resolve(config ?? "config.toml");
    if (!existsSync(configFile)) {
      throw new Failure("config.invalid", `${configFile} does not exist`, {
        hint: "run this in the directory of the experiment, or name its configuration with --config",
      });
    }
    const loaded = loadConfig(configFile);
    checkRunnable(loaded);
    if (!/^\w[\w@.-]*$/.test(name)) {
      throw new Failure("usage.invalid", `${JSON.stringify(named)} is not a valid unit name`, {
        hint: "use letters, digits, - and _",
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
      throw new Failure("usage.invalid", `the service would not work; nothing was written\n${problems.join("\n")}`, {
        hint: "use --force to write the unit anyway",
      });
    }
    process.stdout.write(unit);
    for (const line of problems) process.stderr.write(`warning: ${line}\n`);
    if (print) return;
    const file = join(directory, `${name}.service`);
    await write(file, unit, replace);
    process.stderr.write(
      `wrote ${file}; next: systemctl daemon-reload && systemctl enable --now ${name} && systemctl status ${name}\n`,
    );
  },
};

async function write(file: string, unit: string, replace: boolean): Promise<void> {
  if (existsSync(file) && readFileSync(file, "utf8") !== unit && !replace) {
    throw new Failure("usage.invalid", `${file} exists and has other content`, {
      hint: "overwrite it with --replace, or choose another name with --name",
    });
  }
  try {
    await writeDurably(file, unit);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure("disk.failed", `cannot write ${file}: ${reason}`, {
      hint: "use sudo with --user NAME, or --print and copy it yourself",
      cause: error,
    });
  }
}

/** Returns how this program was started: the executable, or Node with its first file. */
function startedAs(): { program: string[]; unpacks: boolean } {
  if (isSea()) return { program: [process.execPath], unpacks: true };
  const [, script = ""] = process.argv;
  return { program: [process.execPath, realpathSync(script)], unpacks: false };
}

/** Returns the user that runs the experiment. Root only if requested, because cameras and disks do not need it. */
function chosenUser(wanted: string | undefined): string {
  if (wanted !== undefined) return existingUser(wanted);
  const user = existingUser(process.env.SUDO_USER ?? whoAsks());
  if (uidOf(user) !== "0") return user;
  throw new Failure("usage.invalid", "the service would run as root, which is not needed", {
    hint: "name the user with --user NAME; --user root if you really want root",
  });
}

function existingUser(name: string): string {
  if (uidOf(name) !== undefined) return name;
  throw new Failure("usage.invalid", `there is no user ${name} on this computer`, {
    hint: "name an existing user with --user NAME",
  });
}

function uidOf(name: string): string | undefined {
  const { status, stdout } = spawnSync("id", ["-u", "--", name], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
