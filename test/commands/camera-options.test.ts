// An option of `run` that has no effect with the configured camera is refused, for every camera type.
import { describe, expect, test } from "vitest";
import { withCaptureTimes } from "../../src/commands/capture-time-options.ts";
import { withPages } from "../../src/commands/page-options.ts";
import { withSubset } from "../../src/commands/subset-options.ts";
import { CAMERA_TYPES, type CameraType } from "../../src/config/camera-section.ts";
import { loadConfig } from "../../src/config/config.ts";
import { UTC } from "../../src/system/time-zone.ts";

const PART = { every: 2, from: "2026-03-04T10:00", to: "2026-03-04T11:00", limit: 3 };
const PAGES = { channel: 1, z: 1, position: "1" };
const TIMES = { times: "times.csv", nameTime: "%Y%m%d_%H" };
/** The cameras with which the options of each kind have an effect. */
const KINDS: readonly [object, readonly CameraType[]][] = [
  [PART, ["dummy", "file_importer", "folder"]],
  [PAGES, ["file_importer", "folder"]],
  [TIMES, ["file_importer", "folder"]],
];

function applied(camera_type: CameraType, option: object, dummy_path?: string) {
  const loaded = loadConfig(undefined);
  const Camera = { ...loaded.config.Camera, camera_type, dummy_path };
  const configured = { ...loaded, config: { ...loaded.config, Camera } };
  return withCaptureTimes(withPages(withSubset(configured, option, UTC), option), option, true);
}

const ROWS = KINDS.flatMap(([options, types]) =>
  Object.entries(options).flatMap(([name, value]) =>
    CAMERA_TYPES.map((type): [string, CameraType, boolean, unknown] => [name, type, types.includes(type), value]),
  ),
);

describe.each(ROWS)("--%s with %s", (name, type, isUsed, value) => {
  test(`is ${isUsed ? "used" : "refused"}`, () => {
    const run = () => applied(type, { [name]: value }, "pictures").config.Camera;
    if (isUsed) expect(run()).not.toEqual(applied(type, {}, "pictures").config.Camera);
    else expect(run).toThrow(/^--\S+ needs a camera that .*, not "\w+"$/);
  });
});

test.each(Object.entries(PART))("--%s needs images to replay, not the built-in one", (name, value) => {
  expect(() => applied("dummy", { [name]: value })).toThrow(
    /^--\w+ needs images: the dummy camera replays its built-in/,
  );
});
