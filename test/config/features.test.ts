import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadFeatureLocations } from "../../src/config/features.ts";

let file: string;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest-features-"));
  file = join(directory, "Feature_locations.toml");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const feature = (label: string, at: string) => `[[features]]\nlabel = "${label}"\nfeature_location = ${at}\n`;

function load(text: string) {
  writeFileSync(file, text);
  return loadFeatureLocations(file);
}

describe("Feature_locations.toml", () => {
  test("gives the chip and the labels with their rough positions", () => {
    const text = `chip_type = "IMECII_2"\r\n${feature("D-Left", "[412, 655.5]")}${feature("D-Right", "[1500, 660]")}`;
    expect(load(text)).toEqual({
      chip_type: "IMECII_2",
      features: [
        { label: "D-Left", feature_location: [412, 655.5] },
        { label: "D-Right", feature_location: [1500, 660] },
      ],
    });
  });

  test.each([
    [
      `chip_type = "A"\n${feature("D", "[1, 2]")}`,
      ':2: features = [{"label":"D","feature_location":[1,2]}]: at least two features',
    ],
    [`chip_type = "A"\n`, "features is missing: must be at least two [[features]] tables"],
    [
      `chip_type = "A"\n${feature("D", "[1, 2]")}${feature("E", "[1]")}`,
      ":7: features[1].feature_location = [1]: must be [x, y]",
    ],
    [
      `chip_type = "A"\n${feature("D", "[1, 2]")}${feature("E", '["1", 2]')}`,
      ':7: features[1].feature_location = ["1",2]: must be [x, y]',
    ],
    [`chip_typ = "A"\n`, ':1: chip_typ = "A": unknown setting; did you mean "chip_type"?'],
    [
      `chip_type = "A"\n${feature("D", "[1, 2]")}[[features]]\nlable = "E"\nfeature_location = [1, 2]\n`,
      'features[1].lable = "E": unknown setting; did you mean "label"?',
    ],
    [`chip_type = "A"\n${feature("D", "[1, 2]")}${feature("D", "[3, 4]")}`, 'label "D" is given twice'],
  ])("%j is refused", (text, line) => {
    expect(() => load(text)).toThrow(line);
  });
});
