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

  /** Runs `words` to their end, whatever it is. */
  outcome(words: readonly string[], execution: Execution): { status: number | null; stdout: string; stderr: string } {
    const { status, stdout, stderr } = spawnSync("unshare", this.wrapped(words, execution), { encoding: "utf8" });
    return { status, stdout, stderr };
  }

  /** The same among the files of a program that runs here, as `docker exec` and health checks do; and the CPU time it took. */
  outcomeBeside(
    pid: number,
    words: readonly string[],
    execution: Execution,
  ): { status: number | null; stdout: string; cpuSeconds: number } {
    const inner = this.inner(words, execution);
    const enter = ["-t", String(pid), "--mount", "--pid", `--root=/proc/${pid}/root`, "--", ...inner];
    // POSIX times: the last line has the user and system time of the children. A pipe would give a subshell's own.
    const timed = 'nsenter "$@"; status=$?; times; exit $status';
    const { status, stdout } = spawnSync("sh", ["-c", timed, "sh", ...enter], { encoding: "utf8" });
    const times = [...(stdout.trim().split("\n").at(-1) ?? "").matchAll(/(\d+)m([\d.]+)s/g)];
    const cpuSeconds = times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
    return { status, stdout, cpuSeconds };
  }

  idOf(user: string): number {
    return Number(this.idsOf(user)[0]);
  }

  private wrapped(words: readonly string[], execution: Execution): string[] {
    const { closed } = execution;
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
    const script = `${steps.join("\n")}\nexec chroot ${root} "$@"`;
    const inner = this.inner(words, execution);
    return ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", ...inner];
  }

  /** The words behind a change of root: as the user, with nothing but the given environment. */
  private inner(words: readonly string[], { env, directory, user, closed }: Execution): string[] {
    const [uid = "0", gid = "0"] = this.idsOf(user);
    const rights = ["--reuid", uid, "--regid", gid, "--init-groups"];
    if (closed !== undefined) rights.push("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all");
    const settings = Object.entries({ ...env, HOME: user === "root" ? "/root" : `/home/${user}` });
    const assigned = settings.map(([name, value]) => `${name}=${value}`);
    return ["setpriv", ...rights, "env", "-i", `--chdir=${directory}`, ...assigned, ...words];
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
