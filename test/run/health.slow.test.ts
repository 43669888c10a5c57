// The real program and its real files: what a monitor, a technician over SSH and somebody who is told get to see.
import { type ChildProcess, spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { ALARM_STATE_FILENAME, readAlarmState } from "../../src/health/alarm-state.ts";
import { packageRoot } from "../../src/system/files.ts";
import { isThere } from "../support/needed.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { command as phorest } from "./commands.ts";
import { experiment, QUICK_CONFIG, start } from "./program.ts";

/** Behind QUICK_CONFIG, whose last section is [Supervisor]. */
const TOLD = `
heartbeat_seconds = 0.2
[Alarm]
command = ["sh", "-c", "cat >> told.jsonl", "sh"]
check_interval_seconds = 0.2
timeout_seconds = 120
[Services]
enable_camera = true
enable_service_health_check = true
[Retries]
collector_failure_limit = 1
`;
const PATIENCE_MS = 120_000;
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Of all tests of this file: outside of a test, so that it stays to their end. */
const original = temporaryDirectory();
let measuring: Promise<void> | undefined;

/** A measured experiment, made once and copied; `then` is the configuration it is left with. */
async function measured(then = QUICK_CONFIG): Promise<string> {
  measuring ??= measure();
  await measuring;
  const directory = experiment();
  cpSync(original, directory, { recursive: true });
  writeFileSync(join(directory, "config.toml"), then);
  return directory;
}

async function measure(): Promise<void> {
  writeFileSync(join(original, "config.toml"), QUICK_CONFIG);
  const { code, stderr } = await phorest(["run", "--frames", "6", "--until-idle"], original);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error(`still not: ${what}`);
    await sleep(100);
  }
}

interface Notice {
  readonly event: string;
  readonly key: string;
}

function told(directory: string): Notice[] {
  const path = join(directory, "told.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Notice);
}

interface HealthReport {
  readonly at: string;
  readonly verdict: string;
  readonly stages: { stage: string; state: string }[];
}

function healthReport(directory: string): HealthReport | undefined {
  const path = join(directory, "results/health_report.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

const FAULTED = "stage.faulted:collector";

test("a faulted camera is told once, also when the run is killed and started again", {
  timeout: 600_000,
}, async () => {
  const broken = QUICK_CONFIG.replace('camera_type = "simulated"', 'camera_type = "command"\ncommand = ["false"]');
  const directory = await measured(broken.replace("[Timing]", "[Timing]\nhealth_interval_seconds = 1") + TOLD);
  const isFaulted = ({ event, key }: Notice) => event === "alarm" && key === FAULTED;
  const first = start(["run"], directory);
  children.push(first.child);
  await until("somebody was told", () => told(directory).some(isFaulted));
  // Killed before it has recorded that, a run would rightly tell it again.
  const alarms = join(directory, "data", ALARM_STATE_FILENAME);
  await until("that was recorded", () => readAlarmState(alarms).outbox.length === 0);
  const health = await phorest(["health"], directory);
  expect({ code: health.code, first: health.stdout.split("\n")[0] }).toEqual({ code: 1, first: "there are problems" });
  // Once a minute it is tried again.
  const metrics = async () => (await phorest(["health", "--metrics"], directory)).stdout;
  await expect.poll(metrics).toContain('phorest_stage_state{stage="collector",state="faulted"} 1');
  first.child.kill("SIGKILL");
  await first.ended;

  const again = start(["run"], directory);
  children.push(again.child);
  await until("a second health report of the faulted stage", () => {
    const log = readFileSync(join(directory, "logs/collector.log"), "utf8");
    return log.split("faulted").length > 2 && healthReport(directory)?.verdict === "ill";
  });
  // What is to be told is told between one report and the next.
  for (let reports = 0; reports < 3; reports++) {
    const before = healthReport(directory)?.at;
    await until("another health report", () => healthReport(directory)?.at !== before);
  }
  again.child.kill("SIGTERM");
  await again.ended;
  expect(told(directory).filter(({ key }) => key === FAULTED)).toHaveLength(1);
});

test("the exit code says it to a monitor: fine, not running, nothing there, wrong usage", async () => {
  const directory = await measured();
  const picture = join(directory, "seen/health.png");
  expect((await phorest(["health", "--png", picture], directory)).code).toBe(0);
  expect(readFileSync(picture).subarray(1, 4).toString()).toBe("PNG");
  expect((await phorest(["health", "--expect-running"], directory)).code).toBe(1);
  expect((await phorest(["health", "--json", "--metrics"], directory)).code).toBe(2);
  const json = JSON.parse((await phorest(["health", "--json"], directory)).stdout);
  expect(json).toMatchObject({ verdict: "fine", experiment: "stopped", counts: { processed: 6 }, told: [] });
  const empty = await phorest(["health"], experiment(QUICK_CONFIG));
  expect(empty.code).toBe(2);
});

test("a run whose camera is switched off says so, and is well", async () => {
  const directory = await measured(`${QUICK_CONFIG}[Services]\nenable_camera = false\n`);
  const run = start(["run"], directory);
  children.push(run.child);
  const status = async () => JSON.parse((await phorest(["status", "--json"], directory)).stdout);
  await expect.poll(status).toMatchObject({ experiment: "running" });
  const health = () => phorest(["health"], directory);
  const switchedOff = /^note +the camera is switched off \(Services\.enable_camera = false\)/m;
  // It is running before it has written down what it does.
  await expect.poll(health).toMatchObject({ code: 0, stdout: expect.stringMatching(switchedOff) });
  run.child.kill("SIGTERM");
  await run.ended;
  expect((await health()).stdout).not.toContain("switched off");
});

test("a report is a page that holds everything, and shows the ROI asked for", async () => {
  const directory = await measured();
  const { also } = JSON.parse((await phorest(["report", "--roi", "093B_N", "--json"], directory)).stdout);
  expect(also.map((path: string) => path.split("/").at(-1))).toEqual([
    ...["noise_and_drift.csv", "noise_and_drift.png", "noise_and_drift.svg"],
    ...["roi_093B_N.png", "roi_093B_N.svg", "report.html"],
  ]);
  const page = readFileSync(join(directory, "results/report.html"), "utf8");
  expect(page).toContain("<h2>ROI 093B_N</h2>");
  const sources = [...page.matchAll(/(?:src|href|url)\s*[=(]\s*"?([^">)]{0,22})/g)].map(([, source]) => source);
  expect(new Set(sources)).toEqual(new Set(["data:image/png;base64,"]));
  expect(page).not.toMatch(/<script/i);
  const lines = readFileSync(join(directory, "results/noise_and_drift.csv"), "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(11);
  const wrong = await phorest(["report", "--roi", "nowhere"], directory);
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("the first ROIs are ") });
});

