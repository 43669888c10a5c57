// Pictures that are too much for any machine, as the last frame of a real run and as an upload: the run goes on, whoever asks
// gets one line, and everything else is answered.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { CalibrationView } from "../../src/web/calibration-views.ts";
import type { FrameView } from "../../src/web/picture-views.ts";
import type { StateView } from "../../src/web/views.ts";
import { command as phorest } from "../run/commands.ts";
import { experiment } from "../run/program.ts";
import { isAlive, workerProcesses } from "../support/worker-processes.ts";
import { blackPng } from "./pictures.ts";
import { FOR_ITSELF, Running } from "./running.ts";

const PATIENCE = { timeout: 100_000 } as const;
const CONFIG = `
[Services]
enable_camera = true
[Camera]
camera_type = "folder"
watch_dir = "watched"
folder_stable_seconds = 0.2
[Timing]
collector_interval_seconds = 0.5
communicator_interval_seconds = 60
[Report]
plot = false
[Web]
port = 0
[Supervisor]
shutdown_timeout_seconds = 120
`;

/** A run that takes up what is put into `watched`, and pictures of its chip. */
async function runningFolder() {
  const directory = experiment();
  const made = await phorest(["simulate", "made", "--frames", "3", "--size", "400x300"], directory);
  expect(made.code, made.stderr).toBe(0);
  const pictures = readdirSync(join(directory, "made")).filter((name) => name.endsWith(".png"));
  mkdirSync(join(directory, "generated_files"));
  mkdirSync(join(directory, "watched"));
  copyFileSync(join(directory, "made", "ROI_manifest.json"), join(directory, "generated_files", "ROI_manifest.json"));
  const running = await Running.start(directory, CONFIG, 0);
  onTestFinished(async () => {
    await running.stop();
  });
  // Whole at once: a file that does not grow for a moment counts as complete.
  const put = (name: string, bytes: Uint8Array) => {
    writeFileSync(join(directory, name), bytes);
    renameSync(join(directory, name), join(directory, "watched", name));
  };
  const good = (at: number) => readFileSync(join(directory, "made", pictures[at] as string));
  return { running, put, good };
}

/** One plain line of JSON, and its status. */
async function refusal(answer: Response): Promise<{ status: number; error: string }> {
  const { error } = (await answer.json()) as { error: string };
  expect(error).toMatch(/^[^\n]+$/);
  return { status: answer.status, error };
}

test("a bomb as the last frame fails alone: many look at it, the run measures on, the page shows the next one", async () => {
  const { running, put, good } = await runningFolder();
  put("a-bomb.png", blackPng(19_000, 100));
  const state = () => running.read<StateView>("/api/state");
  await expect.poll(async () => (await state()).counts?.failed, PATIENCE).toBe(1);
  expect((await state()).lastFrame?.status).toBe("failed");
  const look = (path: string) => running.answer(path);
  const answers = await Promise.all(Array.from({ length: 12 }, async () => refusal(await look("/api/frame"))));
  for (const { status, error } of answers) {
    expect(status).toBe(400);
    expect(error).toMatch(/bomb.*too large: 19000 × 19000 pixels/);
  }
  expect((await look("/api/frame/1/0/0/0")).status).toBe(404);
  put("b.png", good(0));
  await expect.poll(async () => (await state()).counts?.processed, PATIENCE).toBe(1);
  const shown = async () => {
    const answer = await look("/api/frame");
    return answer.ok ? ((await answer.json()) as FrameView) : undefined;
  };
  await expect.poll(shown, PATIENCE).toMatchObject({ width: 400, height: 300 });
  const frame = await shown();
  const tile = await look(`/api/frame/${frame?.entryId}/0/0/0`);
  expect([tile.status, tile.headers.get("content-type")]).toEqual([200, "image/jpeg"]);
  // A frame has failed, and nothing else has happened.
  const { code, stderr } = await running.stop();
  expect(code, stderr).toBe(3);
});

test("an uploaded bomb is refused in a line; a dead decoder costs one answer; the process ends with the run", async () => {
  const { running, put, good } = await runningFolder();
  const token = new URL(running.link).hash.replace("#token=", "");
  const upload = (name: string, bytes: Uint8Array) =>
    fetch(new URL(`/api/calibration/picture?name=${name}`, running.address), {
      method: "POST",
      headers: { ...FOR_ITSELF, Authorization: `Bearer ${token}`, "Content-Type": "image/png" },
      body: Uint8Array.from(bytes),
    });
  const bomb = await refusal(await upload("bomb.png", blackPng(19_000, 100)));
  expect(bomb.status).toBe(400);
  expect(bomb.error).toMatch(/^bomb\.png: too large: 19000 × 19000 pixels/);
  // Within what is read, and too large to look for a chip in.
  const large = await refusal(await upload("large.png", blackPng(10_400, 100)));
  expect(large).toMatchObject({ status: 400, error: expect.stringMatching(/10400 × 10400 pixels are too many/) });
  put("a.png", good(0));
  await expect.poll(async () => (await running.read<StateView>("/api/state")).counts?.processed, PATIENCE).toBe(1);
  const view = (await (await upload("good.png", good(1))).json()) as CalibrationView;
  expect(view.picture).toMatchObject({ width: 400, height: 300 });
  await running.answer("/api/frame");
  // One shows frames, the other has the chip looked for.
  const decoders = () => workerProcesses(running.pid, "pictures");
  expect(decoders()).toHaveLength(2);
  for (const pid of decoders()) process.kill(pid, "SIGKILL");
  const seen = async () => (await running.read<CalibrationView>("/api/calibration")).state;
  await expect.poll(seen, PATIENCE).not.toBe("searching");
  const looked = async () => (await running.answer("/api/frame/1/0/0/0")).status;
  await expect.poll(looked, PATIENCE).toBe(200);
  expect((await upload("again.png", good(2))).status).toBe(200);
  const left = decoders();
  const { code, stderr } = await running.stop();
  expect(code, stderr).toBe(0);
  await expect.poll(() => left.filter(isAlive)).toEqual([]);
});
