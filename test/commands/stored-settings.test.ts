// What `phorest remeasure` measures with where no configuration file is.
import { expect, test } from "vitest";
import { sourceLine, withStoredSettings } from "../../src/commands/stored-settings.ts";
import { loadConfig } from "../../src/config/config.ts";
import { METHODS } from "../../src/measurement/method.ts";
import { analysisSettings } from "../../src/stages/processor/analysis-settings.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const { config } = loadConfig(undefined, temporaryDirectory());

test.each(METHODS)("the stored settings of %s give the same analysis again", (method) => {
  const usual = config.Data_Analysis;
  const measuredWith = {
    ...config,
    Camera: { ...config.Camera, bits: 12 },
    Data_Analysis: {
      ...usual,
      method,
      number_of_subROIs: 7,
      joint_line: "voigt" as const,
      reference_frames: 5,
      fano_sign: "established" as const,
      track_drift: true,
    },
  };
  const { settings } = analysisSettings(measuredWith, undefined);
  const { method: _, ...others } = settings;
  const again = withStoredSettings(config, { method, settings: JSON.stringify(others) });
  expect(analysisSettings(again.config, again.darkLevel).settings).toEqual(settings);
});

test("it is said where the settings are from", () => {
  expect(sourceLine({ name: "quick fano" })).toContain('the settings of analysis "quick fano"');
  expect(sourceLine(undefined)).toContain("the built-in settings");
});
