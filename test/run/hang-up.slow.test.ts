// A closed terminal, a closed ssh connection, `nohup`: the real program on a real terminal that goes away.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { simulatedRoiManifest } from "../../src/cameras/simulated.ts";
import { loadConfig } from "../../src/config/config.ts";
import { encodePicture } from "../../src/image/encode.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { packageRoot } from "../../src/system/files.ts";
import { type Ended, experiment, phorest, QUICK_CONFIG, start } from "./program.ts";

const PROGRAM = join(packageRoot(), "bin/phorest.js");

/**
 * Runs a command on a terminal of its own, as its session's first process; closes the terminal when `marker` has been
 * printed and says how the command ended. Keys may be pressed first: what follows each marker but the last.
 */
const TERMINAL = `
import os, pty, sys, select, time, struct, fcntl, termios
steps, command = sys.argv[1].split("|"), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(command[0], command)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
for at, step in enumerate(steps):
    seen, marker, limit = b"", step.encode(), time.monotonic() + 240
    while marker not in seen and time.monotonic() < limit:
        if select.select([fd], [], [], 1)[0]:
            seen += os.read(fd, 65536)
    if marker not in seen:
        print("never seen:", step, seen[-500:])
    if at < len(steps) - 1:
        os.write(fd, b"\\r")
os.close(fd)
_, status = os.waitpid(pid, 0)
print("signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "code %d" % os.WEXITSTATUS(status))
`;

async function onClosedTerminal(markers: readonly string[], command: readonly string[], cwd: string): Promise<string> {
  const child = spawn("/usr/bin/env", ["python3", "-c", TERMINAL, markers.join("|"), ...command], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await new Promise((resolve) => child.once("close", resolve));
  return said.trim();
}

function endOfLastRun(directory: string): string | undefined {
  const manifest = Manifest.open({ file: join(directory, "data", MANIFEST_FILENAME), readonly: true });
  try {
    return manifest.runs.last()?.endReason;
  } finally {
    manifest.close();
  }
}

/** Processes whose command line holds `text`. */
function processesWith(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((name) => commandOf(name).includes(text));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    // It has ended since it was listed.
    return "";
  }
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(50);
}

test("SIGHUP stops a run like any other stop: it is recorded with its reason, and a hanging camera program ends", async () => {
  // A number that no other process of this machine has on its command line.
  const seconds = String(90_000 + process.pid);
  const directory = experiment(`
[Web]
enabled = false
[Services]
enable_camera = true
[Camera]
camera_type = "command"
command = ["sleep", "${seconds}"]
timeout_seconds = 600
[Supervisor]
shutdown_timeout_seconds = 16
`);
  mkdirSync(join(directory, "generated_files"));
  const rois = simulatedRoiManifest(loadConfig(join(directory, "config.toml")).config);
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), rois);
  const { child, ended } = start(["run"], directory);
  onTestFinished(() => void child.kill("SIGKILL"));
  const stopping = new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => chunk.toString().includes("stopping: ") && resolve());
  });
  await until(() => processesWith(`sleep ${seconds}`).length > 0);
  // Kernel and shell both send it when a terminal is closed.
  child.kill("SIGHUP");
  child.kill("SIGHUP");
  await stopping;
  child.kill("SIGHUP");
  expect(await ended).toMatchObject({ code: 0, signal: null });
  expect(endOfLastRun(directory)).toBe("the terminal was closed");
  await expect.poll(() => processesWith(`sleep ${seconds}`)).toEqual([]);
});

test("a run whose terminal is closed is finished and recorded, and does not die of what it cannot print", async () => {
  const directory = experiment(QUICK_CONFIG);
  expect(await onClosedTerminal(["measured in"], [process.execPath, PROGRAM, "run"], directory)).toBe("code 0");
  expect(endOfLastRun(directory)).toBe("the terminal was closed");
});

