// `phorest capture --dark` and Camera.dark_level as a person uses them: a dark picture is taken, named, and used.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { experiment, phorest } from "./program.ts";

const camera = (lines: string) => `[Camera]\ncamera_type = "dummy"\n${lines}\n`;

/** A gray PNG whose pixels go around `level` in quarters of a count. */
async function grayPicture(path: string, level: number): Promise<void> {
  const pixels = Uint8Array.from({ length: 320 * 240 }, (_, at) => level + (at % 4 === 0 ? 1 : 0));
  await sharp(pixels, { raw: { width: 320, height: 240, channels: 1 } })
    .png()
    .toFile(path);
}

test("capture --dark says the level, and the picture it wrote can be named as Camera.dark_level", async () => {
  const directory = experiment(camera('dummy_path = "covered.png"'));
  await grayPicture(join(directory, "covered.png"), 7);
  const taken = await phorest(["capture", "--dark", "--out", "dark.png"], directory);
  expect([taken.code, taken.stderr]).toEqual([0, ""]);
  expect(taken.stdout).toContain("dark level 7.25 counts");
  expect(taken.stdout).toContain("Set in [Camera]: dark_level = 7.25, or dark_level = ");

  writeFileSync(join(directory, "config.toml"), camera('dark_level = "dark.png"'));
  const shown = await phorest(["config", "show", "--json"], directory);
  const { keys } = JSON.parse(shown.stdout) as { keys: { key: string; value: unknown }[] };
  expect(keys.find(({ key }) => key === "dark_level")?.value).toBe(join(directory, "dark.png"));

  await phorest(["simulate", "pictures", "--frames", "3", "--size", "640x480"], directory);
  const analyse = ["analyse", "pictures", "--rois", "pictures/ROI_manifest.json", "--method", "tracking"];
  const byName = await phorest(analyse, directory);
  expect(byName.code).toBe(0);
  const byNumber = await phorest([...analyse, "--dark-level", "7.25"], directory);
  const positions = (lines: string) =>
    lines
      .trim()
      .split("\n")
      .map((line) =>
        (JSON.parse(line) as { resonances: { position: number }[] }).resonances.map((one) => one.position),
      );
  expect(positions(byName.stdout).length).toBe(3);
  expect(positions(byName.stdout)).toEqual(positions(byNumber.stdout));
});

test("a lit picture is no dark one: nothing is written, and the cure is said", async () => {
  const directory = experiment(camera('dummy_path = "lit.png"'));
  await grayPicture(join(directory, "lit.png"), 120);
  const taken = await phorest(["capture", "--dark", "--out", "dark.png"], directory);
  expect(taken.code).not.toBe(0);
  expect(taken.stderr.trim().split("\n")).toHaveLength(1);
  expect(taken.stderr).toMatch(
    /not a dark image: its level of 120\.[23] is above a quarter of 255.*switch off the lamp/,
  );
  expect(existsSync(join(directory, "dark.png"))).toBe(false);
});

test.each([
  ["dark_level = -1", ["config", "check"], /dark_level.*a number from 0 to 65535, "auto", or the path of a dark image/],
  ["dark_level = true", ["config", "check"], /dark_level/],
  ['dark_level = "gone.png"', ["run", "--frames", "1"], /gone\.png/],
])("%s is refused by %j in one line", async (line, words, said) => {
  const ended = await phorest(words, experiment(camera(line)));
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(said);
});

test("a dark level above what pictures show is said with each of them", async () => {
  const directory = experiment();
  await phorest(["simulate", "pictures", "--frames", "2", "--size", "640x480"], directory);
  const words = ["analyse", "pictures", "--rois", "pictures/ROI_manifest.json", "--method", "tracking"];
  const { code, stdout, stderr } = await phorest([...words, "--dark-level", "240"], directory);
  expect(code).toBe(0);
  expect(stderr.match(/parts of the image are darker .* than Camera\.dark_level/g)).toHaveLength(2);
  expect(stdout).toContain("parts of the image are darker");
});
