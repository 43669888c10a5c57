// Links that somebody who may only write into the watched directory, the data directory or the share puts there.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { initRemote } from "../../src/archive/remote.ts";
import { experiment, phorest, QUICK_CONFIG, start } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { filesBelow, picture, simulatedRois, stateOf } from "./experiments.ts";

const folderConfig = (follow: boolean) =>
  `${QUICK_CONFIG}\n[Services]\nenable_camera = true\n`.replace(
    'camera_type = "simulated"',
    `camera_type = "folder"\nwatch_dir = "watched"\nfolder_stable_seconds = 0.1\nfollow_links = ${follow}`,
  );

test.each([false, true])("links in the watched and the data directory, follow_links = %s", async (follow) => {
  const directory = experiment(folderConfig(follow));
  const elsewhere = temporaryDirectory();
  mkdirSync(join(directory, "watched"));
  mkdirSync(join(directory, "data"));
  mkdirSync(join(directory, "generated_files"));
  writeFileSync(join(directory, "generated_files", "ROI_manifest.json"), simulatedRois());
  writeFileSync(join(directory, "web_token"), "token");
  writeFileSync(join(elsewhere, "real.png"), await picture(1));
  writeFileSync(join(directory, "watched", "own.png"), await picture(2));
  symlinkSync("../web_token", join(directory, "watched", "token.png"));
  symlinkSync(join(elsewhere, "real.png"), join(directory, "watched", "linked.png"));
  symlinkSync(elsewhere, join(directory, "watched", "directory.png"));
  symlinkSync("../web_token", join(directory, "data", "old-token.png"));
  symlinkSync(join(elsewhere, "real.png"), join(directory, "data", "old.png"));
  const before = stateOf(elsewhere);
  const { code, stderr } = await phorest(["run", "--until-idle"], directory);
  expect(stateOf(elsewhere)).toEqual(before);
  expect(readFileSync(join(directory, "web_token"), "utf8")).toBe("token");
  const stored = filesBelow(join(directory, "data")).filter((name) => name.includes(".png"));
  const { stdout } = await phorest(["status"], directory);
  if (follow) {
    // What the user allows is what he gets, a token that is no picture included.
    expect(stored.sort()).toEqual(["linked.png", "own.png", "token.png"]);
    expect(stderr).toMatch(/old\.png: measured/);
    return;
  }
  expect(code, stderr).toBe(0);
  expect(stored).toEqual(["own.png"]);
  for (const name of ["token.png", "linked.png", "directory.png", "old-token.png", "old.png"]) {
    expect(stderr).toContain(`${name}: skipped: it is a link; set Camera.follow_links = true to use linked images`);
  }
  expect(stdout).toMatch(/skipped/);
});

test("directories on the share that are links are not followed, and the run says so", async () => {
  const remote = temporaryDirectory();
  const elsewhere = temporaryDirectory();
  const directory = experiment(
    `${QUICK_CONFIG.replace("[Timing]", "[Timing]\nsync_interval_seconds = 0.2")}
[Services]
enable_remote_sync = true
[Paths]
remote_root_dir = "${remote}"
[Sync]
keep_local = false
`,
  );
  await initRemote(remote, []);
  for (const name of ["data", "results"]) symlinkSync(elsewhere, join(remote, name));
  const { child, ended } = start(["run"], directory);
  let said = "";
  const told = new Promise<void>((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (/on the share is a link/.test(said)) resolve();
    });
  });
  await Promise.race([told, ended]);
  child.kill("SIGINT");
  const { stderr } = await ended;
  expect(stderr).toMatch(/on the share is a link; phorest copies only into directories/);
  expect(filesBelow(elsewhere)).toEqual([]);
  const captured = [...stderr.matchAll(/(image_\S+\.png): captured/g)].map(([, name]) => name);
  const here = filesBelow(join(directory, "data")).filter((name) => name.endsWith(".png"));
  expect(here).toEqual(expect.arrayContaining(captured));
});
