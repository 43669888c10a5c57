// A directory with a system of its own, and programs run in it as a container engine would: alone in their list of
// processes (the first of them has number 1), with the file system below that directory and nothing else.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a closed network needs, and an open one does not mind: names, and certificates of its own. */
const OF_THIS_MACHINE = ["/etc/resolv.conf", "/etc/hosts"];
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

export function command(program: string, words: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    encoding: "utf8",
    maxBuffer: 1e9,
    ...(input === undefined ? {} : { input }),
  });
  if (status === 0) return stdout;
  const said = `${stdout}\n${stderr}`.trim().split("\n").slice(-15).join("\n");
  throw new Error(`${program} ${words.join(" ")} ended with ${status}: ${error?.message ?? said}`);
}

export interface Execution {
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  /** A name of the system's own. */
  readonly user: string;
  /** As `read_only`, `tmpfs: /tmp`, `cap_drop: ALL` and `no-new-privileges` of the compose example; `volume` stays writable. */
  readonly closed?: { readonly volume: string };
}

export class Root {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** A new one at `directory`, as `base` is. */
  static copyOf(base: string, directory: string): Root {
    command("rm", ["-rf", directory]);
    command("cp", ["-a", base, directory]);
    const root = new Root(directory);
    for (const file of OF_THIS_MACHINE) copyFileSync(file, root.inside(file));
    if (existsSync(CERTIFICATES)) {
      mkdirSync(root.inside("/etc/ssl/certs"), { recursive: true });
      cpSync(CERTIFICATES, root.inside(CERTIFICATES), { dereference: true });
    }
    return root;
  }

  inside(path: string): string {
    return join(this.directory, path);
  }

  /** Bytes on the disk. */
  size(path = "/"): number {
    return Number.parseInt(command("du", ["-sx", "--block-size=1", this.inside(path)]), 10);
  }

  /** Starts `words` as the first process of a list of its own. */
  start(words: readonly string[], execution: Execution): ChildProcess {
    return spawn("unshare", this.wrapped(words, execution), { stdio: ["ignore", "pipe", "pipe"], env: PLAIN });
  }

  run(words: readonly string[], execution: Execution): string {
    return command("unshare", this.wrapped(words, execution));
  }

  /** The exit code of `words`. */
  code(words: readonly string[], execution: Execution): number | null {
    return spawnSync("unshare", this.wrapped(words, execution), { stdio: "ignore" }).status;
  }

  private wrapped(words: readonly string[], { env, directory, user, closed }: Execution): string[] {
    const root = this.directory;
    const steps = [
      "set -e",
      `mount --bind ${root} ${root}`,
      ...(closed === undefined
        ? []
        : [
            `mount -o remount,bind,ro ${root}`,
            `mount --bind ${root}${closed.volume} ${root}${closed.volume}`,
            `mount -o remount,bind,rw ${root}${closed.volume}`,
            `mount -t tmpfs tmpfs ${root}/tmp`,
          ]),
      `mount -t proc proc ${root}/proc`,
      `mount --rbind /dev ${root}/dev`,
    ];
    const [uid = "0", gid = "0"] = this.idsOf(user);
    const rights = ["--reuid", uid, "--regid", gid, "--init-groups"];
    if (closed !== undefined) rights.push("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all");
    const settings = Object.entries({ ...env, HOME: user === "root" ? "/root" : `/home/${user}` });
    const assigned = settings.map(([name, value]) => `${name}=${value}`);
    const inner = ["setpriv", ...rights, "env", "-i", `--chdir=${directory}`, ...assigned, ...words];
    const script = `${steps.join("\n")}\nexec chroot ${root} "$@"`;
    return ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", ...inner];
  }

  private idsOf(user: string): string[] {
    const found = readFileSync(this.inside("/etc/passwd"), "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .find(([name]) => name === user);
    if (found === undefined) throw new Error(`no user ${user} in ${this.directory}`);
    return found.slice(2, 4);
  }
}

const PLAIN = { PATH: process.env.PATH };
