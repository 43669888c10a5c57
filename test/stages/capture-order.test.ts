// Frames are settled in the order of capture, however long each takes to measure, and none waits for ever.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { CaptureOrder } from "../../src/stages/processor/capture-order.ts";

/** Measures frames side by side, each as long as `took` says, and returns them as they were settled. */
async function settled(order: CaptureOrder, frames: number, threads: number, took: (frame: number) => number) {
  const done: number[] = [];
  const inHand = new Map<number, Promise<void>>();
  const measure = async (frame: number) => {
    await sleep(took(frame));
    await order.turn(frame, () => undefined);
    done.push(frame);
    order.end(frame);
    inHand.delete(frame);
  };
  for (let frame = 1; frame <= frames; frame += 1) {
    while (inHand.size - order.waiting >= threads) await sleep(1);
    order.begin(frame);
    inHand.set(frame, measure(frame));
  }
  await Promise.all(inHand.values());
  return done;
}

test("1,000 frames whose measuring times differ by a factor of ten are settled in the order of capture", async () => {
  const order = new CaptureOrder(60_000);
  const frames = await settled(order, 1000, 8, (frame) => ((frame * 7919) % 10) + 1);
  expect(frames).toEqual(Array.from({ length: 1000 }, (_x, i) => i + 1));
  expect(order.waiting).toBe(0);
});

test("a frame that hangs holds up the others for the longest wait only", async () => {
  const order = new CaptureOrder(50);
  order.begin(1);
  order.begin(2);
  expect(await order.turn(2, () => undefined)).toBe(false);
  expect(await order.turn(1, () => undefined)).toBe(true);
});

test("a frame that returns to the queue, or came later, is not waited for; who waits says so", async () => {
  const order = new CaptureOrder(60_000);
  for (const frame of [1, 2, 3]) order.begin(frame);
  let waits = 0;
  const second = order.turn(2, () => {
    waits += 1;
  });
  expect(order.waiting).toBe(1);
  order.end(1);
  expect(await second).toBe(true);
  expect(waits).toBe(1);
});
