// Archives an experiment and dies by SIGKILL at the step named: node --import tsx moves-out.ts ROOT STEP
import { join } from "node:path";
import { moveOut } from "../../../src/archive/archive-move.ts";
import { writeHistory } from "../../../src/archive/history.ts";
import { MANIFEST_FILENAME, Manifest } from "../../../src/manifest/manifest.ts";
import { LATER_US } from "../finished.ts";

const [root = "", step = ""] = process.argv.slice(2);
const die = (): void => process.kill(process.pid, "SIGKILL") as unknown as undefined;
const manifestFile = join(root, "data", MANIFEST_FILENAME);
const backupDir = join(root, "backup");
const manifest = Manifest.open({ file: manifestFile });
const answer = await writeHistory({ manifestFile, backupDir, afterDays: 30, syncing: false, nowUs: LATER_US });
if (answer === undefined) throw new Error("there is nothing to archive");
if (step === "written") die();
// It dies at the call that the step names.
const dying = new Proxy(manifest.archives, {
  get(target, name) {
    const value = Reflect.get(target, name, target);
    if (typeof value !== "function") return value;
    return (...args: unknown[]) => {
      const result: unknown = value.apply(target, args);
      if (`after archives.${String(name)}` === step) die();
      return result;
    };
  },
});
Object.defineProperty(manifest, "archives", { value: dying });
await moveOut(manifest, answer.written, { syncing: false, nowUs: () => LATER_US });
process.stdout.write("survived\n");
