import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { continuedChoice, continuedLine, seriesOfRecord, seriesSettings } from "../../src/cameras/series-record.ts";
import type { Config } from "../../src/config/schema.ts";
import type { PageChoice } from "../../src/image/chosen-pages.ts";
import type { ImageAxes } from "../../src/image/image-axes.ts";
import { writeTiff } from "../image/picture-writers.ts";
import { sourceOf } from "../support/source-of.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const before: ImageAxes = { channel: 1, channelName: "GFP", z: 0, position: 2, positionNames: ["Well A3", "A3"] };

describe("an experiment holds one series", () => {
  test("what is not chosen stays as it was, and what is chosen again is the same by number and by name", () => {
    const same: PageChoice[] = [
      {},
      { channel: 1, z: 0 },
      { position: 2 },
      { position: "well a3" },
      { position: "Pos2" },
    ];
    for (const choice of same) {
      expect(continuedChoice(choice, before)).toEqual({ channel: 1, z: 0, position: 2, ...choice });
    }
    expect(continuedLine({}, before)).toBe(
      "continues with position 2 (Well A3, A3), channel 1 (GFP), as its frames were taken",
    );
    expect(continuedLine({ channel: 1, position: 2 }, before)).toBeUndefined();
    expect(continuedLine({}, { channel: 0, z: 0, position: 0 })).toBeUndefined();
  });

  test.each<[PageChoice, RegExp]>([
    [
      { channel: 0 },
      /^--channel is 0, but the frames of this experiment are of channel 1 \(GFP\); an experiment holds one series$/,
    ],
    [{ z: 3 }, /^--z is 3, .* of z plane 0;/],
    [{ position: 0 }, /^--position is 0, .* of position 2 \(Well A3, A3\);/],
    [{ position: "Well A4" }, /^--position is "Well A4", .* of position 2/],
  ])("another choice is refused: %j", (choice, message) => {
    expect(() => continuedChoice(choice, before)).toThrow(message);
  });

  test("frames whose axes are not known continue with any choice", () => {
    const choice = { channel: 3, z: 1, position: "A" };
    expect(continuedChoice(choice, {})).toEqual(choice);
  });

  test.each([before, { channel: 0, z: 1, position: 0 }, { z: 4 }])("the record of a frame says it: %j", (axes) => {
    expect(seriesOfRecord(String(Object.values(seriesSettings(axes))[0]))).toEqual(axes);
    expect(seriesSettings(undefined)).toEqual({});
    expect(seriesOfRecord(undefined)).toBeUndefined();
  });
});

describe.each(["folder", "file_importer"] as const)("%s: channels that only have names", (camera_type) => {
  const picture = writeTiff({ width: 4, height: 4, pixels: new Uint8Array(16) });
  const named = (time: number, channel: string) => `img_${String(time).padStart(9, "0")}_${channel}_000.tif`;
  const look = async (directory: string, camera: Partial<Config["Camera"]>, known: string[], series?: ImageAxes) => {
    const source = sourceOf(
      {
        camera: { camera_type, watch_dir: directory, folder_stable_seconds: 0, ...camera },
        sections: { Paths: { data_dir: directory } },
      },
      {
        isKnown: (name) => known.includes(name),
        takenBefore: (name) => (known.includes(name) ? { bytes: undefined, modifiedUs: undefined } : undefined),
        seriesBefore: () => series,
      },
    );
    await source.open();
    const names: string[] = [];
    let record: ImageAxes | undefined;
    const { signal } = new AbortController();
    for (let frame = await source.capture(signal); frame !== null; frame = await source.capture(signal)) {
      names.push(frame.file?.name ?? "");
      record = seriesOfRecord(String(frame.settings.source_series));
    }
    await source.close();
    return { names, record };
  };

  test("keep their numbers in a later run, whichever files it finds first", async () => {
    const directory = temporaryDirectory("phorest-series-");
    // Not new, so that the folder does not wait for metadata.txt.
    const writtenAt = new Date(Date.UTC(2025, 0, 1));
    const put = (time: number, ...channels: string[]) => {
      for (const channel of channels) {
        const path = join(directory, named(time, channel));
        writeFileSync(path, picture);
        utimesSync(path, writtenAt, writtenAt);
      }
    };
    for (const time of [0, 1]) put(time, "BF", "GFP");
    const first = await look(directory, { channel: 1 }, []);
    expect(first).toEqual({
      names: [named(0, "GFP"), named(1, "GFP")],
      record: { channel: 1, channelName: "GFP", z: 0 },
    });
    put(2, "BF", "GFP", "AAA");
    const later = await look(directory, { channel: 1 }, first.names, first.record);
    expect(later.names).toEqual([named(2, "GFP")]);
  });
});
