// `phorest run`: runs an experiment until it is stopped.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { CommandModule } from "yargs";
import { type DarkLevel, readDarkLevel } from "../analysis/dark-level.ts";
import { kernelVersion } from "../analysis/native-kernel.ts";
import { checkFileSystem } from "../archive/directory-identity.ts";
import { FILE_CAMERAS } from "../cameras/camera.ts";
import { configuredTimes } from "../cameras/configured-files.ts";
import { checkRunnable, loadConfig } from "../config/config.ts";
import { wantsOpcUa } from "../config/consistency.ts";
import { checkDirectories } from "../config/directories.ts";
import type { Loaded } from "../config/loaded.ts";
import { checkConfigured, isConfigRequired, isSimulatedByDefault } from "../config/required.ts";
import type { Config } from "../config/schema.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { encodeFailure, Failure, lineOf } from "../failure/failure.ts";
import { cameraLine, isCameraUncertain } from "../health/camera-in-use.ts";
import { HealthFile } from "../health/health-file.ts";
import { CaptureTimes } from "../image/times/capture-times.ts";
import type { TimeTable } from "../image/times/table.ts";
import { notifyService } from "../installation/systemd-notify.ts";
import { createLogger, type Logger } from "../log/logger.ts";
import { type ExperimentLock, type Holder, lockExperiment } from "../manifest/lock.ts";
import { untilUnlocked } from "../manifest/lock-wait.ts";
import { MANIFEST_FILENAME, type Manifest } from "../manifest/manifest.ts";
import { checkBeforeWriting } from "../manifest/repair.ts";
import { limitArenas } from "../native/kernel-binding.ts";
import { readIdentity } from "../outputs/opcua/identity.ts";
import { type RunSummary, Supervisor } from "../supervisor/supervisor.ts";
import { counted } from "../system/counted.ts";
import { endPrograms, endProgramsOf, markPrograms } from "../system/program.ts";
import { onStopSignal, Patience, SIGNAL_REASONS } from "../system/stop-signals.ts";
import { LiveBlock } from "../terminal/live-block.ts";
import { liveLines } from "../terminal/live-lines.ts";
import { type CaptureTimeArguments, captureTimeOptions, withCaptureTimes } from "./capture-time-options.ts";
import { checkChoice } from "./check-choice.ts";
import { originText } from "./config.ts";
import { continueSeries } from "./continued-series.ts";
import type { GlobalOptions } from "./global.ts";
import { checkSameExperiment } from "./other-experiment.ts";
import { otherMethodLine } from "./other-method.ts";
import { otherTimesLine } from "./other-times.ts";
import { outliveReaders } from "./outputs.ts";
import { type PageArguments, pageOptions, withPages } from "./page-options.ts";
import { checkRois, prepareRois, type RunRois } from "./prepare-rois.ts";
import { forTerminal, shownZone } from "./shown-zone.ts";
import { exitNow } from "./stoppable.ts";
import { readOpened } from "./stored-experiment.ts";
import { type SubsetArguments, subsetOptions, withSubset } from "./subset-options.ts";

interface RunArguments extends GlobalOptions, SubsetArguments, PageArguments, CaptureTimeArguments {
  frames: number | undefined;
  "until-idle": boolean;
  duration: number | undefined;
  continue: boolean;
}

const REFRESH_MS = 250;
/** How long a start waits for another program's lock on the manifest. */
const LOCK_WAIT_MS = 60_000;
const INTERRUPTED_TWICE = 130;
/** Number of allocator arenas: measuring threads seldom wait for each other's memory, and each further arena kept 10 MB. */
const ARENAS = 2;

export const runCommand: CommandModule<GlobalOptions, RunArguments> = {
  command: "run",
  describe: "Run the experiment: capture, measure and write results until stopped",
  builder: (yargs) =>
    captureTimeOptions(pageOptions(subsetOptions(yargs)))
      .option("frames", { type: "number", requiresArg: true, describe: "Stop after this many captures" })
      .option("until-idle", { type: "boolean", default: false, describe: "Stop when all work is done" })
      .option("duration", { type: "number", requiresArg: true, describe: "Stop after this many seconds" })
      .option("continue", {
        type: "boolean",
        default: false,
        describe: "Continue the experiment in this directory although its name or sample was another",
      })
      .example("$0 run --frames 20 --until-idle", "twenty frames of the simulated chip, then stop")
      .example("$0 run --until-idle --every 10", "with camera_type file_importer: each tenth image, then stop"),
  handler: async (args) => {
    checkArguments(args);
    const configured = loadConfig(args.config);
    const zone = shownZone(configured.config, args.tz);
    const chosen = withPages(withSubset(configured, args, zone), args);
    const loaded = withCaptureTimes(chosen, args, true);
    if (isConfigRequired(process.env)) checkConfigured(loaded);
    outliveReaders();
    const stop = new StopRequest();
    const summary = await runOnOneDisk(loaded, args, stop);
    process.exitCode = exitCode(summary);
    process.stdout.write(args.json ? `${JSON.stringify(summary)}\n` : `${summaryLine(summary, loaded.config)}\n`);
    // A worker that did not stop in time would keep the process alive; all data is written already.
    if (!summary.clean) exitNow(exitCode(summary));
  },
};

