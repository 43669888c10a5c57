// Tests the reliability of automatic calibration: simulated pictures with known truth (all chips, scales, orientations, defects),
// realistic photographs, 64 megapixels, and pictures that it must refuse. Run:
//   npx tsx bench/calibrate-proof.ts [--count 500] [--large 10] [--photographs 200] [--decoys 500] [--seed 1] [--processes 2] [--list] [--progress]
// --count are pictures at 1920 x 1460, of which --large are of 64 megapixels instead. --list prints every refusal, --progress a line of JSON for each picture
// as it is done.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LabelPatterns } from "../src/calibration/label-search.ts";
import { locateChip } from "../src/calibration/locate.ts";
import { chipTypes, loadChip } from "../src/chip/layout.ts";
import { photograph } from "../test/calibration/photographs.ts";
import { chipShot, cornerError, DECOYS, decoyShot, type Shot } from "../test/calibration/pictures.ts";

const SMALL = { width: 1920, height: 1460 };
const LARGE = { width: 9152, height: 6944 };
const CLASSES = ["64 MP", "drawn", "photograph", ...DECOYS] as const;
type Class = (typeof CLASSES)[number];

interface Task {
  readonly kind: Class;
  readonly seed: number;
}

/** The result for one picture; `errorPx` is infinite for a wrong chip. */
interface Outcome extends Task {
  readonly description: string;
  readonly refusal: string | undefined;
  readonly errorPx: number;
  readonly cpuMs: number;
}

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "500" },
    large: { type: "string", default: "10" },
    photographs: { type: "string", default: "200" },
    decoys: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    processes: { type: "string", default: "2" },
    list: { type: "boolean", default: false },
    progress: { type: "boolean", default: false },
  },
});

function tasks(): Task[] {
  const [seed, count, large, photographs, decoys] = [
    values.seed,
    values.count,
    values.large,
    values.photographs,
    values.decoys,
  ].map(Number) as [number, number, number, number, number];
  const many = (length: number, kind: (i: number) => Class): Task[] =>
    Array.from({ length }, (_, i) => ({ kind: kind(i), seed: seed + i }));
  const all = [
    many(count, (i) => (i < large ? "64 MP" : "drawn")),
    many(photographs, () => "photograph"),
    many(decoys, (i) => DECOYS[(seed + i) % DECOYS.length] as Class),
  ];
  // All classes in turn, so that an interrupted run has covered each equally.
  const turns = all.flatMap((list) => list.map((task, i) => ({ task, at: (i + 0.5) / list.length })));
  return turns.sort((a, b) => a.at - b.at).map(({ task }) => task);
}

const patterns = new LabelPatterns();

async function attempt({ kind, seed }: Task): Promise<Outcome> {
  const decoy = DECOYS.find((one) => one === kind);
  const shot: Shot | undefined =
    decoy !== undefined
      ? undefined
      : kind === "photograph"
        ? await photograph(seed)
        : chipShot(seed, kind === "64 MP" ? LARGE : SMALL);
  const { picture, chips, description } =
    shot !== undefined ? { ...shot, chips: chipTypes().map(loadChip) } : decoyShot(seed, decoy ?? "nothing", SMALL);
  const started = process.cpuUsage();
  const search = locateChip(picture, chips, patterns);
  const { user, system } = process.cpuUsage(started);
  const cpuMs = (user + system) / 1000;
  if ("doubt" in search) return { kind, seed, description, refusal: search.doubt.reason, errorPx: 0, cpuMs };
  const right = shot !== undefined && search.found.chip.type === shot.chip.type;
  const errorPx = right ? cornerError(shot, search.found.pose) : 1e9;
  return { kind, seed, description, refusal: undefined, errorPx, cpuMs };
}

/** Runs the tasks: each process asks for tasks until there are none left. */
async function runAll(): Promise<Outcome[]> {
  const waiting = tasks();
  const outcomes: Outcome[] = [];
  const work = () =>
    new Promise<void>((done, failed) => {
      const child = fork(fileURLToPath(import.meta.url), [], {
        execArgv: ["--import", "tsx"],
        env: childEnvironment(),
      });
      const next = () => {
        const task = waiting.shift();
        if (task === undefined) child.disconnect();
        else child.send(task);
      };
      child.on("message", (outcome) => {
        outcomes.push(outcome as Outcome);
        if (values.progress) process.stderr.write(`${JSON.stringify(outcome)}\n`);
        next();
      });
      child.on("error", failed);
      child.on("exit", (code) =>
        code === 0 ? done() : failed(new Error(`a process of the proof ended with ${code}`)),
      );
      next();
    });
  await Promise.all(Array.from({ length: Number(values.processes) }, work));
  return outcomes;
}

/** Returns an environment that limits a process to one core. */
function childEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, UV_THREADPOOL_SIZE: "1" };
}

function quantile(list: readonly number[], share: number): number {
  return [...list].sort((a, b) => a - b)[Math.floor(share * (list.length - 1))] ?? Number.NaN;
}

function report(outcomes: readonly Outcome[]): void {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const about = (one: Outcome) => `  ${one.kind} ${one.seed} (${one.description})`;
  const figures: Record<string, unknown> = {};
  say("class: pictures, accepted and right, refused, wrong; corner error of the right ones; processor time");
  for (const kind of CLASSES) {
    const own = outcomes.filter((one) => one.kind === kind);
    if (own.length === 0) continue;
    const limitPx = kind === "64 MP" ? 2 : 1;
    const refused = own.filter(({ refusal }) => refusal !== undefined);
    const accepted = own.filter(({ refusal }) => refusal === undefined);
    const wrong = accepted.filter(({ errorPx }) => !(errorPx <= limitPx));
    const errors = accepted.filter((one) => !wrong.includes(one)).map(({ errorPx }) => errorPx);
    const ms = (list: readonly Outcome[]) =>
      [0.5, 0.9, 1].map((at) =>
        Math.round(
          quantile(
            list.map((one) => one.cpuMs),
            at,
          ),
        ),
      );
    const [acceptedMs, refusedMs] = [ms(accepted), ms(refused)];
    const px = [0.5, 0.99, 1].map((at) => Number(quantile(errors, at).toFixed(3)));
    figures[kind] = {
      pictures: own.length,
      right: errors.length,
      refused: refused.length,
      wrong: wrong.length,
      px,
      acceptedMs,
      refusedMs,
    };
    say(
      `${kind}: ${own.length}, ${errors.length}, ${refused.length}, ${wrong.length}; median, 99 %, largest ${px.join(", ")} px; ` +
        `median, 90 %, largest ${acceptedMs.join(", ")} ms accepted, ${refusedMs.join(", ")} ms refused`,
    );
    for (const one of wrong) say(`${about(one)}: WRONG by ${one.errorPx.toFixed(2)} px`);
    if (values.list && !DECOYS.some((decoy) => decoy === kind))
      for (const one of refused) say(`${about(one)}: ${one.refusal}`);
  }
  say(JSON.stringify(figures));
}

if (process.send === undefined) report(await runAll());
else process.on("message", async (task: Task) => process.send?.(await attempt(task)));
