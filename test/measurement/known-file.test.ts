import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readChipMap } from "../../src/chip/chip-map.ts";
import { readChipFile } from "../../src/chip/layout.ts";
import { loadConfig } from "../../src/config/config.ts";
import { loadFeatureLocations } from "../../src/config/features.ts";
import { readRoiManifestNow } from "../../src/measurement/roi.ts";
import { packageRoot } from "../../src/system/files.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const json = (value: unknown) => JSON.stringify(value, null, 4);
const roi = (label: string) => [`ROI_${label}`, { label, flip: true, coords: [1, 2], size: [3, 4] }];
const LONG = { pad: " ".repeat(2e6) };

/** Files by what they are; each begins like one that an established installation has. */
const FILES: Readonly<Record<string, string>> = {
  "a configuration": '# of the lab\n[Camera]\ncamera_type = "dummy"\n',
  "a feature file (": 'chip_type = "IMECII_2"\n[[features]]\nlabel = "D-Left"\nfeature_location = [88, 850]\n',
  "a feature file in the older JSON form": json({
    chip_type: "IMECII_2",
    features: [{ label: "B-Left", feature_location: [1320, 5022] }],
  }),
  "a file of calculated image features": json({
    chip_type: "IMECII_2",
    features: [{ label: "B-Left", user_location: [1320, 5022], chip_location: [-2312, 960] }],
  }),
  "an ROI manifest": json({ ...Object.fromEntries([roi("01A_N"), roi("01A_S")]), image_angle: 0.1 }),
  "a chip map": json({ chip: [{ chip_type: "UoY", auto_locate_grating: false }] }),
  "a chip file": '# a chip\ntype = "C"\n[lattice]\norigin = [0, 0]\n',
  "the metadata manifest of an established experiment": json([
    { entry_timestamp_iso: "2025-08-07T12:00:00", collection_error: false, camera_data: null, ...LONG },
  ]),
  "a file of processing results": `{"manifest_entry_timestamp": null, "image_filename": "a.png"}\n`,
  "the database of an experiment": "SQLite format 3\0\x10\0",
  "an image": "II*\0\x08\0\0\0",
};

const READERS: readonly (readonly [what: string, own: string, read: (file: string) => unknown])[] = [
  ["a configuration", "a configuration", loadConfig],
  ["a feature file", "a feature file (", loadFeatureLocations],
  ["an ROI manifest", "an ROI manifest", readRoiManifestNow],
  ["a chip map", "a chip map", readChipMap],
  ["a chip file", "a chip file", readChipFile],
];

describe.each(READERS)("given as %s", (what, own, read) => {
  test.each(Object.keys(FILES).filter((kind) => kind !== own))("%s is named", (kind) => {
    const file = join(temporaryDirectory("kinds"), "given");
    writeFileSync(file, FILES[kind] ?? "", "latin1");
    expect(() => read(file)).toThrow(new RegExp(`given: this is ${kind.replace("(", "\\(")}.*, not ${what}$`));
  });

  test("its own kind is not refused as another, also with a byte order mark", () => {
    const file = join(temporaryDirectory("kinds"), "given");
    writeFileSync(file, `\uFEFF${FILES[own] ?? ""}`);
    let message = "";
    try {
      read(file);
    } catch (error) {
      message = String(error);
    }
    expect(message).not.toContain("this is");
  });
});

test("the shipped files are what they are", () => {
  expect(() => loadConfig(join(packageRoot(), "chips/IMECII_2.toml"))).toThrow("this is a chip file");
  expect(readChipFile(join(packageRoot(), "chips/IMECII_4.toml")).type).toBe("IMECII_4");
  expect(() => readRoiManifestNow(join(packageRoot(), "config.toml"))).toThrow("this is a configuration");
});
