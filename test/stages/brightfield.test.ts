// Brightfield pictures give way to captures.
import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import { Failure } from "../../src/failure/failure.ts";
import { BrightfieldPictures } from "../../src/stages/collector/brightfield.ts";

const said: string[] = [];
const log = {
  log: (level: string, line: string) => said.push(`${level} ${line}`),
  info: (line: string) => said.push(`info ${line}`),
} as unknown as ConstructorParameters<typeof BrightfieldPictures>[0]["log"];

/** Pictures whose taking is ended by hand. */
function pictures(text: string, untilMs: { now: number }, live = true) {
  const { config } = parseConfig(`[Timing]\ncollector_interval_seconds = 10\n${text}`, "/lab");
  const taking: { done(path: string): void; fail(error: Error): void }[] = [];
  const states: string[] = [];
  const brightfield: BrightfieldPictures = new BrightfieldPictures({
    config,
    live,
    log,
    untilCaptureMs: () => untilMs.now,
    take: () =>
      new Promise((resolve, reject) => {
        taking.push({ done: resolve, fail: reject });
      }),
    changed: () => states.push(brightfield.state.state),
  });
  return { brightfield, taking, states };
}

const signal = new AbortController().signal;

test("one that is asked for is taken at once where the time until the next capture suffices", async () => {
  const { brightfield, taking, states } = pictures("", { now: 6000 });
  brightfield.ask();
  expect(taking).toHaveLength(1);
  brightfield.ask();
  expect(taking).toHaveLength(1);
  taking[0]?.done("/lab/bright/a.png");
  await brightfield.settled();
  expect(brightfield.state).toEqual({ state: "taken", message: "/lab/bright/a.png" });
  expect(states).toEqual(["asked", "taking", "taken"]);
});

test("where it does not, it is taken after the next capture, once", async () => {
  const { brightfield, taking } = pictures("", { now: 1000 });
  brightfield.ask();
  expect(taking).toHaveLength(0);
  expect(brightfield.state.state).toBe("asked");
  const after = brightfield.afterCapture(1, signal);
  expect(taking).toHaveLength(1);
  taking[0]?.done("a.png");
  await after;
  await brightfield.afterCapture(2, signal);
  expect(taking).toHaveLength(1);
});

test("the configured ones come after every so many captures, and one that fails fails nothing else", async () => {
  const { brightfield, taking } = pictures("[Services]\nenable_brightfield = true\n[Brightfield]\nevery_n = 2\n", {
    now: 0,
  });
  await brightfield.afterCapture(1, signal);
  expect(taking).toHaveLength(0);
  const after = brightfield.afterCapture(2, signal);
  taking[0]?.fail(new Failure("camera.failed", "the lamp is off"));
  await after;
  expect(brightfield.state).toEqual({ state: "failed", message: "the lamp is off" });
});

test("a lamp that stays off is said once, and its end once", async () => {
  const { brightfield, taking } = pictures("[Services]\nenable_brightfield = true\n", { now: 0 });
  said.length = 0;
  for (const works of [false, false, true, true]) {
    const after = brightfield.afterCapture(1, signal);
    if (works) taking.at(-1)?.done("a.png");
    else taking.at(-1)?.fail(new Failure("camera.failed", "the lamp is off"));
    await after;
  }
  expect(said).toEqual([
    "warn cannot take a brightfield image: the lamp is off",
    "debug cannot take a brightfield image: the lamp is off",
    "info brightfield images can be taken again",
  ]);
});

test.each([
  ["", false, "this camera type reads files from another program"],
  ["[Services]\nenable_camera = false\n", true, "the camera is switched off"],
  ['[Paths]\nbrightfield_dir = "data"\n', true, "Paths.brightfield_dir must be a separate directory"],
] as const)("where none can be taken, asking is refused, and the state says why: %j", (text, live, why) => {
  const { brightfield, taking } = pictures(text, { now: 9000 }, live);
  expect(brightfield.state).toEqual({ state: "unavailable", message: expect.stringContaining(why) });
  expect(() => brightfield.ask()).toThrow(why);
  expect(taking).toHaveLength(0);
});
