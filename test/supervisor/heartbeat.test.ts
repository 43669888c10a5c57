// What the heartbeat stores of the run itself.
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { markPlace } from "../../src/archive/directory-identity.ts";
import { loadConfig } from "../../src/config/config.ts";
import { createLogger } from "../../src/log/logger.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { DamageWatch } from "../../src/supervisor/damage-watch.ts";
import { EnvironmentWatch } from "../../src/supervisor/environment-watch.ts";
import { Heartbeat } from "../../src/supervisor/heartbeat.ts";
import { StageSet } from "../../src/supervisor/stage-set.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("a stage that fails while the run ends does not make it look running again", () => {
  const directory = temporaryDirectory();
  const manifest = Manifest.open({ file: join(directory, MANIFEST_FILENAME) });
  onTestFinished(() => manifest.close());
  const log = createLogger({ level: "error", console: false, rotateSeconds: 3600 });
  const stageLog = log.stage("supervisor");
  const damage = new DamageWatch(manifest, stageLog);
  const place = { mark: markPlace(directory), dataDir: directory, rootDir: directory, usbUuid: undefined };
  const heartbeat = new Heartbeat({
    ...{ config: loadConfig(undefined).config, manifest, log, damage },
    stages: new StageSet({ log, damage, moved: () => undefined }),
    environment: new EnvironmentWatch(place, stageLog),
    displaced: () => undefined,
    beaten: () => undefined,
  });
  const stored = () => manifest.heartbeats.all().map(({ stage, state }) => `${stage} ${state}`);
  heartbeat.beat();
  expect(stored()).toEqual(["supervisor running"]);
  heartbeat.end();
  expect(stored()).toEqual(["supervisor stopped"]);
  // As the supervisor does when a stage fails.
  heartbeat.beat();
  expect(stored()).toEqual(["supervisor stopped"]);
});
