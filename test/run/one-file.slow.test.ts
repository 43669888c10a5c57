// One file never stops the line: the program itself, with a file that cannot be taken or copied among others.
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CAN_FUSE, quirkShare } from "../archive/quirk-share.ts";
import { experiment, phorest } from "./program.ts";

const COMMON = `
[Web]
enabled = false
[Report]
plot = false
[Timing]
collector_interval_seconds = 0.1
`;

let inputs: string;
beforeAll(async () => {
  inputs = mkdtempSync(join(tmpdir(), "phorest-inputs-"));
  const made = await phorest(["simulate", inputs, "--frames", "6", "--size", "640x480"], inputs);
  expect(made.code, made.stderr).toBe(0);
});
afterAll(() => rmSync(inputs, { recursive: true, force: true }));

const pictures = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".png"))
    .sort();

/** An experiment with the simulated chip's ROIs. */
function place(config: string): string {
  const directory = experiment(`${COMMON}${config}`);
  mkdirSync(join(directory, "generated_files"));
  mkdirSync(join(directory, "data"));
  copyFileSync(join(inputs, "ROI_manifest.json"), join(directory, "generated_files/ROI_manifest.json"));
  return directory;
}

test.each([240, 245, 255])("a name of %i bytes in a watched folder is taken like any other", async (bytes) => {
  const directory = place('[Camera]\ncamera_type = "folder"\nwatch_dir = "watched"\nfolder_stable_seconds = 0.1\n');
  const watched = join(directory, "watched");
  mkdirSync(watched);
  const long = `${"ä".repeat(50)}${"n".repeat(bytes - 104)}.png`;
  const all = ["a.png", long, "b.png", "c.png"];
  for (const [n, name] of all.entries()) {
    copyFileSync(join(inputs, pictures(inputs)[n] ?? ""), join(watched, name));
    utimesSync(join(watched, name), 1000 + n, 1000 + n);
  }
  const { code, stderr } = await phorest(["run", "--frames", "4", "--until-idle"], directory);
  expect(code, stderr).toBe(0);
  expect(pictures(join(directory, "data"))).toEqual(all.sort());
});

describe.skipIf(!CAN_FUSE)("a share that allows no colons", () => {
  test("gets every picture without one; `sync`, `status` and the log name the others with the reason", async () => {
    const share = await quirkShare("characters=:*?", "link=EACCES");
    mkdirSync(join(share.backing, "exp"));
    const remote = join(share.point, "exp");
    const directory = place(
      `[Camera]\ncamera_type = "file_importer"\n[Services]\nenable_remote_sync = true\n[Paths]\nremote_root_dir = "${remote}"\n`,
    );
    for (const name of pictures(inputs)) copyFileSync(join(inputs, name), join(directory, "data", name));
    const [first = ""] = pictures(inputs);
    for (const n of [1, 2]) {
      const name = join(directory, "data", `2024-01-01 00:00:0${n}.png`);
      writeFileSync(name, readFileSync(join(inputs, first)));
      utimesSync(name, 1000 + n, 1000 + n);
    }
    expect((await phorest(["init-remote", remote], directory)).code).toBe(0);
    const run = await phorest(["run", "--until-idle"], directory);
    expect(run.code, run.stderr).toBe(0);
    expect(pictures(join(share.backing, "exp/data"))).toEqual(pictures(inputs));
    expect(run.stderr.match(/not copied: the share does not allow ":" in a name/g)).toHaveLength(2);
    const status = await phorest(["status"], directory);
    expect(status.stdout).toMatch(
      /set aside: 2 files: 2024-01-01 00:00:0\d\.png: the share does not allow ":" in a name; 2024-01-01 00:00:0\d\.png: /,
    );
    const synced = await phorest(["sync", "--once"], directory);
    expect(synced.code, synced.stderr).toBe(3);
    expect(synced.stdout).toMatch(/^0 images copied to .*, 2 waiting; set aside: 2 files: .*; next try in \d+ s\n$/);
    expect((await phorest(["verify"], directory)).code).toBe(0);
  });
});
