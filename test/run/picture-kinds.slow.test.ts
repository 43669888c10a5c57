// What the program says of picture files that hold more, or less, than one whole picture.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { encodePicture } from "../../src/image/encode.ts";
import { formatRoiManifest } from "../../src/measurement/roi.ts";
import { createSimulator } from "../../src/simulator/simulator.ts";
import { withPages, writeTiff } from "../image/picture-writers.ts";
import { experiment, phorest } from "./program.ts";

const SETTINGS = `
[Camera]
camera_type = "file_importer"
[Services]
enable_camera = true
[Web]
enabled = false
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.1
`;
const PAGES = 4;
const simulator = createSimulator({ width: 640, height: 480 });
const picture = simulator.render(0, 1);
const files: Record<string, Uint8Array> = {};

beforeAll(async () => {
  const jpeg = await encodePicture(picture, "jpeg");
  const half = jpeg.length >> 1;
  files["a_single.tif"] = writeTiff(picture);
  files["b_stack.tif"] = withPages(writeTiff(picture), PAGES);
  files["c_damaged.jpg"] = Buffer.concat([jpeg.subarray(0, half), jpeg.subarray(half + 3072)]);
});

/** An experiment with the files in its data directory. */
function withFiles(): string {
  const directory = experiment(SETTINGS);
  for (const name of ["data", "generated_files"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), formatRoiManifest(simulator.roiManifest()));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, "data", name), bytes);
  return directory;
}

interface Line {
  readonly image_filename: string;
  readonly page?: number;
  readonly processing_successful: boolean;
  readonly processing_error_message: string | null;
  readonly resonances: readonly { readonly position: number | null }[] | null;
  readonly warnings?: readonly string[];
}
const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe.each(["run", "analyse"] as const)("%s", (command) => {
  test("measures every page; refuses what is damaged", async () => {
    const directory = withFiles();
    const words = command === "run" ? ["run", "--until-idle"] : ["analyse", "data", "--jsonl", "out.jsonl"];
    const { code, stderr } = await phorest(words, directory);
    expect(code, stderr).toBe(3);
    expect(stderr).not.toMatch(/only the first/);
    expect(stderr).toMatch(/c_damaged\.jpg: .*the JPEG image is damaged or incomplete/);
    if (command === "run") await phorest(["export", "--format", "results-jsonl", "--out", "out.jsonl"], directory);
    const lines = linesOf(readFileSync(join(directory, "out.jsonl"), "utf8"));
    const of = (name: string) => lines.filter(({ image_filename }) => image_filename === name);
    const [single] = of("a_single.tif");
    expect(single).toMatchObject({ processing_successful: true });
    expect(single).not.toHaveProperty("page");
    const stack = of("b_stack.tif").sort((a, b) => (a.page ?? 0) - (b.page ?? 0));
    expect(stack.map(({ page }) => page)).toEqual(Array.from({ length: PAGES }, (_, at) => at + 1));
    for (const page of stack) {
      expect(page).toMatchObject({ processing_successful: true });
      // Its time is the only thing to know about it.
      for (const warning of page.warnings ?? []) expect(warning).toContain("the time between its pages is unknown");
      expect(page.resonances).toEqual(single?.resonances);
    }
    expect(of("c_damaged.jpg")).toMatchObject([{ processing_successful: false, resonances: null }]);
  });
});
