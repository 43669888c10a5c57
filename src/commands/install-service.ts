// `phorest install-service`: the systemd unit of an experiment, shown and then written.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isSea } from "node:sea";
import type { CommandModule } from "yargs";
import { checkRunnable, loadConfig } from "../config/config.ts";
import { Failure } from "../failure.ts";
import { writeDurably } from "../files.ts";
import { DEVICE_GROUPS, serviceUnit } from "../installation/service-unit.ts";
import type { GlobalOptions } from "./global.ts";

interface InstallServiceOptions extends GlobalOptions {
  user: string | undefined;
  name: string;
  directory: string;
  print: boolean;
  replace: boolean;
}

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
      .example("sudo $0 install-service --user lab --config /srv/experiment_7/config.toml", "starts at every boot"),
  handler: async ({ config, user, name: named, directory, print, replace }) => {
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
    const unit = serviceUnit({
      name,
      ...startedAs(),
      user: existingUser(user ?? process.env.SUDO_USER ?? whoAsks()),
      groups: DEVICE_GROUPS.filter((group) => spawnSync("getent", ["group", group], { stdio: "ignore" }).status === 0),
      configFile,
      directory: dirname(configFile),
      shutdownSeconds: loaded.config.Supervisor.shutdown_timeout_seconds,
    });
    process.stdout.write(unit);
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

function whoAsks(): string {
  try {
    return userInfo().username;
  } catch {
    // A number without a name, as in containers: the next check says what to do.
    return String(process.getuid?.());
  }
}

function existingUser(name: string): string {
  if (spawnSync("id", ["-u", "--", name], { stdio: "ignore" }).status === 0) return name;
  throw new Failure("usage.invalid", `there is no user ${name} here`, {
    hint: "--user NAME names whose experiment it is",
  });
}
