import { expect, test } from "vitest";
import { torture } from "./torture.ts";

test("twenty kill -9 amid full, read-only and vanishing disks: every acknowledged frame exists once, byte for byte, with one result and one CSV line per ROI", {
  timeout: 1_200_000,
}, async ({ annotate }) => {
  const report = await torture({
    kills: 20,
    seed: 4,
    localBytes: 160 * 1024 * 1024,
    remoteBytes: 160 * 1024 * 1024,
    lifeMs: 600,
    say: () => undefined,
  });
  if (!report.mounted)
    await annotate("mounting is not permitted here: no disk filled up, turned read-only or went away");
  expect(report.judgement.faults).toEqual([]);
  expect(report.kills).toBe(20);
  expect(report.judgement.acknowledged).toBeGreaterThan(20);
  // Every stage had its part in it.
  const { compressed, synced, removed, archived } = report.judgement;
  expect(report.syncing).toBe(true);
  for (const count of [compressed, synced, removed, archived]) expect(count).toBeGreaterThan(0);
  expect(report.judgement.frames).toBeGreaterThanOrEqual(report.judgement.acknowledged);
});
