import { describe, expect, test } from "vitest";
import { axesOfName, type ImageAxes } from "../../src/image/image-axes.ts";
import { type FileAxes, SeparateImages } from "../../src/image/separate-images.ts";

const indexed = (channel: number, position: number, time: number, z = 0) => {
  const part = (value: number, digits = 3) => String(value).padStart(digits, "0");
  return `img_channel${part(channel)}_position${part(position)}_time${part(time, 9)}_z${part(z)}.tif`;
};
const named = (time: number, channel: string, z = 0) =>
  `img_${String(time).padStart(9, "0")}_${channel}_${String(z).padStart(3, "0")}.tif`;

test.each<[string, ImageAxes | undefined]>([
  [indexed(1, 2, 3, 4), { channel: 1, position: 2, z: 4 }],
  [`${indexed(0, 0, 0)}.gz`, { channel: 0, position: 0, z: 0 }],
  [named(10, "Default"), { channelName: "Default", z: 0 }],
  [named(10, "Exposure_10_ms", 7), { channelName: "Exposure_10_ms", z: 7 }],
  ["image_20250806_122500_000000_cam0.png", undefined],
  ["frame_001.tif", undefined],
])("the name %s says where the image is", (name, axes) => {
  expect(axesOfName(name)).toEqual(axes);
});

const axesOf = (name: string): FileAxes => {
  const axes = axesOfName(name);
  return { images: 1, axes: axes === undefined ? [] : [axes] };
};

const select = (names: string[], choice = {}) => {
  const separate = new SeparateImages(choice);
  return [separate.select(names, axesOf), separate.lines()];
};

describe("of images in files of their own", () => {
  const two = [0, 1, 2].flatMap((time) => [indexed(0, 0, time), indexed(1, 0, time)]);

  test("those of one channel are a series; the others are counted", () => {
    expect(select(two)).toEqual([
      [0, 1, 2].map((time) => indexed(0, 0, time)),
      ["left out 3 images of channel 1; choose with --channel"],
    ]);
    expect(select(two, { channel: 1 })).toEqual([
      [0, 1, 2].map((time) => indexed(1, 0, time)),
      ["left out 3 images of channel 0; choose with --channel"],
    ]);
  });

  test("two positions in one directory are two series", () => {
    const both = [indexed(0, 3, 0), indexed(0, 4, 0), indexed(0, 4, 1)];
    expect(select(both)).toEqual([[indexed(0, 3, 0)], ["left out 2 images of position 4; choose with --position"]]);
  });

  test("channels by name count in the order of their names", () => {
    const exposures = [0, 1].flatMap((time) => [named(time, "Short"), named(time, "Long")]);
    expect(select(exposures)).toEqual([
      [named(0, "Long"), named(1, "Long")],
      ["left out 2 images of channel 1 (Short); choose with --channel"],
    ]);
  });

  test("one channel, position and plane is the series, whatever its number; other images are no part of it", () => {
    const names = [indexed(2, 5, 0, 9), indexed(2, 5, 1, 9), "other.tif"];
    expect(select(names)).toEqual([names, []]);
    expect(select(["a.png", "b.png"], { channel: 3 })).toEqual([["a.png", "b.png"], []]);
    expect(select([])).toEqual([[], []]);
  });

  test("a channel that is not there is refused with those that are", () => {
    expect(() => select(two, { channel: 4 })).toThrow("no image is of channel 4, only of channels 0 and 1");
  });

  test("what comes later is of the series that began", () => {
    const separate = new SeparateImages();
    separate.learn([axesOf(indexed(1, 0, 0))]);
    separate.learn([axesOf(indexed(0, 0, 0))]);
    expect([indexed(1, 0, 1), indexed(0, 0, 1)].map((name) => separate.keeps(axesOf(name)))).toEqual([true, false]);
  });
});
