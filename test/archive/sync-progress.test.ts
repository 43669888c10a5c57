import { expect, test } from "vitest";
import { SyncProgress } from "../../src/stages/syncer/sync-progress.ts";

test("the line tells how much waits and how fast it goes; a backlog that grows is called slow until it shrinks", () => {
  let waiting = 10;
  let nowMs = 0;
  const progress = new SyncProgress(
    () => waiting,
    () => nowMs,
  );
  progress.copied(2, 4_000_000, 1000);
  expect(progress.note()).toBe("10 images waiting; 2 images copied and verified in this run, 4.0 MB/s");
  nowMs = 61_000;
  waiting = 40;
  progress.copied(2, 4_000_000, 1000);
  expect(progress.note()).toContain("SLOW: images arrive faster than the share can store them");
  nowMs = 122_000;
  waiting = 1;
  progress.copied(39, 78_000_000, 19_500);
  expect(progress.note()).toBe("1 image waiting; 43 images copied and verified in this run, 4.0 MB/s");
  waiting = 0;
  progress.caughtUp();
  expect(progress.note()).toBe("all copied; 43 images copied and verified in this run");
  waiting = 1001;
  expect(progress.waitingText()).toBe("more than 1000 images waiting");
});