test("a run that ignores the closed terminal goes on to its end, however it was told to", async () => {
  const command = `'${process.execPath}' '${PROGRAM}' run --frames 3 --until-idle`;
  for (const ignoring of [`nohup ${command} > out 2>&1`, `trap '' HUP; ${command} > out 2>&1; true`]) {
    // The camera is slow: the run cannot be over before the terminal is closed.
    const directory = await withCamera("touch asked; until [ -e closed ]; do sleep 0.1; done; cat frame.png");
    const child = spawn("bash", ["-c", `${ignoring} & wait`], { cwd: directory, stdio: "ignore", detached: true });
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = new Promise((resolve) => child.once("close", resolve));
    await until(() => existsSync(join(directory, "asked")));
    const runs = processesWith(`${PROGRAM} run`).filter((name) => isIn(name, directory));
    expect(runs).toHaveLength(1);
    for (const pid of runs) process.kill(Number(pid), "SIGHUP");
    writeFileSync(join(directory, "closed"), "");
    await ended;
    const said = readFileSync(join(directory, "out"), "utf8");
    expect(endOfLastRun(directory), said).toBe("idle");
    expect(said).toContain("3 frames captured");
  }
});

/** An experiment whose camera is a command of the shell; a picture of the simulated chip, frame.png, is beside it. */
async function withCamera(command: string): Promise<string> {
  const camera = `camera_type = "command"\ncommand = ["sh", "-c", "${command}"]\ntimeout_seconds = 600`;
  const services = "[Services]\nenable_camera = true\n";
  const directory = experiment(QUICK_CONFIG.replace('camera_type = "simulated"', camera) + services);
  const simulator = createSimulator({ width: 640, height: 480 });
  writeFileSync(join(directory, "frame.png"), await encodePicture(simulator.render(0, 0), "png"));
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), formatRoiManifest(simulator.roiManifest()));
  return directory;
}

function isIn(pid: string, directory: string): boolean {
  const { stdout } = spawnSync("readlink", [`/proc/${pid}/cwd`], { encoding: "utf8" });
  return stdout.trim() === directory;
}

test("the other commands on a terminal that is closed end with it, and leave no process behind", async () => {
  const directory = experiment(QUICK_CONFIG);
  await phorest(["run", "--frames", "2", "--until-idle"], directory);
  const command = (...words: string[]) => [
    process.execPath,
    PROGRAM,
    ...words,
    "--config",
    join(directory, "config.toml"),
  ];
  expect(await onClosedTerminal(["frames"], command("status", "--watch"), directory)).toBe("code 0");
  expect(await onClosedTerminal(["Quit"], command("menu"), directory)).toBe("code 129");
  expect(await onClosedTerminal(["Quit", "2 measured"], command("menu"), directory)).toBe("code 129");
  expect(await onClosedTerminal(["per second"], command("preview"), directory)).toMatch(/^code (0|129)$/);
  await expect.poll(() => processesWith(directory)).toEqual([]);
});

test("a run whose reader has gone works on, and its exit code is that of its work", async () => {
  const directory = experiment(QUICK_CONFIG);
  const { child, ended } = start(["run", "--frames", "5", "--until-idle"], directory);
  child.stderr?.destroy();
  child.stdout?.destroy();
  expect((await ended).code).toBe(0);
  expect(endOfLastRun(directory)).toBe("idle");
});

test("analyse, verify and backup stopped half way put away what they hold", async () => {
  const directory = experiment(QUICK_CONFIG);
  await phorest(["run", "--frames", "40", "--until-idle"], directory);
  for (const signal of ["SIGHUP", "SIGTERM"] as const) {
    const code = signal === "SIGHUP" ? 129 : 143;
    const results = join(directory, `${signal}.jsonl`);
    const analysing = start(["analyse", "data", "--jobs", "1", "--jsonl", results], directory);
    await until(() => existsSync(results) && readFileSync(results).includes("\n"));
    analysing.child.kill(signal);
    expect(await stopOf(analysing.ended)).toEqual(code);
    expect(readFileSync(results, "utf8")).toMatch(/\}\n$/);
    const rest = await phorest(["analyse", "data", "--resume", "--jsonl", results], directory);
    expect(rest).toMatchObject({ code: 0 });
    expect(readFileSync(results, "utf8").trimEnd().split("\n")).toHaveLength(40);

    const backingUp = start(["backup"], directory);
    await until(() => existsSync(join(directory, "data/phorest.holder.json")));
    backingUp.child.kill(signal);
    expect(await stopOf(backingUp.ended)).toEqual(code);
    expect(readdirSync(directory).includes("backup") ? readdirSync(join(directory, "backup")) : []).toEqual([]);
    expect(existsSync(join(directory, "data/phorest.holder.json"))).toBe(false);
  }
});

async function stopOf(ended: Promise<Ended>): Promise<number | null> {
  const { code, stderr } = await ended;
  expect(stderr).toMatch(/stopped: (the terminal was closed|stop requested)\n$/);
  return code;
}