test("without a terminal the status is plain lines, and the logs are one stream", async () => {
  const directory = await measured();
  const watching = start(["status", "--watch", "--roi", "093B_N"], directory);
  children.push(watching.child);
  let seen = "";
  watching.child.stdout?.on("data", (chunk: Buffer) => {
    seen += chunk.toString();
  });
  await until("a status was printed", () => seen.includes("093B_N  "));
  watching.child.kill("SIGTERM");
  expect((await watching.ended).stdout).not.toContain("\u001b");
  const logs = (await phorest(["logs", "-n", "5"], directory)).stdout.trimEnd().split("\n");
  expect(logs).toHaveLength(5);
  const times = logs.map((line) => line.split(" ")[0]);
  expect([...times].sort()).toEqual(times);
  expect((await phorest(["menu"], directory)).code).toBe(2);
});

const hasTmux = isThere("tmux (apt-get install tmux)", spawnSync("tmux", ["-V"]).status === 0);

test.skipIf(!hasTmux)("on a terminal: a screen with curves, a menu that starts and stops", async () => {
  const directory = await measured(QUICK_CONFIG.replace("= 0.05", "= 1"));
  const tmux = (...args: string[]) =>
    spawnSync("tmux", ["-L", `phorest-${process.pid}`, ...args], { encoding: "utf8" });
  const screen = () => tmux("capture-pane", "-p").stdout;
  const program = `${process.execPath} ${join(packageRoot(), "bin/phorest.js")}`;
  const size = ["-x", "120", "-y", "40", "-c", directory];
  tmux("new-session", "-d", ...size, `LANG=C.UTF-8 ${program} menu`);
  try {
    await until("the menu", () => screen().includes("no run is active"));
    tmux("send-keys", "Down", "Enter");
    await until("a run", () => /a run is active \(process \d+/.test(screen()));
    tmux("send-keys", "Enter");
    // Frames that come late on a busy machine are an alarm, which ends with the next one.
    await until("the screen", () => {
      const shown = screen();
      return (
        /^phorest running {2}no alarms/.test(shown) && /093B_N +[\d.]+ px +[+-]\d\.\d{3} px +[▁▂▃▄▅▆▇█×]{6}/.test(shown)
      );
    });
    tmux("send-keys", "q");
    await until("the menu again", () => screen().includes("❯ Status"));
    tmux("send-keys", "Down", "Enter");
    await until("the question", () => screen().includes("Stop the run"));
    tmux("send-keys", "y", "Enter");
    await until("the end", () => screen().includes("\nstopped\n"));
    tmux("send-keys", "C-c");
  } finally {
    const [pid] = /started: process (\d+)/.exec(screen())?.slice(1) ?? [];
    tmux("kill-server");
    if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(Number(pid), "SIGKILL");
  }
});