function checkArguments({ frames, duration }: RunArguments): void {
  if (frames !== undefined && (!Number.isInteger(frames) || frames < 1)) {
    throw wrongOption("--frames", "a whole number of at least 1", frames);
  }
  if (duration !== undefined && !(duration > 0)) {
    throw wrongOption("--duration", "a number of seconds above 0", duration);
  }
}

/** After a disk was unplugged and came back, the system sees a new disk: restart the experiment to reopen all files. */
async function runOnOneDisk(loaded: Loaded, args: RunArguments, stop: StopRequest): Promise<RunSummary> {
  const total = { captured: 0, processed: 0, failed: 0 };
  for (;;) {
    const frames = args.frames === undefined ? undefined : Math.max(1, args.frames - total.captured);
    const summary = await runExperiment(loaded, { ...args, frames }, stop);
    total.captured += summary.captured;
    total.processed += summary.processed;
    total.failed += summary.failed;
    if (!summary.displaced || stop.asked) return { ...summary, ...total };
  }
}

async function runExperiment(loaded: Loaded, args: RunArguments, stop: StopRequest): Promise<RunSummary> {
  const { config } = loaded;
  checkRunnable(loaded);
  if (wantsOpcUa(config)) readIdentity(config.OPC_UA);
  // Check that the kernel loads: otherwise every frame would fail because of a broken installation.
  kernelVersion();
  limitArenas(ARENAS);
  checkDisk(config);
  await checkChoice(config, { untilIdle: args["until-idle"] });
  // A table of capture times that cannot be read stays unreadable: without this check, the source would try again and again.
  const readsFiles = FILE_CAMERAS.has(config.Camera.camera_type);
  const table = readsFiles ? await new CaptureTimes(configuredTimes(config.Camera)).table() : undefined;
  const darkLevel = await readDarkLevel(config.Camera.dark_level, config.Camera.bits);
  const manifestFile = join(config.Paths.data_dir, MANIFEST_FILENAME);
  // A refused start of a new experiment leaves nothing, not even a lock. An existing one is read only by the holder of its lock.
  const rois = existsSync(manifestFile) ? undefined : await checkRois(loaded, manifestFile);
  checkDirectories(config);
  const lock = lockExperiment(config.Paths.data_dir);
  try {
    return await runLocked(loaded, args, stop, { lock, darkLevel, table, rois });
  } finally {
    lock.release();
  }
}

/** What a run has read before it begins. */
interface Prepared {
  readonly lock: ExperimentLock;
  readonly darkLevel: DarkLevel | undefined;
  readonly table: TimeTable | undefined;
  /** Undefined if the experiment exists: then its lock is needed first. */
  readonly rois: RunRois | undefined;
}

async function runLocked(
  asked: Loaded,
  args: RunArguments,
  stop: StopRequest,
  { lock, darkLevel, table, rois }: Prepared,
): Promise<RunSummary> {
  const { Paths, Timing } = asked.config;
  const onTerminal = process.stderr.isTTY === true && !args.json;
  const log = createLogger({
    directory: Paths.logs_dir,
    level: args["log-level"] ?? "info",
    console: !onTerminal,
    rotateSeconds: Timing.log_file_interval_seconds,
  });
  try {
    const own = log.stage("supervisor");
    for (const warning of asked.warnings) own.warn(warning);
    if (lock.warning !== undefined) own.warn(lock.warning);
    takePrograms(lock, (line) => own.warn(line));
    const manifestFile = join(Paths.data_dir, MANIFEST_FILENAME);
    checkBeforeWriting(manifestFile);
    await untilUnlocked(manifestFile, {
      limitMs: LOCK_WAIT_MS,
      announce: (failure) => own.warn(`${lineOf(failure)}; waiting up to ${LOCK_WAIT_MS / 1000} s for it`),
      signal: stop.signal,
    });
    if (!args.continue && existsSync(manifestFile)) await checkSameExperiment(asked.config, manifestFile, onTerminal);
    const { loaded, line } = continueSeries(asked, manifestFile);
    const { config } = loaded;
    if (line !== undefined) own.info(line);
    await prepareRois(rois ?? (await checkRois(loaded, manifestFile)), log);
    // Logged only now, so that a refused start prints just its reason.
    own.log(isCameraUncertain(loaded) ? "warn" : "info", cameraLine(loaded, args.config !== undefined));
    const block = new LiveBlock(process.stderr);
    if (onTerminal && isSimulatedByDefault(loaded)) {
      block.say(
        "This is a demonstration: phorest photographs a simulated sensor chip and measures it. No camera is needed.",
      );
      block.say(`Results are in ${config.Paths.results_dir}. Ctrl-C stops it; the same command continues it.`);
    }
    const supervisor = await Supervisor.open({
      config,
      darkLevel,
      configText: JSON.stringify(config),
      log,
      frames: args.frames,
      untilIdle: args["until-idle"],
      durationMs: args.duration === undefined ? undefined : args.duration * 1000,
      origins: Object.fromEntries([...loaded.origins].map(([key, origin]) => [key, originText(origin)])),
      announce: (line) => block.say(line),
    });
    try {
      for (const line of readOpened(manifestFile, (manifest) => differences(manifest, config, table))) own.warn(line);
      const pulse = new HealthFile({ file: process.env.PHOREST_HEALTH_FILE || undefined, config, log: own });
      return await steer(supervisor, pulse, log, onTerminal ? block : undefined, stop);
    } finally {
      await supervisor.close();
    }
  } finally {
    await log.close();
  }
}

