import { expect, test } from "vitest";
import { isoAffinityLines } from "../../src/figures/iso-affinity-lines.ts";

test("a line of equal KD joins points with that KD, within the plot, for each power of ten that crosses it", () => {
  const [kd, ka] = [
    [-4, -2.5],
    [4, 5],
  ] as const;
  const lines = isoAffinityLines(kd, ka);
  expect(lines.map(({ power }) => power)).toEqual([-8, -7]);
  for (const { power, from, to } of lines) {
    for (const end of [from, to]) {
      expect(end.kd - end.ka).toBeCloseTo(power, 12);
      expect(end.kd).toBeGreaterThanOrEqual(kd[0]);
      expect(end.kd).toBeLessThanOrEqual(kd[1]);
      expect(end.ka).toBeGreaterThanOrEqual(ka[0]);
      expect(end.ka).toBeLessThanOrEqual(ka[1]);
    }
  }
  expect(lines[0]).toEqual({ power: -8, from: { kd: -4, ka: 4 }, to: { kd: -3, ka: 5 } });
});
