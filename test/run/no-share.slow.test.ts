// Copies that are wanted without a share to copy to: said at once by every command that would wait for it.
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment, phorest, QUICK_CONFIG } from "./program.ts";

const COPYING = `${QUICK_CONFIG}\n[Services]\nenable_camera = true\nenable_remote_sync = true\n`;
const NAMED = COPYING.replace("[Timing]", '[Paths]\nremote_root_dir = "/nowhere/that/is/mounted"\n[Timing]');

test.each([[["config", "check"]], [["run", "--frames", "1"]]])("%j says that no share is configured", async (words) => {
  const directory = experiment(COPYING);
  const { code, stderr } = await phorest(words, directory);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^config\.toml: no share is configured, because Paths\.remote_root_dir is not set .*init-remote.*\n$/,
  );
  // Nothing was started.
  expect(readdirSync(directory)).toEqual(["config.toml"]);
});

test("a share that is named and away is waited for, and the default directory is one once it is there", async () => {
  expect(await phorest(["config", "check"], experiment(NAMED))).toMatchObject({ code: 0 });
  const directory = experiment(COPYING);
  mkdirSync(join(directory, "remote"));
  expect(await phorest(["config", "check"], directory)).toMatchObject({ code: 0 });
});