/** Returns one line for each setting by which the frames of earlier runs would have been stored or measured otherwise. */
function differences(manifest: Manifest, config: Config, table: TimeTable | undefined): string[] {
  const hasTimes = table !== undefined || config.Camera.name_time !== undefined;
  const times = hasTimes ? otherTimesLine(manifest.history.takenTimes(), config, table) : undefined;
  return [otherMethodLine(manifest, config), times].filter((line) => line !== undefined);
}

/** Ends camera programs that a killed run left running, because they would block the camera. */
function takePrograms({ holder, died }: ExperimentLock, warn: (line: string) => void): void {
  const nameOf = ({ pid, since }: Holder) => `${pid} ${since}`;
  markPrograms(nameOf(holder));
  const ended = died === undefined ? 0 : endProgramsOf(nameOf(died));
  if (ended > 0) warn(`stopped ${ended === 1 ? "a program" : `${ended} programs`} that a killed run had left running`);
}

/** Passes stop signals to the current supervisor of a run, until the process ends. */
class StopRequest {
  private reason: string | undefined;
  private supervisor: Supervisor | undefined;
  private readonly abort = new AbortController();
  /** Aborted by the first request. */
  readonly signal = this.abort.signal;

  constructor() {
    const patience = new Patience();
    onStopSignal((signal) => {
      if (patience.isOver(signal)) exitNow(INTERRUPTED_TWICE);
      this.reason ??= SIGNAL_REASONS[signal];
      this.abort.abort();
      this.supervisor?.stop(this.reason);
    });
  }

  get asked(): boolean {
    return this.reason !== undefined;
  }

  /** Passes requests to `supervisor`, including one that came earlier. */
  passTo(supervisor: Supervisor): void {
    this.supervisor = supervisor;
    if (this.reason !== undefined) supervisor.stop(this.reason);
  }
}

/** Runs the supervisor: passes signals to it and shows its state on the terminal. */
async function steer(
  supervisor: Supervisor,
  pulse: HealthFile,
  log: Logger,
  block: LiveBlock | undefined,
  stop: StopRequest,
): Promise<RunSummary> {
  stop.passTo(supervisor);
  const show = () => block?.show(liveLines(supervisor, log).map(forTerminal));
  const timer = block === undefined ? undefined : setInterval(show, REFRESH_MS);
  const service = notifyService(process.env, (line) => log.stage("supervisor").warn(line));
  pulse.start();
  try {
    return await supervisor.run();
  } finally {
    await pulse.stop();
    service.stop();
    clearInterval(timer);
    // A camera program that did not stop in time would block the camera for other programs.
    endPrograms();
  }
}

/** The configured disk must be mounted before anything is created in its mount directory. */
function checkDisk({ Paths, Storage }: Config): void {
  if (Storage.usb_uuid === undefined) return;
  try {
    checkFileSystem(Storage.usb_uuid, Paths.root_dir);
  } catch (error) {
    const { message, hint } = encodeFailure(error);
    const advice = hint === undefined ? {} : { hint };
    throw new Failure("experiment.unusable", message, { cause: error, retry: "later", ...advice });
  }
}

function exitCode({ fault, clean, failed }: RunSummary): number {
  if (fault !== undefined || !clean) return 1;
  return failed > 0 ? 3 : 0;
}

function summaryLine({ captured, processed, failed, fault, pageProblem }: RunSummary, config: Config): string {
  const faulted = fault === undefined ? "" : `; ${fault}`;
  const page = pageProblem === undefined ? "" : `\nThere was no web page: ${pageProblem}`;
  return `${counted(captured, "frame")} captured, ${processed} measured, ${failed} failed${faulted}; results in ${config.Paths.results_dir}${page}`;
}
